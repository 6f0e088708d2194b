"""Days of purchases as columns: those that are stored, and the others from the orders."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from analytics.purchases import (
    ANYWHERE,
    Purchases,
    among,
    count_orders,
    day_of,
    joined,
    members_of,
    spans_of,
)
from analytics.windows import Scope, Window
from customers.models import Segment

# So many days are read at once when the spans asked for are shorter.
DAYS_AT_ONCE = 92


def purchases_by_window(
    windows: Sequence[Window], *, scope: Scope = ANYWHERE, segment: Segment | None = None
) -> Iterator[Purchases]:
    """Yield the purchases of each of these spans, which follow each other in time.

    With a segment, only those of its members of now. Never holds more than three months or one span at once.
    """
    members = members_of(segment) if segment else None
    for group in _groups(windows):
        read = read_days(group[0].start, group[-1].end, scope=scope)
        if members is not None:
            read = read.where(among(read.customers, members))
        yield from (read.within(window) for window in group)


def read_days(start: date, end: date, *, scope: Scope = ANYWHERE) -> Purchases:
    """Return the purchases from one day until before another."""
    stored, missing = stored_days(start, end, scope)
    return joined([*stored, *(count_orders(*span, scope) for span in missing)])


@dataclass(frozen=True)
class DayTotal:
    """All orders of a day, anonymous ones too."""

    orders: int
    net_amount: int


def totals_by_day(start: date, end: date, *, scope: Scope = ANYWHERE) -> dict[date, DayTotal]:
    """Return the totals of the days that have orders, from `start` until before `end`."""
    bought = read_days(start, end, scope=scope)
    if not len(bought):
        return {}
    first = int(bought.days[0])
    orders = np.bincount(bought.days - first)
    amounts = np.zeros(len(orders), np.int64)
    np.add.at(amounts, bought.days - first, bought.amounts)
    return {
        day_of(first + place): DayTotal(int(orders[place]), int(amounts[place]))
        for place in np.flatnonzero(orders)
    }


def stored_days(start: date, end: date, scope: Scope) -> tuple[list[Purchases], list[tuple[date, date]]]:
    """Return what is known of these days, and the stretches that have to be counted."""
    days = [start + timedelta(days=number) for number in range((end - start).days)]
    return [], list(spans_of(days))


def _groups(windows: Sequence[Window]) -> Iterator[list[Window]]:
    group: list[Window] = []
    for window in windows:
        if group and (window.end - group[0].start).days > DAYS_AT_ONCE:
            yield group
            group = []
        group.append(window)
    if group:
        yield group
