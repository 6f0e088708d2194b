"""When a rule is evaluated, and the days its windows mean. Days begin in the programme's time zone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from customers.segments.seasons import SeasonWindow

INSTANT = timedelta(microseconds=1)
LONGEST_DAYS = 36_500
# Far from the ends of the calendar, so that windows and time zones can be counted from every day.
EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True)
class Moment:
    """The instant a rule is evaluated at: `until` is the first instant that is not seen any more.

    With `among` (ids, or SQL that yields them), the rule is evaluated for these customers alone. `keep`
    writes down whom a count over a history finds and returns SQL that yields them: joined as they are, each
    of several workers would count everything for itself.
    """

    until: datetime
    today: date
    among: tuple[int, ...] | RawSQL | None = None
    keep: Callable[[QuerySet], RawSQL] | None = None

    def kept(self, ids: QuerySet) -> QuerySet | RawSQL:
        """Return these ids, written down where that is wanted."""
        return self.keep(ids) if self.keep else ids

    @classmethod
    def of(cls, as_of: date | datetime) -> "Moment":
        """Return the moment of an instant (included), or of a whole local day."""
        if isinstance(as_of, datetime):
            return cls(as_of + INSTANT, as_of.astimezone(programme_zone()).date())
        return cls(start_of(as_of + timedelta(days=1)), as_of)

    @property
    def last_instant(self) -> datetime:
        """Return the last instant that is seen."""
        return self.until - INSTANT

    def days_ago(self, days: int) -> datetime:
        """Return the instant at which the day `days` before today began; negative counts ahead."""
        return start_of(self.today - timedelta(days=days))


@dataclass(frozen=True)
class Window:
    """A stretch of local days, kept as it was written: relative ones move with the moment.

    `last_days` n is today and the n days before; `days_ago` (m, n) the days from n to m days ago, both
    included; `since` and `until` are days (both included) or instants (until is excluded). `after` is another
    event of the same customer since which things are counted; it has no bounds that hold for everybody.
    """

    last_days: int | None = None
    days_ago: tuple[int, int] | None = None
    since: date | datetime | None = None
    until: date | datetime | None = None
    season: SeasonWindow | None = None
    after: Any = None

    def bounds(self, moment: Moment) -> tuple[datetime | None, datetime]:
        """Return the first instant inside (or None) and the first one after; never beyond the moment."""
        if self.last_days is not None:
            return moment.days_ago(self.last_days), moment.until
        if self.days_ago is not None:
            nearest, farthest = self.days_ago
            return moment.days_ago(farthest), min(moment.days_ago(nearest - 1), moment.until)
        if self.season is not None:
            first, last = self.season.days(moment.today)
            return start_of(first), min(_end_of(last), moment.until)
        since = start_of(self.since) if self.since else None
        return since, min(_end_of(self.until), moment.until) if self.until else moment.until


def start_of(day: date | datetime) -> datetime:
    """Return when a local day begins; an instant is itself."""
    if isinstance(day, datetime):
        return day
    return datetime.combine(day, time.min, programme_zone())


def _end_of(day: date | datetime) -> datetime:
    return day if isinstance(day, datetime) else start_of(day + timedelta(days=1))


def programme_zone() -> ZoneInfo:
    """Return the time zone in which the programme's days begin."""
    return ZoneInfo(settings.PROGRAMME_TIME_ZONE)
