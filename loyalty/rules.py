"""The arithmetic of points. Pure: nothing here reads a clock or a database.

`loyalty.services.backfill` says the same in SQL; a test holds the two against each other.
"""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from operations.errors import InvalidInput, Mistake

WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
CONDITIONS = {"sales_channels", "stores", "weekdays", "segment"}
# Few and small enough that their product is stored exactly and points fit the ledger.
MOST_MULTIPLIERS = 3
LARGEST_FACTOR = Decimal(10)


@dataclass(frozen=True)
class Purchase:
    """What multipliers may ask about an order: its codes, its local day, its customer's segments."""

    sales_channel: str
    store: str
    day: date
    segments: frozenset[str] = frozenset()


def points_for(amount: int, *, points: int, per_amount: int, factor: Decimal = Decimal(1)) -> int:
    """Return the points of one order: `points` for every full `per_amount`, floored once, after the factor.

    `amount` is what was paid for goods, in minor units (incentives.md, P6).
    """
    # A fraction, because a long product of decimals would be rounded.
    return int(amount * points * Fraction(factor) // per_amount)


def clawed_back(
    amount: int, retained: int, *, points: int, per_amount: int, factor: Decimal = Decimal(1)
) -> int:
    """Return how many points of an order are lost when `retained` of its `amount` stays (R5)."""
    before = points_for(amount, points=points, per_amount=per_amount, factor=factor)
    return before - points_for(retained, points=points, per_amount=per_amount, factor=factor)


def factor_for(multipliers: Iterable[dict[str, Any]], purchase: Purchase) -> Decimal:
    """Return the product of the factors of all multipliers whose conditions hold."""
    factor = Decimal(1)
    for multiplier in multipliers:
        if _applies(multiplier, purchase):
            factor *= Decimal(multiplier["factor"])
    return factor


def expiry(earned_at: datetime, *, months: int | None, zone: str) -> datetime | None:
    """Return when points earned at an instant cannot be spent any more: the end of a local day (P3).

    31 January and one month is 28 February; the instant returned is the first of the next day.
    """
    if months is None:
        return None
    day = earned_at.astimezone(ZoneInfo(zone)).date()
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    expires_on = date(year, month + 1, min(day.day, last)) + timedelta(days=1)
    return datetime.combine(expires_on, time.min, ZoneInfo(zone))


def check_multipliers(multipliers: Any) -> list[dict[str, Any]]:
    """Return well-formed multipliers as they are. Raises InvalidInput with the place of each mistake."""
    if not isinstance(multipliers, list) or len(multipliers) > MOST_MULTIPLIERS:
        raise InvalidInput.at(
            "/multipliers", _("Multipliers are a list of at most %(most)s.") % {"most": MOST_MULTIPLIERS}
        )
    mistakes = [
        Mistake(f"/multipliers/{index}{place}", message)
        for index, multiplier in enumerate(multipliers)
        for place, message in _mistakes(multiplier)
    ]
    if mistakes:
        raise InvalidInput(_("The multipliers are not valid."), details=mistakes)
    return multipliers


def _mistakes(multiplier: Any) -> Iterable[tuple[str, str]]:
    if not isinstance(multiplier, dict):
        yield "", _('A multiplier is {"factor", ...conditions}.')
        return
    for key in sorted(set(multiplier) - CONDITIONS - {"factor"}):
        yield f"/{key}", _("This condition is not known.")
    if not _is_factor(multiplier.get("factor")):
        yield "/factor", _("A factor is a decimal as text, above 0 and at most 10, with two decimals.")
    for key in ("sales_channels", "stores", "weekdays"):
        values = multiplier.get(key)
        if values is not None and not (_is_texts(values) and values):
            yield f"/{key}", _("This is a list of codes.")
        elif key == "weekdays" and values is not None and not set(values) <= set(WEEKDAYS):
            yield f"/{key}", _("Weekdays are %(days)s.") % {"days": " ".join(WEEKDAYS)}
    if not isinstance(multiplier.get("segment", ""), str):
        yield "/segment", _("A segment is named by its code.")


def _is_factor(value: Any) -> bool:
    try:
        factor = Decimal(value) if isinstance(value, str) else None
        return (
            factor is not None
            and factor.is_finite()
            and 0 < factor <= LARGEST_FACTOR
            and factor.as_tuple().exponent >= -2
        )
    except InvalidOperation:
        return False


def _is_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _applies(multiplier: dict[str, Any], purchase: Purchase) -> bool:
    if "sales_channels" in multiplier and purchase.sales_channel not in multiplier["sales_channels"]:
        return False
    if "stores" in multiplier and purchase.store not in multiplier["stores"]:
        return False
    if "weekdays" in multiplier and WEEKDAYS[purchase.day.weekday()] not in multiplier["weekdays"]:
        return False
    return "segment" not in multiplier or multiplier["segment"] in purchase.segments
