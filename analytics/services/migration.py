"""Who moved from which segment to which between two dates."""

from dataclasses import dataclass
from datetime import date

from django.db import connection

from analytics.models import RfmModel, RfmRun

MATRIX = """
WITH before AS ({state}), after AS ({state})
SELECT coalesce(before.segment, ''), coalesce(after.segment, ''), count(*)
FROM before FULL JOIN after USING (customer_id)
GROUP BY 1, 2 HAVING coalesce(before.segment, '') <> '' OR coalesce(after.segment, '') <> ''
"""
# A transition tells what changed against the run before it, whatever days the two were as of: the state after
# a run is the last transition of each customer up to it.
STATE = """
SELECT DISTINCT ON (transition.customer_id) transition.customer_id, transition.to_segment AS segment
FROM analytics_rfmtransition transition JOIN analytics_rfmrun run ON run.id = transition.run_id
WHERE run.model_id = %s AND run.id <= %s
ORDER BY transition.customer_id, transition.run_id DESC
"""


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
        cursor.execute(
            MATRIX.format(state=STATE),
            [model.pk, before.pk if before else 0, model.pk, after.pk if after else 0],
        )
        customers = {(old, new): count for old, new, count in cursor.fetchall()}
    return Migration(before, after, customers)
