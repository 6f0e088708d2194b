"""The statements under moving journeys: hold, write and count many people at once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Exists, Func, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Left

from campaigns.models import (
    CampaignRun,
    JourneyPosition,
    Message,
    MessageReason,
    MessageState,
    PositionState,
)

# So much of a position's occurrence is in that of its messages from the second lap on.
LAP_STEM = 58
LAP = r"\+\d+$"

# Whoever is being merged or changed just now is left for the next tick: nothing ever waits in a circle.
CLAIM = """
SELECT position.id FROM campaigns_journeyposition AS position
JOIN customers_customer AS customer ON customer.id = position.customer_id
WHERE position.run_id = %(run)s AND position.state = 'ON_THE_WAY' AND position.due_at <= %(at)s
ORDER BY position.due_at, position.id
LIMIT %(limit)s
FOR UPDATE OF position SKIP LOCKED
FOR SHARE OF customer SKIP LOCKED
"""
SAVE = """
UPDATE campaigns_journeyposition AS position
SET step = moved.step, state = moved.state, due_at = moved.due_at, waits_since = moved.waits_since,
    ended_at = moved.ended_at, laps = moved.laps, publication_id = moved.publication
FROM unnest(
    %(id)s::bigint[], %(step)s::text[], %(state)s::text[], %(due_at)s::timestamptz[],
    %(waits_since)s::timestamptz[], %(ended_at)s::timestamptz[], %(laps)s::int[], %(publication)s::bigint[]
) AS moved(id, step, state, due_at, waits_since, ended_at, laps, publication)
WHERE position.id = moved.id
"""
COUNT = """
INSERT INTO campaigns_journeypassage AS known (campaign_id, step, way, people)
SELECT %(campaign)s, passed.step, passed.way, passed.people
FROM unnest(%(steps)s::text[], %(ways)s::text[], %(people)s::bigint[]) AS passed(step, way, people)
ORDER BY 2, 3
ON CONFLICT (campaign_id, step, way) DO UPDATE SET people = known.people + excluded.people
"""
# A pause or stop that is under way holds the row: then nothing of the portion happens.
STILL_RUNNING = """
SELECT id FROM campaigns_campaign WHERE id = %s AND status = 'RUNNING' FOR SHARE SKIP LOCKED
"""


def claim_positions(run_id: int, *, at: datetime, limit: int) -> list[int]:
    """Hold people of a run who are due, and their customers, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"run": run_id, "at": at, "limit": limit})
        return [pk for (pk,) in cursor.fetchall()]


def save_positions(positions: Sequence[JourneyPosition]) -> None:
    """Write down where people are now."""
    values = {
        "id": [one.pk for one in positions],
        "step": [one.step for one in positions],
        "state": [str(one.state) for one in positions],
        "due_at": [one.due_at for one in positions],
        "waits_since": [one.waits_since for one in positions],
        "ended_at": [one.ended_at for one in positions],
        "laps": [one.laps for one in positions],
        "publication": [one.publication_id for one in positions],
    }
    with connection.cursor() as cursor:
        cursor.execute(SAVE, values)


def count_passages(campaign_id: int, passages: Mapping[tuple[str, str], int]) -> None:
    """Add to how many went which way; last in a transaction, since everybody writes the same few rows."""
    values = {
        "campaign": campaign_id,
        "steps": [step for step, _way in passages],
        "ways": [way for _step, way in passages],
        "people": list(passages.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, values)


def is_still_running(campaign_id: int) -> bool:
    """Return whether a campaign runs, and keep it so until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(STILL_RUNNING, [campaign_id])
        return cursor.fetchone() is not None


def drop_waiting_messages(positions: Collection[JourneyPosition]) -> int:
    """Take back messages of people who have reached the goal, of which none has been tried with a code.

    The others are those of `retries_after_goal`.
    """
    if not positions:
        return 0
    waiting = Message.objects.filter(
        run__in={one.run_id for one in positions},
        customer__in=[one.customer_id for one in positions],
        state=MessageState.PENDING,
        publication=None,
    )
    return waiting.update(state=MessageState.CANCELLED, reason=MessageReason.GOAL_REACHED)


def retries_after_goal(run: CampaignRun) -> QuerySet[Message]:
    """Return messages that hold a code and wait to be tried again though their reader is at the goal."""
    whole = Func("occurrence", Value(LAP), Value(""), function="regexp_replace", output_field=TextField())
    reached = JourneyPosition.objects.filter(
        run=OuterRef("run"), customer=OuterRef("customer"), state=PositionState.REACHED
    ).annotate(stem=Left("occurrence", LAP_STEM))
    same = Q(occurrence=OuterRef("occurrence")) | Q(stem=OuterRef("whole"))
    waiting = run.messages.filter(state=MessageState.PENDING, publication__isnull=False)
    return waiting.annotate(whole=whole).filter(Exists(reached.filter(same)))
