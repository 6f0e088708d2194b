"""Which tier somebody deserves, from when to when it is theirs, and what is missing. Pure: no clock, no rows.

Days are local days of the programme's time zone; a span `(first, last)` holds both its days.
"""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

DAY = timedelta(days=1)


class Metric(StrEnum):
    """What tiers are measured by: points earned, minor units spent, or full years as a customer."""

    POINTS = "POINTS"
    AMOUNT = "AMOUNT"
    YEARS = "YEARS"


class Source(StrEnum):
    """Whence points may qualify beside what purchases and events earn."""

    PARTNERS = "PARTNERS"
    BY_HAND = "BY_HAND"
    REFERRALS = "REFERRALS"


class Window(StrEnum):
    """Over which time points or amounts count."""

    ROLLING = "ROLLING"
    CALENDAR = "CALENDAR"
    LIFETIME = "LIFETIME"


@dataclass(frozen=True)
class Step:
    """One tier of the ladder: what has to be reached, or after how many years it is given anyway.

    One that was retired is not reached any more; whoever stands on it stays until their period ends.
    """

    tier: int
    threshold: int
    years: int | None = None
    retired: bool = False


@dataclass(frozen=True)
class Ladder:
    """How tiers are reached and kept; `steps` from the lowest threshold to the highest.

    `months` is the length of the window: the last months of a ROLLING one, the period of a CALENDAR one, of
    which one begins with the month `first_month`. `soft_landing`: nobody falls more than one step at a time.
    `qualifying` says which points count beside those that purchases and events earn.
    """

    metric: Metric
    window: Window
    steps: tuple[Step, ...]
    months: int = 12
    first_month: int = 1
    grace_days: int = 0
    soft_landing: bool = False
    qualifying: frozenset[Source] = frozenset()

    @property
    def ends(self) -> bool:
        """Return whether a tier is ever looked at again: what counts for life is never lost."""
        return self.metric is not Metric.YEARS and self.window is not Window.LIFETIME

    def rank_of(self, tier: int | None) -> int:
        """Return the place of a tier in the ladder from 0; -1 for none and for one that is no part of it."""
        return next((rank for rank, step in enumerate(self.steps) if step.tier == tier), -1)

    def reachable(self) -> list[tuple[int, Step]]:
        """Return the steps that can be reached, each after its place, the lowest first."""
        return [(rank, step) for rank, step in enumerate(self.steps) if not step.retired]

    def below(self, rank: int) -> int:
        """Return the highest step under one that can be reached; -1 for none."""
        return max((place for place, _step in self.reachable() if place < rank), default=-1)

    def rank_for(self, value: int, years: int, *, newcomer: bool = False) -> int:
        """Return the highest place that a value or the years reach; -1 for none.

        A threshold of zero is for every customer, not for a `newcomer`, who has not become one yet.
        """
        reached = -1
        for rank, step in self.reachable():
            by_value = value >= step.threshold and not (newcomer and step.threshold == 0)
            if by_value or (step.years is not None and years >= step.years):
                reached = rank
        return reached

    def window_on(self, day: date) -> tuple[date | None, date]:
        """Return the days that count on a day, the first (None: from the beginning) and the last."""
        if not self.ends:
            return None, day
        if self.window is Window.ROLLING:
            return add_months(day, -self.months) + DAY, day
        return self.period_of(day)[0], day

    def period_of(self, day: date) -> tuple[date, date]:
        """Return the first and the last day of the calendar period in which a day lies."""
        count = day.year * 12 + day.month - self.first_month
        first = _first_of(count - count % self.months + self.first_month - 1)
        return first, add_months(first, self.months) - DAY

    def kept_until(self, day: date) -> date | None:
        """Return the last day of the period for which a tier reached on a day is given; None: for ever."""
        if not self.ends:
            return None
        if self.window is Window.ROLLING:
            return add_months(day, self.months) - DAY
        return self.period_of(day)[1]

    def renewed_until(self, kept_until: date | None, day: date) -> date | None:
        """Return until when a tier is kept whose period ended and which was deserved again."""
        if kept_until is None or not self.ends:
            return self.kept_until(day)
        following = self.kept_until(kept_until + DAY)
        return following if following and following >= day else self.kept_until(day)

    def reviewed_window(self, kept_until: date) -> tuple[date, date]:
        """Return the days that decide whether a tier kept until a day stays: its period and the grace."""
        after = kept_until + DAY
        if self.window is Window.ROLLING:
            return add_months(after, -self.months), kept_until + self.grace_days * DAY
        return self.period_of(kept_until)[0], kept_until + self.grace_days * DAY

    def is_due(self, kept_until: date | None, day: date, *, by_hand: bool = False) -> bool:
        """Return whether a tier's period and its grace are over; what was given by hand has no grace."""
        if kept_until is None:
            return False
        return kept_until + (0 if by_hand else self.grace_days) * DAY < day


def add_months(day: date, months: int) -> date:
    """Return the same day of another month, or that month's last: 31 January and one month is 28 February."""
    first = _first_of(day.year * 12 + day.month - 1 + months)
    return first.replace(day=min(day.day, calendar.monthrange(first.year, first.month)[1]))


def full_years(since: date, day: date) -> int:
    """Return how many years have passed; 29 February has its anniversary on the 28th in other years."""
    years = day.year - since.year
    return max(0, years if add_months(since, 12 * years) <= day else years - 1)


def steps_of(rows: Iterable[tuple[int, int, int | None, bool]]) -> tuple[Step, ...]:
    """Return the steps of `(tier, threshold, years, retired)`, the lowest threshold first.

    Of two with the same threshold the retired one is lower: the other took its place.
    """
    return tuple(sorted((Step(*row) for row in rows), key=lambda step: (step.threshold, not step.retired)))


def _first_of(months: int) -> date:
    return date(months // 12, months % 12 + 1, 1)


@dataclass(frozen=True)
class Promise:
    """A step that somebody was promised, until the end of a day (None: for ever)."""

    rank: int
    kept_until: date | None


@dataclass(frozen=True)
class Held:
    """The step on which somebody stands, and whether its period and grace are over."""

    rank: int
    kept_until: date | None
    by_hand: bool = False
    due: bool = False


@dataclass(frozen=True)
class Verdict:
    """On which step somebody stands from now on, and until when; -1 is none."""

    rank: int
    kept_until: date | None


def verdict_on(
    ladder: Ladder,
    held: Held | None,
    *,
    reached: int,
    reviewed: int = -1,
    promises: Iterable[Promise] = (),
    day: date,
) -> Verdict | None:
    """Return what becomes of somebody's step on a day; None when nothing does.

    `reached` is the step they have reached in the window that ends that day, `reviewed` the one they reached
    in the period that is over. A step is left downwards only when its period and grace are over, and never
    below one that is still promised from before.
    """
    current = held.rank if held else -1
    if held is None or not held.due:
        return Verdict(reached, ladder.kept_until(day)) if reached > current else None
    promises = list(promises)
    rank = max([reached, reviewed, *(promise.rank for promise in promises)])
    if ladder.soft_landing and not held.by_hand:
        rank = max(rank, ladder.below(current))
    if rank > current:
        return Verdict(rank, ladder.kept_until(day))
    days = [promise.kept_until for promise in promises if promise.rank == rank]
    if rank == current and not held.by_hand:
        days.append(ladder.renewed_until(held.kept_until, day))
    elif not days or rank in (reached, reviewed):
        days.append(ladder.kept_until(day))
    return Verdict(rank, None if rank < 0 or None in days else max(days))
