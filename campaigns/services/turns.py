"""Somebody's turn in a campaign: they are written to at once, or enter its journey."""

from collections.abc import Sequence

from django.db import connection

from campaigns.bells import ring_on_commit
from campaigns.journeys import parse_journey
from campaigns.models import MAIN, CampaignRun
from campaigns.services.lots import LOTS, lot_values
from campaigns.services.snapshots import EVERYBODY, MEMBERS, NAMED, Planned, plan_messages

SINCES = "unnest(%(customers)s::bigint[], %(occurrences)s::text[], %(sinces)s::timestamptz[])"
# Whoever is on the way already does not enter a second time; nor anybody with the same occurrence.
ENTER = """
WITH asked AS ({source}), entering AS (
    SELECT customer.id, customer.public_id, asked.occurrence, asked.not_before
    FROM asked JOIN customers_customer AS customer ON customer.id = asked.customer_id
    WHERE customer.status IN ('ACTIVE', 'PROSPECT') AND customer.restricted_at IS NULL
), drawn AS (
    SELECT entering.*, {lots} FROM entering
)
INSERT INTO campaigns_journeyposition (
    campaign_id, run_id, customer_id, occurrence, step, state, entered_at, since_at, due_at, laps, held_out
)
SELECT %(campaign)s, %(run)s, drawn.id, drawn.occurrence, %(first)s, 'ON_THE_WAY', statement_timestamp(),
       LEAST({since}, statement_timestamp()), {due}, 0, held_out OR kept_out
FROM drawn {sinces}
ORDER BY drawn.id
ON CONFLICT DO NOTHING
"""


def begin(run: CampaignRun, *, people: Sequence[Planned] | None = None) -> int:
    """Give everybody in the audience of a run, or these `people` of it, their turn; return how many got one.

    They are planned a message, or enter the journey at its first step. Called again it adds nobody twice.
    """
    if not run.version.steps:
        return plan_messages(run, people=people)
    ring_on_commit("move_journeys")
    return _enter(run, people)


def _enter(run: CampaignRun, people: Sequence[Planned] | None) -> int:
    version = run.version
    values = {
        "run": run.pk,
        "campaign": run.campaign_id,
        "segment": version.segment_id,
        "occurrence": run.occurrence,
        "expires_at": None,
        "starts_at": run.not_before,
        "first": parse_journey(version.steps, version.goal).first,
        **lot_values(run, step=MAIN),
    }
    if people is None:
        source = MEMBERS if version.segment_id else EVERYBODY
        since = due = "%(starts_at)s::timestamptz"
        sinces = ""
    else:
        source, due, since = NAMED, "drawn.not_before", "COALESCE(told.since, drawn.not_before)"
        sinces = (
            f"LEFT JOIN {SINCES} AS told(id, occurrence, since)"
            " ON told.id = drawn.id AND told.occurrence = drawn.occurrence"
        )
        values |= {
            "customers": [one.customer_id for one in people],
            "occurrences": [one.occurrence for one in people],
            "not_before": [one.not_before for one in people],
            "expiries": [one.expires_at for one in people],
            "sinces": [one.since for one in people],
        }
    sql = ENTER.format(source=source, lots=LOTS, since=since, due=due, sinces=sinces)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.rowcount
