"""The arithmetic of returns (incentives.md, section 5): what comes back of a paid cart, and to whom. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from coupons.engine.money import allocate


class Policy(StrEnum):
    """What a refund goes to first: money, or the gift cards and points that paid."""

    CASH_FIRST = "CASH_FIRST"
    CARD_FIRST = "CARD_FIRST"
    PROPORTIONAL = "PROPORTIONAL"


@dataclass(frozen=True)
class PaidLine:
    """One line of a cart as it was paid: `total_amount` after discounts, `returned` units of it are back."""

    line_id: str
    position: int
    quantity: Decimal
    total_amount: int
    returned: Decimal = Decimal(0)

    @property
    def left(self) -> Decimal:
        return self.quantity - self.returned


@dataclass(frozen=True)
class Payment:
    """What one means of payment gave, and how much of it went back; minor units.

    `units` is what `amount` was on its account: the same for money, a number of points for points.
    """

    amount: int
    returned_amount: int = 0
    units: int = 0
    returned_units: int = 0

    @property
    def left(self) -> int:
        return self.amount - self.returned_amount

    def units_for(self, amount: int) -> int:
        """Return the units that go back with `amount` more: whole ones, and all of them with the last."""
        if not self.amount:
            return 0
        return self.units * (self.returned_amount + amount) // self.amount - self.returned_units


def share_refund(
    refund: int, *, cash: Payment, tenders: Sequence[Payment], policy: Policy
) -> tuple[int, list[int]]:
    """Return how much of a refund goes back in money and how much to each tender, in minor units.

    Nobody gets more than they gave and did not get back yet; `refund` is not more than all of that.
    """
    left = [tender.left for tender in tenders]
    if policy == Policy.PROPORTIONAL:
        money, *parts = allocate(refund, [cash.left, *left])
        return money, parts
    if policy == Policy.CASH_FIRST:
        money, *parts = _in_order(refund, [cash.left, *left])
        return money, parts
    *parts, money = _in_order(refund, [*left, cash.left])
    return money, parts


def _in_order(refund: int, left: Sequence[int]) -> list[int]:
    parts = []
    for most in left:
        parts.append(min(refund, most))
        refund -= parts[-1]
    return parts
