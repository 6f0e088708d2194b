"""The values that fields take, checked and typed. Pure but for the choices."""

from datetime import date, datetime
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from customers.segments.catalogue import Field, Kind
from customers.segments.moments import EARLIEST, LATEST, LONGEST_DAYS
from customers.segments.readers import RelativeDay

MOST_VALUES = 1000
LONGEST_TEXT = 500
LARGEST_NUMBER = 10**15
Day = TypeVar("Day", date, datetime)


class Wrong(Exception):
    """A value that its field does not take."""


def typed(field: Field, operator: str, value: Any) -> Any:
    """Return the value of a comparison, typed as the field's kind. Raises Wrong with a sentence."""
    if operator in ("null", "notNull"):
        return None
    if operator == "between":
        if not isinstance(value, list) or len(value) != 2:
            raise Wrong(_("`between` takes a list of two values."))
        low, high = (single(field, each) for each in value)
        if type(low) is type(high) and not isinstance(low, RelativeDay) and low > high:
            raise Wrong(_("The first value is above the second."))
        return [low, high]
    if operator in ("in", "notIn"):
        if not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES:
            raise Wrong(_("`in` and `notIn` take a list of 1 to %(most)s values.") % {"most": MOST_VALUES})
        return [single(field, each) for each in value]
    if operator in ("contains", "beginsWith"):
        return text_of(value)
    return single(field, value)


def single(field: Field, value: Any) -> Any:
    """Return one value, typed as the field's kind. Raises Wrong."""
    match field.kind:
        case Kind.TEXT:
            return _some_text(value)
        case Kind.CHOICE:
            return _choice(field, value)
        case Kind.INTEGER | Kind.MONEY:
            return whole(value)
        case Kind.NUMBER:
            return number_of(value)
        case Kind.DATE:
            return _relative_or_day(value)
        case Kind.BOOLEAN:
            if not isinstance(value, bool):
                raise Wrong(_("The value is true or false."))
            return value
        case Kind.ANY:
            return _scalar(value)
    raise AssertionError(field.kind)


def text_of(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not _storable(value):
        raise Wrong(_("The value is a text of at most %(most)s characters.") % {"most": LONGEST_TEXT})
    return value


def _some_text(value: Any) -> str:
    text = text_of(value)
    if not text.strip():
        raise Wrong(_("Say a value. Whose field is empty is found by “is empty”."))
    return text


def _storable(text: str) -> bool:
    """Return whether the database can hold the text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _choice(field: Field, value: Any) -> str:
    choices = field.choices() if field.choices else None
    text = text_of(value)
    if choices is not None and text not in choices:
        known = ", ".join(list(choices)[:20]) or _("none yet")
        raise Wrong(
            _("%(value)s is not one of the choices: %(known)s.") % {"value": text[:100], "known": known}
        )
    return text


def is_code(text: str) -> bool:
    """Return whether a text can be a field's code at all."""
    return len(text) <= LONGEST_TEXT and _storable(text)


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def whole(value: Any) -> int:
    if not is_whole(value) or abs(value) > LARGEST_NUMBER:
        raise Wrong(_("The value is a whole number."))
    return value


def number_of(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
        raise Wrong(_("The value is a number."))
    return value


def _scalar(value: Any) -> str | int | float | bool:
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, bool) or (isinstance(value, int | float) and abs(value) <= LARGEST_NUMBER):
        return value
    raise Wrong(_("The value is a text, a number, true or false."))


def _relative_or_day(value: Any) -> date | RelativeDay:
    if isinstance(value, dict):
        days = value.get("days_ago")
        if set(value) != {"days_ago"} or not is_whole(days) or abs(days) > LONGEST_DAYS:
            raise Wrong(_('A relative day is {"days_ago": 30}.'))
        return RelativeDay(days)
    return day_of(value)


def day_of(value: Any) -> date:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Wrong(_("A day is written 2026-11-21.")) from None
    return in_bounds(day)


def in_bounds(day: Day) -> Day:
    """Return a day or an instant from which windows can be counted. Raises Wrong for any other."""
    if not EARLIEST.year <= day.year <= LATEST.year:
        raise Wrong(_("A day lies between the years 1900 and 2999."))
    return day
