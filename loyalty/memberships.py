"""How long a payment lasts and what goes back of it. Pure: days are local days, amounts minor units."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from coupons.engine.money import half_up
from loyalty.tiers import add_months

MONTHS = {"MONTH": 1, "YEAR": 12}


@dataclass(frozen=True)
class Covered:
    """What was paid for the days from `first` until before `end`."""

    amount: int
    first: date
    end: date


def period_end(started_on: date, periods: int, *, period: str, days: int | None = None) -> date:
    """Return the first day after so many periods, counted from the first day of a membership.

    From 31 January a month ends on 28 February and two on 31 March: days lost to a short month come back.
    """
    if period == "DAYS":
        return started_on + timedelta((days or 0) * periods)
    return add_months(started_on, MONTHS[period] * periods)


def refund_of(paid: Covered, *, on: date) -> int:
    """Return what goes back of a payment when the last day of the membership is `on`.

    The share of the whole days after it, rounded half up. A payment for days to come goes back whole, one
    for days that are over not at all.
    """
    whole = (paid.end - paid.first).days
    left = (paid.end - max(paid.first, on + timedelta(1))).days
    return half_up(paid.amount * left, whole) if left > 0 else 0


def refunds_of(payments: Iterable[Covered], *, on: date) -> list[int]:
    """Return what goes back of each payment, in their order."""
    return [refund_of(paid, on=on) for paid in payments]
