"""What partners of the coalition earn and burn at which rate, and what they owe. Pure.

Amounts are minor units; a price of a point is minor units, to four decimals.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo


def points_earned(amount: int, *, points: int, per_amount: int) -> int:
    """Return `points` for every full `per_amount` of what was paid."""
    return amount // per_amount * points


def amount_of(points: int, *, per_points: int, amount: int) -> int:
    """Return what points pay at a partner: `amount` for every full `per_points`."""
    return points // per_points * amount


def points_for_amount(wanted: int, *, per_points: int, amount: int) -> int:
    """Return the fewest points that pay at least `wanted`."""
    return -(-wanted // amount) * per_points


def month_of(at: datetime, zone: str) -> date:
    """Return the first day of an instant's local month."""
    return at.astimezone(ZoneInfo(zone)).date().replace(day=1)


def month_after(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


@dataclass(frozen=True)
class Moved:
    """One posting as a settlement counts it; a reversal has its sign already."""

    kind: str
    points: int


@dataclass(frozen=True)
class Account:
    """What a partner and the merchant owe each other for a month.

    The partner pays for points it gave, the merchant for points burned with it; what was reversed is taken
    off. `balance_amount` is what the partner pays, negative what it gets. Each price is multiplied with
    the month's points and rounded half up once.
    """

    earned_points: int
    burned_points: int
    earned_amount: int
    burned_amount: int

    @property
    def balance_amount(self) -> int:
        return self.earned_amount - self.burned_amount


def settle(moved: Iterable[Moved], *, earn_price: Decimal, burn_price: Decimal) -> Account:
    """Return the account of a month's postings."""
    earned = burned = 0
    for one in moved:
        if one.kind in ("EARN", "EARN_BACK"):
            earned += one.points
        else:
            burned -= one.points
    return Account(earned, burned, _priced(earned, earn_price), _priced(burned, burn_price))


def _priced(points: int, price: Decimal) -> int:
    return int((points * price).quantize(Decimal(1), rounding=ROUND_HALF_UP))
