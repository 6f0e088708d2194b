"""Periods of the calendar: days, weeks from Monday, months, quarters and years, by their first day."""

from collections.abc import Iterator
from datetime import date, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _


class Grain(models.TextChoices):
    """How long a period is."""

    DAY = "day", _("Day")
    WEEK = "week", _("Week")
    MONTH = "month", _("Month")
    QUARTER = "quarter", _("Quarter")
    YEAR = "year", _("Year")


MONTHS = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}
DAYS = {Grain.DAY: 1, Grain.WEEK: 7}


def period_start(day: date, grain: Grain) -> date:
    """Return the first day of the period that holds `day`."""
    if grain in DAYS:
        return day - timedelta(days=day.weekday() if grain == Grain.WEEK else 0)
    months = MONTHS[grain]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def shift(start: date, grain: Grain, periods: int) -> date:
    """Return the first day of the period so many periods later; earlier for a negative number."""
    if grain in DAYS:
        return start + timedelta(days=DAYS[grain] * periods)
    months = start.year * 12 + start.month - 1 + MONTHS[grain] * periods
    return date(months // 12, months % 12 + 1, 1)


def periods_between(first: date, last: date, grain: Grain) -> Iterator[date]:
    """Yield the first day of every period that holds a day from `first` to `last`, both included."""
    start = period_start(first, grain)
    while start <= last:
        yield start
        start = shift(start, grain, 1)


def period_name(start: date, grain: Grain) -> str:
    """Return the period as the API names it: 2017-03-05, 2017-W09, 2017-03, 2017-Q1 or 2017."""
    if grain == Grain.WEEK:
        year, week, _weekday = start.isocalendar()
        return f"{year}-W{week:02}"
    if grain == Grain.QUARTER:
        return f"{start.year}-Q{(start.month - 1) // 3 + 1}"
    return str(start)[: {Grain.DAY: 10, Grain.MONTH: 7, Grain.YEAR: 4}[grain]]
