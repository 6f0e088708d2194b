"""Who moved from which segment to which between two dates."""

from dataclasses import dataclass
from datetime import date

from django.db import connection
from psycopg import sql

from analytics.models import RfmModel, RfmRun

MATRIX = sql.SQL(
    """
    WITH before AS ({before}), after AS ({after})
    SELECT coalesce(before.segment, ''), coalesce(after.segment, ''), count(*)
    FROM before FULL JOIN after USING (customer_id)
    GROUP BY 1, 2 HAVING coalesce(before.segment, '') <> '' OR coalesce(after.segment, '') <> ''
    """
)
# A transition tells what changed against the run done before it, whatever days the two were as of and
# whichever was promised first. So the state after a run is today's, but for whoever moved later: they stood
# where their next move began.
STATE = sql.SQL(
    """
    SELECT customer_id, CASE WHEN moved.here THEN moved.segment ELSE score.segment END AS segment
    FROM (
        SELECT DISTINCT ON (transition.customer_id)
            transition.customer_id, transition.from_segment AS segment, true AS here
        FROM analytics_rfmtransition transition JOIN analytics_rfmrun run ON run.id = transition.run_id
        WHERE run.model_id = {model} AND (run.finished_at, run.id) > ({finished_at}, {run})
        ORDER BY transition.customer_id, run.finished_at, run.id
    ) AS moved
    FULL JOIN (SELECT customer_id, segment FROM analytics_rfmscore WHERE model_id = {model}) AS score
        USING (customer_id)
    """
)
NOBODY = sql.SQL("SELECT NULL::bigint AS customer_id, NULL AS segment WHERE false")


@dataclass(frozen=True)
class Migration:
    """Customers by (segment then, segment now); '' stands for outside of the population.

    `before` and `after` are the runs that tell how things stood; None before the first one.
    """

    before: RfmRun | None
    after: RfmRun | None
    customers: dict[tuple[str, str], int]


def segment_migration(model: RfmModel, *, from_: date, to: date) -> Migration:
    """Return the migration matrix between two dates, each by the last run as of it or before."""
    before, after = model.runs.as_of(from_), model.runs.as_of(to)
    with connection.cursor() as cursor:
        cursor.execute(MATRIX.format(before=_state(before), after=_state(after)))
        customers = {(old, new): count for old, new, count in cursor.fetchall()}
    return Migration(before, after, customers)


def _state(run: RfmRun | None) -> sql.Composable:
    if run is None:
        return NOBODY
    return STATE.format(model=run.model_id, run=run.pk, finished_at=run.finished_at)
