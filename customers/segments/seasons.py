"""Which days a season means, seen from a day: this one, the one before, the same one a year ago. Pure."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Which(StrEnum):
    """A season as a rule names it."""

    CURRENT = "current"
    PREVIOUS = "previous"
    PREVIOUS_SAME = "previous_same"


@dataclass(frozen=True)
class Span:
    """The days of a season, (month, day) of the first and the last; one that ends before it starts wraps."""

    code: str
    name: str
    first: tuple[int, int]
    last: tuple[int, int]

    def beginning_in(self, year: int) -> tuple[date, date]:
        """Return the first and last day of the season that begins in a year."""
        return _day(year, self.first), _day(year + (self.last < self.first), self.last)


@dataclass(frozen=True)
class SeasonWindow:
    """One of the programme's seasons, found from the day of evaluation.

    `current` is the season that began last, even when it is over and the next has not begun. `previous` is
    the one that began before it, `previous_same` the same season a year earlier. With one span alone (a rule
    that names its season) both are the one a year earlier.
    """

    which: Which
    spans: tuple[Span, ...]

    def days(self, today: date) -> tuple[date, date]:
        """Return the first and the last day; the last may lie ahead of today."""
        begun = [
            (*span.beginning_in(year), span)
            for span in self.spans
            for year in range(today.year - 3, today.year + 1)
        ]
        begun = sorted((each for each in begun if each[0] <= today), key=lambda each: each[:2])
        *earlier, (first, last, current) = begun
        if self.which is Which.PREVIOUS:
            first, last, _ = earlier[-1]
        elif self.which is Which.PREVIOUS_SAME:
            first, last = current.beginning_in(first.year - 1)
        return first, last


def _day(year: int, month_and_day: tuple[int, int]) -> date:
    month, day = month_and_day
    return date(year, month, min(day, monthrange(year, month)[1]))
