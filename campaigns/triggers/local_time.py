"""Days and clocks where people live: instants of local times, months that are too short, 29 February."""

from calendar import isleap, monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Whoever was away for longer than this missed what was due before.
LONGEST_LOOK_BACK = timedelta(days=35)


@dataclass(frozen=True)
class Wave:
    """One local time on one day in one time zone, and the instant (UTC) that it is."""

    zone: str
    on: date
    at: datetime


def local_instant(day: date, clock: time, zone: str) -> datetime:
    """Return the instant of a local time.

    A time that a change of the clocks skips is as much later; of one that comes twice it is the first.
    """
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)


def known_zone(zone: str, otherwise: str) -> str:
    """Return the zone, or the other one where it is empty or there is none of this name."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return otherwise
    return zone


def daily_waves(clock: time, *, after: datetime, until: datetime, zones: Iterable[str]) -> list[Wave]:
    """Return when it is this time of day in each zone within (after, until], the earliest first."""
    after = max(after, until - LONGEST_LOOK_BACK)
    waves = [wave for zone in zones for wave in _waves_of(clock, after, until, zone)]
    return sorted(waves, key=lambda wave: (wave.at, wave.zone))


def _waves_of(clock: time, after: datetime, until: datetime, zone: str) -> Iterator[Wave]:
    there = ZoneInfo(zone)
    day, last = after.astimezone(there).date() - timedelta(days=1), until.astimezone(there).date()
    while day <= last:
        instant = local_instant(day, clock, zone)
        if after < instant <= until:
            yield Wave(zone, day, instant)
        day += timedelta(days=1)


def add_months(day: date, months: int) -> date:
    """Return the same day some months later; the last of the month where that one is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def days_reaching(day: date, months: int) -> list[date]:
    """Return the days of which `day` is so many months later: for 28 February up to four of them."""
    first = add_months(day, -months)
    candidates = [first + timedelta(days=extra) for extra in range(4)]
    return [each for each in candidates if add_months(each, months) == day]


def born_on(day: date) -> list[tuple[int, int]]:
    """Return month and day of birth of those who celebrate on a day: 29 February counts as the 28th."""
    born = [(day.month, day.day)]
    return [*born, (2, 29)] if born == [(2, 28)] and not isleap(day.year) else born
