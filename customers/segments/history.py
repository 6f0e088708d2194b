"""How a segment grew and shrank, day by day, from its memberships."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from customers.models import Segment, SegmentMembership

LONGEST_HISTORY = 3660


@dataclass(frozen=True)
class Day:
    """One local day of a segment: how many entered, how many left, how many were in it at its end."""

    on: date
    entered: int
    left: int
    size: int


def days_of(segment: Segment, *, today: date, days: int = 60) -> list[Day]:
    """Return the last days of a segment, the oldest first, today included."""
    memberships = SegmentMembership.objects.filter(segment=segment)
    entered = _per_day(memberships, "entered_at")
    left = _per_day(memberships.filter(left_at__isnull=False), "left_at")
    first = today - timedelta(days=days - 1)
    size = sum(n for day, n in entered.items() if day < first)
    size -= sum(n for day, n in left.items() if day < first)
    history = []
    for offset in range(days):
        day = first + timedelta(days=offset)
        size += entered[day] - left[day]
        history.append(Day(day, entered[day], left[day], size))
    return history


def _per_day(memberships: QuerySet, column: str) -> Counter[date]:
    zone = ZoneInfo(settings.PROGRAMME_TIME_ZONE)
    rows = memberships.annotate(day=TruncDate(column, tzinfo=zone)).values("day").order_by()
    return Counter(dict(rows.annotate(times=Count("pk")).values_list("day", "times")))
