"""Again and again to a whole audience: every day, on days of the week, on a day of the month."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext as _

from campaigns.triggers.local_time import Wave, daily_waves
from campaigns.triggers.reading import RuleReader

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
DAY, WEEK, MONTH = "day", "week", "month"
LAST = 31  # Of a shorter month: its last day.


@dataclass(frozen=True)
class Recurring:
    """A local time on every day, on some weekdays, or on one day of the month (31: the last one)."""

    every: str
    at: time
    weekdays: tuple[str, ...] = ()
    day: int = 1

    @classmethod
    def parse(cls, rule: Any) -> "Recurring":
        """Return the rule `{"every": "day|week|month", "at": "09:00", "weekdays": ["MON"], "day": 1}`."""
        reader = RuleReader(rule)
        every, at = reader.choice("every", (DAY, WEEK, MONTH)), reader.clock("at")
        weekdays = reader.texts("weekdays", most=7, among=WEEKDAYS) if every == WEEK else ()
        if every == WEEK and not weekdays:
            reader.wrong("weekdays", _("Choose at least one day of the week."))
        day = reader.whole("day", lowest=1, highest=LAST, default=1) if every == MONTH else 1
        reader.done()
        return cls(every, at, weekdays, day)

    def due(self, after: datetime, until: datetime, *, zone: str) -> list[Wave]:
        """Return when it was time within (after, until], in the programme's time zone."""
        return [
            wave
            for wave in daily_waves(self.at, after=after, until=until, zones=[zone])
            if self.falls_on(wave.on)
        ]

    def falls_on(self, day: date) -> bool:
        if self.every == WEEK:
            return WEEKDAYS[day.weekday()] in self.weekdays
        if self.every == MONTH:
            return day.day == min(self.day, monthrange(day.year, day.month)[1])
        return True

    def next_days(self, today: date, count: int) -> list[date]:
        """Return the next days it falls on, today included."""
        days = (today + timedelta(days=ahead) for ahead in range(366))
        return [day for day in days if self.falls_on(day)][:count]
