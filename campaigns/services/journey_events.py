"""What happens to people on the way ends their wait, or their journey, at once."""

from datetime import datetime

from django.db import transaction

from campaigns.bells import ring_on_commit
from campaigns.journeys import WaitStep, parse_journey
from campaigns.models import JourneyPassage, JourneyPosition, MessageReason, PositionState
from campaigns.occasions import event_facts
from campaigns.services.journey_rows import (
    count_passages,
    drop_waiting_messages,
    retries_after_goal,
)
from campaigns.services.reservations import cancel_waiting
from campaigns.triggers import EventRule
from customers.models import Event


def hear_on_the_way(event: Event, *, at: datetime) -> int:
    """Let an event reach the people whose goal it is, or who wait for it; return how many that concerns.

    Called again with the same event it changes nothing. A lost one is noticed when the person moves.
    """
    ways = JourneyPosition.objects.on_the_way().filter(customer=event.customer_id)
    concerned = 0
    for position in ways.select_related("run__version").order_by("pk"):
        version = position.run.version
        journey = parse_journey(version.steps, version.goal)
        step = journey.by_id[position.step]
        if journey.goal and _fits(journey.goal.event, event, position.since_at):
            concerned += _reach(position, at=at)
        elif isinstance(step, WaitStep) and _fits(step.event, event, position.waits_since):
            concerned += _wake(position, at=at)
    return concerned


def _fits(rule: EventRule | None, event: Event, since: datetime | None) -> bool:
    return (
        rule is not None
        and since is not None
        and rule.type == event.type
        and event.occurred_at > since
        and rule.fits(event_facts(event))
    )


def _reach(position: JourneyPosition, *, at: datetime) -> int:
    with transaction.atomic():
        reached = JourneyPosition.objects.on_the_way().filter(pk=position.pk, step=position.step)
        changed = reached.update(state=PositionState.REACHED, ended_at=at, waits_since=None)
        if changed:
            drop_waiting_messages([position])
            count_passages(position.campaign_id, {(position.step, JourneyPassage.GOAL): 1})
        else:  # They moved meanwhile: the next step looks for the goal by itself.
            ring_on_commit("move_journeys")
    if changed:
        retries = retries_after_goal(position.run).filter(customer=position.customer_id)
        cancel_waiting(retries, reason=MessageReason.GOAL_REACHED, at=at)
    return changed


def _wake(position: JourneyPosition, *, at: datetime) -> int:
    waiting = JourneyPosition.objects.on_the_way().filter(pk=position.pk, waits_since=position.waits_since)
    with transaction.atomic():
        changed = waiting.filter(due_at__gt=at).update(due_at=at)
        if changed:
            ring_on_commit("move_journeys")
    return changed
