"""Segments that follow what happens: customers are noted when something happens to them, and looked at soon.

A note is a row in the transaction of what happened, so that none is lost and none is early. Time is the
other cause: a window that passes without an event is found by a sweep.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from customers.models import ChangedCustomers, Segment
from customers.segments.catalogue import catalogue
from customers.segments.dependencies import in_order_of_reference
from customers.segments.happenings import Sequence
from customers.segments.rules import parse_rules
from customers.services.memberships import (
    SegmentChange,
    note_problem,
    refresh_each,
    refresh_members,
    refresh_segment,
)
from operations.errors import InvalidInput

NOTES_AT_ONCE = 1000
CUSTOMERS_AT_ONCE = 2000
# Of so many at once, looking at everybody is quicker.
MANY_CUSTOMERS = 20_000
HOURLY_SWEEP = timedelta(minutes=15)


def follow_changes(*, at: datetime | None = None) -> int:
    """Bring the live segments up to date about whom something happened to; return how many that were.

    What is not to trigger anything (merges, silent imports) is followed by every rule segment, quietly. Any
    number of these may run at once: each does the same, and the second finds nothing to change.
    """
    notes = list(ChangedCustomers.objects.order_by("pk")[:NOTES_AT_ONCE])
    at = at or timezone.now()
    seen: set[int] = set()
    for quiet in (True, False):
        changed = {pk for note in notes if note.quiet is quiet for pk in note.customers}
        segments = Segment.objects.refreshable() if quiet else Segment.objects.living()
        if changed:
            # One that was never filled, or whose rules are new, waits for its whole refresh.
            for segment in in_order_of_reference(list(segments.filter(refreshed_at__isnull=False))):
                _follow(segment, changed, at=at, announce=not quiet)
        seen |= changed
    ChangedCustomers.objects.filter(pk__in=[note.pk for note in notes]).delete()
    return len(seen)


def sweep_segments(*, at: datetime) -> dict[str, SegmentChange]:
    """Refresh the live segments that time alone may have changed; return the changes by code.

    Day windows move at local midnight; a rule that counts hours is looked at every quarter of an hour.
    """
    due = [segment for segment in Segment.objects.living() if _is_due(segment, at)]
    return refresh_each(due, at=at)


def _follow(segment: Segment, customers: set[int], *, at: datetime, announce: bool) -> None:
    try:
        if len(customers) > MANY_CUSTOMERS:
            refresh_segment(segment, at=at, announce=announce)
            return
        waiting = sorted(customers)
        for start in range(0, len(waiting), CUSTOMERS_AT_ONCE):
            portion = waiting[start : start + CUSTOMERS_AT_ONCE]
            refresh_members(segment, portion, at=at, announce=announce)
    except Exception as error:
        note_problem(segment, error)


def _is_due(segment: Segment, at: datetime) -> bool:
    if segment.refreshed_at is None:
        return True
    zone = ZoneInfo(settings.PROGRAMME_TIME_ZONE)
    if segment.refreshed_at.astimezone(zone).date() < at.astimezone(zone).date():
        return True
    return at - segment.refreshed_at >= HOURLY_SWEEP and _counts_hours(segment)


def _counts_hours(segment: Segment) -> bool:
    try:
        leaves = parse_rules(segment.rules, catalogue()).leaves()
    except InvalidInput:
        return False
    sequences = [leaf.value for leaf in leaves if isinstance(leaf.value, Sequence)]
    return any(step.within and step.within.hours is not None for one in sequences for step in one.steps)
