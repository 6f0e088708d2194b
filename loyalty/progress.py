"""How far somebody is: laps, windows, periods and streaks from the steps they made. Pure.

Progress is worked out from all steps each time, so that a step told twice or corrected by a return leaves
what it would have been. What was reached once is kept by the caller, and never given a second time.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Span(TextChoices):
    """Periods of the calendar, local to the programme; weeks begin on Monday."""

    DAY = "DAY", _("each day")
    WEEK = "WEEK", _("each week")
    MONTH = "MONTH", _("each month")
    QUARTER = "QUARTER", _("each quarter")
    YEAR = "YEAR", _("each year")


@dataclass(frozen=True)
class Step:
    """What one cause counts for, when; `item` is which one of different things it is."""

    at: datetime
    value: int
    item: str = ""


@dataclass(frozen=True)
class Terms:
    """What has to be reached.

    The sum of steps, or of `distinct` items their number, reaches `target`; with `items`, each of them. It
    is counted over all steps, over the last `days`, or in each `span` of the calendar, `streak` of them in a
    row.
    """

    target: int
    distinct: bool = False
    items: tuple[str, ...] = ()
    days: int | None = None
    span: str = ""
    streak: int = 1
    most_a_day: int | None = None
    most_completions: int | None = 1
    zone: str = "Europe/Rome"


@dataclass(frozen=True)
class Progress:
    """Where somebody stands: `value` of `target` now, what was `reached` (keys of the laps, in order).

    `row` is how many periods in a row are reached, this one included once it is. `found` are the items of
    a set, or the different stores, that the running lap has. `ends_on` is the first day after the period.
    """

    value: int
    target: int
    reached: tuple[str, ...] = ()
    row: int = 0
    streak: int = 1
    found: tuple[str, ...] = ()
    ends_on: date | None = None

    @property
    def missing(self) -> int:
        return max(0, self.target - self.value)

    @property
    def share(self) -> float:
        return min(1.0, self.value / self.target)


def progress(steps: Iterable[Step], terms: Terms, *, at: datetime, laps: int = 0) -> Progress:
    """Return where these steps lead as of an instant.

    `laps` is how often the target was reached and rewarded before: what was returned since is made up for
    before the next one counts.
    """
    counted = _daily(sorted((step for step in steps if step.value > 0), key=lambda step: step.at), terms)
    if terms.span:
        return _by_period(counted, terms, at)
    if terms.days:
        return _rolling(counted, terms, at)
    return _laps(counted, terms, laps)


def period_of(day: date, span: str) -> date:
    """Return the first day of the period that a day lies in."""
    match span:
        case Span.WEEK:
            return day - timedelta(days=day.weekday())
        case Span.MONTH:
            return day.replace(day=1)
        case Span.QUARTER:
            return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        case Span.YEAR:
            return date(day.year, 1, 1)
    return day


def next_period(first: date, span: str) -> date:
    """Return the first day of the period after the one that begins on a day."""
    longest = {Span.DAY: 1, Span.WEEK: 7, Span.MONTH: 31, Span.QUARTER: 92, Span.YEAR: 366}
    return period_of(first + timedelta(days=longest[Span(span)]), span)


def begin_of(day: date, zone: str) -> datetime:
    """Return the instant at which a local day begins."""
    return datetime.combine(day, time.min, ZoneInfo(zone))


def local_day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


def _daily(steps: Sequence[Step], terms: Terms) -> list[Step]:
    """Leave out what goes beyond the most that counts on one local day."""
    if terms.most_a_day is None:
        return list(steps)
    used: Counter[date] = Counter()
    counted = []
    for step in steps:
        day = local_day(step.at, terms.zone)
        value = min(step.value, terms.most_a_day - used[day])
        if value > 0:
            used[day] += value
            counted.append(Step(step.at, value, step.item))
    return counted


def _laps(steps: Sequence[Step], terms: Terms, before: int) -> Progress:
    """Count lap after lap; what goes beyond a target counts for the next one."""
    if terms.items:
        counts = Counter(dict.fromkeys(terms.items, 0))
        for step in steps:
            counts[step.item] += step.value
        laps = _at_most(max(min(counts[item] for item in terms.items), before), terms.most_completions)
        full = laps == terms.most_completions  # Who is done keeps the full card.
        found = terms.items if full else tuple(item for item in terms.items if counts[item] > laps)
        return Progress(len(found), len(terms.items), _numbered(laps), found=found)
    names = tuple(dict.fromkeys(step.item for step in steps))
    total = len(names) if terms.distinct else sum(step.value for step in steps)
    laps = _at_most(max(total // terms.target, before), terms.most_completions)
    if laps == terms.most_completions:
        done, value = (laps - 1) * terms.target, terms.target
    else:
        done = laps * terms.target
        value = max(0, total - done)
    found = names[done : done + terms.target] if terms.distinct else ()
    return Progress(value, terms.target, _numbered(laps), found=found)


def _rolling(steps: Sequence[Step], terms: Terms, at: datetime) -> Progress:
    """Count over the last days; steps that reached the target are used up."""
    width, window, laps = timedelta(days=terms.days or 1), deque[Step](), 0
    for step in steps:
        window.append(step)
        _forget(window, step.at - width)
        if _worth(window, terms) >= terms.target and laps != terms.most_completions:
            laps += 1
            window.clear()
    _forget(window, at - width)
    value = terms.target if laps == terms.most_completions else _worth(window, terms)
    return Progress(min(value, terms.target), terms.target, _numbered(laps), found=_items(window, terms))


def _by_period(steps: Sequence[Step], terms: Terms, at: datetime) -> Progress:
    """Count each period by itself; the keys are the first days of those that end a full streak."""
    periods: dict[date, list[Step]] = {}
    for step in steps:
        periods.setdefault(period_of(local_day(step.at, terms.zone), terms.span), []).append(step)
    now = period_of(local_day(at, terms.zone), terms.span)
    row, rows, keys = 0, {}, []
    previous: date | None = None
    for first in sorted(periods):
        follows = previous is not None and next_period(previous, terms.span) == first
        reached = _worth(periods[first], terms) >= terms.target
        row = (row if follows else 0) + 1 if reached else 0
        previous, rows[first] = first, row
        if reached and row % terms.streak == 0:
            keys.append(first.isoformat())
    running = periods.get(now, [])
    before = next((first for first in rows if next_period(first, terms.span) == now), None)
    most = terms.most_completions
    return Progress(
        value=min(_worth(running, terms), terms.target),
        target=terms.target,
        reached=tuple(keys if most is None else keys[:most]),
        row=rows.get(now) or (rows[before] if before else 0),
        streak=terms.streak,
        found=_items(running, terms),
        ends_on=next_period(now, terms.span),
    )


def _worth(steps: Iterable[Step], terms: Terms) -> int:
    if terms.distinct:
        return len({step.item for step in steps})
    return sum(step.value for step in steps)


def _items(steps: Iterable[Step], terms: Terms) -> tuple[str, ...]:
    return tuple(dict.fromkeys(step.item for step in steps)) if terms.distinct else ()


def _forget(window: deque[Step], until: datetime) -> None:
    while window and window[0].at <= until:
        window.popleft()


def _at_most(laps: int, most: int | None) -> int:
    return laps if most is None else min(laps, most)


def _numbered(laps: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, laps + 1))
