"""Reading the terms of an earning rule from JSON, with a pointer to each mistake."""

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from coupons.definitions import read_items
from coupons.definitions.reading import Entry, read_list
from coupons.engine import Items
from loyalty.rules.dates import Expiry, ExpiryKind
from loyalty.rules.terms import (
    WEEKDAYS,
    Cap,
    CapPeriod,
    CapSubject,
    Circumstances,
    Conditions,
    Hours,
    Kind,
    Multiplier,
    Terms,
)
from operations.amounts import MAXIMUM_AMOUNT
from operations.errors import InvalidInput, Mistake

MOST_MULTIPLIERS = 12
MOST_CAPS = 10
LARGEST_FACTOR = Decimal(10)
MOST_POINTS = 1_000_000
LONGEST_MONTHS, LONGEST_DAYS = 1200, 3660
LEAP_YEAR = 2028


def read_conditions(data: Any, pointer: str = "/conditions") -> Conditions:
    """Return what has to hold for a rule to give anything."""
    entry = Entry(data or {}, pointer)
    conditions = Conditions(
        when=_circumstances(entry),
        items=entry.nested("items", _read_items),
        minimum_amount=entry.whole("minimum_amount", high=MAXIMUM_AMOUNT, default=0),
        payload=entry.nested("payload", _read_payload, default={}),
    )
    entry.finish()
    return conditions


def read_multipliers(data: Any, pointer: str = "/multipliers") -> tuple[Multiplier, ...]:
    """Return the multipliers. Raises InvalidInput with the place of each mistake."""
    if not isinstance(data, list) or len(data) > MOST_MULTIPLIERS:
        raise InvalidInput.at(
            pointer, _("Multipliers are a list of at most %(most)s.") % {"most": MOST_MULTIPLIERS}
        )
    return read_list(data, pointer, _read_multiplier)


def read_caps(data: Any, pointer: str = "/caps") -> tuple[Cap, ...]:
    """Return the caps. Raises InvalidInput with the place of each mistake."""
    if not isinstance(data, list) or len(data) > MOST_CAPS:
        raise InvalidInput.at(pointer, _("Caps are a list of at most %(most)s.") % {"most": MOST_CAPS})
    caps = read_list(data, pointer, _read_cap)
    seen: set[tuple] = set()
    for index, cap in enumerate(caps):
        key = (cap.subject, cap.period, cap.units is None)
        if key in seen:
            raise InvalidInput.at(f"{pointer}/{index}", _("The rule has a cap of this kind already."))
        seen.add(key)
    return caps


def read_expiry(data: Any, pointer: str = "/expiry") -> Expiry:
    """Return how points expire: `{"kind": "MONTHS", "months": 12}`; nothing means never."""
    if not data:
        return Expiry()
    entry = Entry(data, pointer)
    kind = entry.choice("kind", ExpiryKind)
    if kind is None:
        entry.finish()
    numbers: dict[str, int] = {}
    if kind in (ExpiryKind.MONTHS, ExpiryKind.INACTIVITY):
        numbers["months"] = entry.whole("months", high=LONGEST_MONTHS, required=True)
    elif kind == ExpiryKind.DAYS:
        numbers["days"] = entry.whole("days", high=LONGEST_DAYS, required=True)
    elif kind == ExpiryKind.DATE:
        numbers["month"] = entry.whole("month", high=12, required=True)
        numbers["day"] = entry.whole("day", high=31, required=True)
        numbers["years"] = entry.whole("years", low=0, high=100, default=1)
        _check_date(entry, numbers["month"], numbers["day"])
    entry.finish()
    return Expiry(kind, **numbers)


def read_terms(kind: str, version: Mapping[str, Any]) -> Terms:
    """Return the terms that a version's fields say. Raises InvalidInput with each mistake."""
    mistakes: list[Mistake] = []
    read = {}
    for name, reader in _READERS.items():
        try:
            read[name] = reader(version.get(name) or ([] if name in ("multipliers", "caps") else {}))
        except InvalidInput as error:
            mistakes += error.details
    if mistakes:
        raise InvalidInput(_("The rule is not valid."), details=mistakes)
    plain = ("points", "per_amount", "per_quantity", "benefits", "holding", "holding_days", "draw")
    return Terms(
        Kind(kind), **{name: version[name] for name in plain if version.get(name) is not None}, **read
    )


_READERS = {
    "conditions": read_conditions,
    "multipliers": read_multipliers,
    "caps": read_caps,
    "expiry": read_expiry,
}


def _circumstances(entry: Entry) -> Circumstances:
    names = {name: entry.names(name) for name in ("sales_channels", "stores", "business_units")}
    weekdays = entry.names("weekdays")
    if not weekdays <= set(WEEKDAYS):
        entry.wrong("weekdays", _("Weekdays are %(days)s.") % {"days": " ".join(WEEKDAYS)})
    since, until = _day(entry, "from"), _day(entry, "until")
    if since and until and until < since:
        entry.wrong("until", _("This day comes before the first one."))
    return Circumstances(
        **names,
        weekdays=weekdays,
        hours=entry.nested("hours", _read_hours),
        since=since,
        until=until,
        segment=entry.text("segment"),
        tiers=entry.names("tiers"),
        memberships=entry.names("memberships"),
    )


def _read_multiplier(data: Any, pointer: str) -> Multiplier:
    entry = Entry(data, pointer)
    factor = _factor(entry.value("factor"))
    if factor is None:
        entry.wrong("factor", _("A factor is a decimal as text, above 0 and at most 10, with two decimals."))
    multiplier = Multiplier(factor or Decimal(1), _circumstances(entry))
    entry.finish()
    return multiplier


def _factor(value: Any) -> Decimal | None:
    try:
        factor = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    good = factor is not None and factor.is_finite() and 0 < factor <= LARGEST_FACTOR
    return factor if good and factor == round(factor, 2) else None


def _read_cap(data: Any, pointer: str) -> Cap:
    entry = Entry(data, pointer)
    subject = entry.choice("subject", CapSubject)
    units = entry.whole("points", high=MAXIMUM_AMOUNT)
    times = entry.whole("times", high=MOST_POINTS)
    period = entry.choice("period", CapPeriod, default=CapPeriod.TOTAL)
    if (units is None) == (times is None):
        entry.wrong("points", _("Say either how many points or how many times."))
    if subject == CapSubject.EVENT and times is not None:
        entry.wrong("times", _("An event happens once: cap its points."))
    if subject == CapSubject.EVENT and entry.data.get("period") is not None:
        entry.wrong("period", _("A cap of one event has no period."))
    entry.finish()
    return Cap(subject, period, units, times)


def _read_items(data: Any, pointer: str) -> Items:
    items = read_items(data, pointer)
    if items.exclude_discounted or items.min_margin_percent is not None:
        raise InvalidInput.at(pointer, _("Lines that earn are chosen by their names alone."))
    return items


def _read_payload(data: Any, pointer: str) -> dict[str, str | int | bool]:
    if not isinstance(data, dict) or not 0 < len(data) <= 20:
        raise InvalidInput.at(pointer, _("This is an object with at most 20 fields."))
    for name, value in data.items():
        if not (isinstance(value, bool | int) or (isinstance(value, str) and len(value) <= 200)):
            raise InvalidInput.at(f"{pointer}/{name}", _("This is a text, a whole number, or true or false."))
    return data


def _read_hours(data: Any, pointer: str) -> Hours:
    entry = Entry(data, pointer)
    since, until = _clock(entry, "from"), _clock(entry, "until")
    if isinstance(since, time) and isinstance(until, time) and until <= since:
        entry.wrong("until", _("Hours end after they begin; 24:00 is midnight."))
    if since is None:
        entry.wrong("from", _("A day begins at 00:00."))
    entry.finish()
    return Hours(since, until)


def _clock(entry: Entry, name: str) -> time | None:
    """Return the time of day; None for 24:00."""
    text = entry.text(name, required=True)
    if text == "24:00":
        return None
    try:
        if len(text) != 5:
            raise ValueError
        return time.fromisoformat(text)
    except ValueError:
        entry.wrong(name, _("A time is written as 09:30."))
        return time()


def _day(entry: Entry, name: str) -> date | None:
    text = entry.text(name)
    if not text:
        return None
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        entry.wrong(name, _("A day is written as 2026-12-31."))
        return None


def _check_date(entry: Entry, month: int | None, day: int | None) -> None:
    if not month or not day:
        return
    try:
        date(LEAP_YEAR, month, day)
    except ValueError:
        entry.wrong("day", _("This month has no such day."))
