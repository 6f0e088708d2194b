"""Ages and birthdays. Whoever was born on 29 February celebrates on the 28th in years without one."""

from calendar import isleap
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import F, IntegerField, Q
from django.db.models.functions import Coalesce, ExtractDay, ExtractMonth
from django.db.models.lookups import In

from customers.segments.moments import Moment
from customers.segments.readers import COMPARE, Column

LONGEST_WAIT = 366


@dataclass(frozen=True)
class Age(Column):
    """Whole years since a date of birth."""

    def shown(self, value: Any, moment: Moment) -> Any:
        return None if value is None else age_on(moment.today, value)

    def _comparison(self, operator: str, value: Any, moment: Moment) -> Q:
        if operator == "between":
            return self._comparison(">=", value[0], moment) & self._comparison("<=", value[1], moment)
        if operator == "in":
            return _any_age([self._comparison("=", each, moment) for each in value])
        since, until = self._bounds(operator, value, moment.today)
        born = Q()
        if until is not None:
            born &= Q(**{f"{self.path}__lte": until})
        if since is not None:
            born &= Q(**{f"{self.path}__gt": since})
        return born

    def _bounds(self, operator: str, years: int, today: date) -> tuple[date | None, date | None]:
        """Return the birth dates meant: after the first, up to the second."""
        turned, not_yet = _born_by(today, years), _born_by(today, years + 1)
        return {
            "=": (not_yet, turned),
            ">=": (None, turned),
            ">": (None, not_yet),
            "<": (turned, None),
            "<=": (not_yet, None),
        }[operator]


@dataclass(frozen=True)
class DaysToBirthday(Column):
    """Days until the next birthday; 0 is today."""

    def shown(self, value: Any, moment: Moment) -> Any:
        return None if value is None else (next_birthday(value, moment.today) - moment.today).days

    def _comparison(self, operator: str, value: Any, moment: Moment) -> Q:
        keys: list[int] = []
        for days in range(LONGEST_WAIT):
            if _days_fit(days, operator, value):
                keys += _born_on(moment.today + timedelta(days=days))
        month, day = ExtractMonth(F(self.path)), ExtractDay(F(self.path))
        key = Coalesce(month * 100 + day, 0, output_field=IntegerField())
        return Q(In(key, keys or [-1]))


def age_on(today: date, born: date) -> int:
    """Return somebody's whole years on a day; 29 February counts as the 28th where there is none."""
    birthday = _birthday_in(today.year, born)
    return today.year - born.year - (today < birthday)


def next_birthday(born: date, today: date) -> date:
    """Return the next day somebody celebrates, today included."""
    birthday = _birthday_in(today.year, born)
    return birthday if birthday >= today else _birthday_in(today.year + 1, born)


def _birthday_in(year: int, born: date) -> date:
    if (born.month, born.day) == (2, 29) and not isleap(year):
        return date(year, 2, 28)
    return born.replace(year=year)


def _born_by(today: date, years: int) -> date:
    """Return the last date of birth that has made somebody this old by today."""
    year = max(1, min(9999, today.year - years))
    if (today.month, today.day) == (2, 28) and not isleap(today.year) and isleap(year):
        return date(year, 2, 29)
    if (today.month, today.day) == (2, 29) and not isleap(year):
        return date(year, 2, 28)
    return today.replace(year=year)


def _born_on(day: date) -> list[int]:
    """Return month * 100 + day of those who celebrate on a day."""
    keys = [day.month * 100 + day.day]
    return [*keys, 229] if keys == [228] and not isleap(day.year) else keys


def _days_fit(days: int, operator: str, value: Any) -> bool:
    if operator == "between":
        return value[0] <= days <= value[1]
    return days in value if operator == "in" else COMPARE[operator](days, value)


def _any_age(conditions: list[Q]) -> Q:
    joined = conditions[0]
    for condition in conditions[1:]:
        joined |= condition
    return joined
