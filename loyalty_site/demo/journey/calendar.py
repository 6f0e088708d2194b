"""When the year takes place: in 2017 as it was, or so late that it ends within the last seven days."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from django.conf import settings


@dataclass(frozen=True)
class Calendar:
    """Moves naive local times by whole weeks, which keeps weekdays, into the programme's zone."""

    weeks: int = 0
    zone: str = ""

    @classmethod
    def ending_before(cls, at: datetime, *, last: datetime) -> "Calendar":
        """Return the calendar that moves `last` (naive, local) into the seven days before `at` (aware)."""
        here = at.astimezone(ZoneInfo(settings.PROGRAMME_TIME_ZONE)).replace(tzinfo=None)
        return cls(weeks=(here - last) // timedelta(weeks=1))

    def day(self, day: date) -> date:
        return day + timedelta(weeks=self.weeks)

    def instant(self, local: datetime) -> datetime:
        """Return the moved instant of a naive local time."""
        return (local + timedelta(weeks=self.weeks)).replace(tzinfo=ZoneInfo(self._zone))

    def instants(self, local: pd.Series) -> pd.Series:
        """Return the moved instants, in UTC; a time that a clock change skips falls on the hour after it."""
        moved = (local + pd.Timedelta(weeks=self.weeks)).dt
        first_pass = np.ones(len(local), dtype=bool)
        return moved.tz_localize(self._zone, ambiguous=first_pass, nonexistent="shift_forward").dt.tz_convert(
            "UTC"
        )

    @property
    def _zone(self) -> str:
        return self.zone or settings.PROGRAMME_TIME_ZONE
