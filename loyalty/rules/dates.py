"""When points become spendable, and when they stop being it: local days, stored as instants (P3)."""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ExpiryKind(TextChoices):
    """How points of a rule expire."""

    NEVER = "NEVER", _("Never")
    MONTHS = "MONTHS", _("Some months after they were earned")
    DAYS = "DAYS", _("Some days after they were earned")
    DATE = "DATE", _("On a day of the calendar")
    INACTIVITY = "INACTIVITY", _("After a time without any activity")


@dataclass(frozen=True)
class Expiry:
    """A policy of expiry. Terms count from the day on which points become spendable.

    DATE is a `month` and `day` of the year that lies `years` after that day (0: the next such day). Under
    INACTIVITY every sign of life moves the end to `months` after it.
    """

    kind: ExpiryKind = ExpiryKind.NEVER
    months: int = 0
    days: int = 0
    month: int = 0
    day: int = 0
    years: int = 0

    def last_day(self, start: date) -> date | None:
        """Return the last local day on which points are good that became spendable on `start`."""
        if self.kind == ExpiryKind.NEVER:
            return None
        if self.kind == ExpiryKind.DAYS:
            return start + timedelta(days=self.days)
        if self.kind == ExpiryKind.DATE:
            return self._next_date(start)
        return months_after(start, self.months)

    def expires_at(self, start: datetime, *, zone: str) -> datetime | None:
        """Return the first instant at which points are not good any more: the end of a local day."""
        last = self.last_day(start.astimezone(ZoneInfo(zone)).date())
        return None if last is None else end_of(last, zone)

    @property
    def is_prolonged(self) -> bool:
        return self.kind == ExpiryKind.INACTIVITY

    def _next_date(self, start: date) -> date:
        ends = _clamped(start.year + self.years, self.month, self.day)
        return ends if ends >= start else _clamped(start.year + 1, self.month, self.day)


NEVER = Expiry()


def months_after(day: date, months: int) -> date:
    """Return the same day so many months later, or the month's last: 31 January + 1 month = 28 February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return _clamped(year, month + 1, day.day)


def spendable_from(earned_at: datetime, *, holding_days: int, zone: str) -> datetime:
    """Return when held points become spendable: when so many whole local days have passed after the day."""
    if not holding_days:
        return earned_at
    return end_of(earned_at.astimezone(ZoneInfo(zone)).date() + timedelta(days=holding_days), zone)


def end_of(day: date, zone: str) -> datetime:
    """Return the exclusive end of a local day."""
    return datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(zone))


def _clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))
