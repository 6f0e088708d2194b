"""What journeys ask about the people on the way: what happened to them, and in which segment they are."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from campaigns.journeys import Journey
from campaigns.models import JourneyPosition
from campaigns.occasions import event_facts
from campaigns.triggers import EventRule
from customers.models import Event, Segment, SegmentMembership, SegmentOverride
from customers.segments.compiler import compile_rules

# An event that a shop tells late happened before we heard of it.
HAPPENED = """
SELECT asked.id FROM unnest(%(ids)s::bigint[], %(customers)s::bigint[], %(sinces)s::timestamptz[])
    AS asked(id, customer_id, since)
WHERE EXISTS (
    SELECT FROM customers_event AS happened
    WHERE happened.customer_id = asked.customer_id AND happened.type = %(type)s
      AND happened.occurred_at > asked.since AND happened.occurred_at > %(earliest)s)
"""
WHICH = """
SELECT asked.id, happened.id
FROM unnest(%(ids)s::bigint[], %(customers)s::bigint[], %(sinces)s::timestamptz[])
    AS asked(id, customer_id, since)
JOIN customers_event AS happened ON happened.customer_id = asked.customer_id AND happened.type = %(type)s
  AND happened.occurred_at > asked.since AND happened.occurred_at > %(earliest)s
"""


def who_had(rule: EventRule, sinces: Mapping[JourneyPosition, datetime]) -> set[JourneyPosition]:
    """Return the people to whom an event that fits happened after each one's instant."""
    if not sinces:
        return set()
    values = {
        "ids": [position.pk for position in sinces],
        "customers": [position.customer_id for position in sinces],
        "sinces": list(sinces.values()),
        "type": rule.type,
        "earliest": min(sinces.values()),
    }
    with connection.cursor() as cursor:
        if not rule.where:
            cursor.execute(HAPPENED, values)
            found = {pk for (pk,) in cursor.fetchall()}
        else:
            cursor.execute(WHICH, values)
            found = _fitting(rule, cursor.fetchall(), values["earliest"])
    return {position for position in sinces if position.pk in found}


def _fitting(rule: EventRule, pairs: Sequence[tuple[int, int]], earliest: datetime) -> set[int]:
    events = Event.objects.filter(occurred_at__gt=earliest).select_related("store", "sales_channel", "source")
    by_id = events.select_related("product").in_bulk({event for _position, event in pairs})
    return {position for position, event in pairs if rule.fits(event_facts(by_id[event]))}


def who_is_in(code: str, positions: Collection[JourneyPosition], *, at: datetime) -> set[JourneyPosition]:
    """Return the people who are in a segment now; a rule is asked anew, nothing is written."""
    segment = Segment.objects.filter(code=code).first()
    if segment is None or not positions:
        return set()
    people = [position.customer_id for position in positions]
    if segment.kind == Segment.Kind.RULE and segment.active:
        found = set(compile_rules(segment.rules, as_of=at, among=people).values_list("pk", flat=True))
        decided = SegmentOverride.objects.filter(segment=segment, customer__pk__any_of=people)
        for customer, kind in decided.values_list("customer", "kind"):
            (found.add if kind == SegmentOverride.Kind.INCLUDE else found.discard)(customer)
    else:
        members = SegmentMembership.objects.current().filter(segment=segment, customer__pk__any_of=people)
        found = set(members.values_list("customer", flat=True))
    return {position for position in positions if position.customer_id in found}


def whom_rules_fit(
    rules: Mapping[str, Any], positions: Collection[JourneyPosition], *, at: datetime
) -> set[JourneyPosition]:
    """Return the people for whom rules hold, as segments have them."""
    people = [position.customer_id for position in positions]
    found = set(compile_rules(dict(rules), as_of=at, among=people).values_list("pk", flat=True))
    return {position for position in positions if position.customer_id in found}


def who_reached_the_goal(
    journey: Journey, positions: Collection[JourneyPosition], *, at: datetime
) -> set[JourneyPosition]:
    """Return the people who have done what the journey is for since they entered it."""
    if journey.goal is None:
        return set()
    if journey.goal.event is not None:
        return who_had(journey.goal.event, {position: position.since_at for position in positions})
    return who_is_in(journey.goal.segment, positions, at=at)


def since_days(positions: Collection[JourneyPosition], days: int | None, *, at: datetime) -> dict:
    """Return from when on something counts for each: so many days ago, else since they entered."""
    if days is None:
        return {position: position.since_at for position in positions}
    return dict.fromkeys(positions, at - timedelta(days=days))
