"""What became of what was asked for, and of the cart."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from coupons.engine.cart import Cart, Line
from coupons.engine.incentive import Application, Candidate
from coupons.engine.money import net_of
from coupons.engine.tender import Tender
from coupons.engine.trace import Check


class OutcomeStatus(StrEnum):
    APPLICABLE = "APPLICABLE"
    INAPPLICABLE = "INAPPLICABLE"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True)
class Gift:
    """Pieces that go with the order for nothing and do not stand in the cart."""

    sku: str
    quantity: int


@dataclass(frozen=True)
class Outcome:
    """What became of one candidate or tender; `discounts` is by line, in the cart's order, without zeros.

    `line_units` says how many pieces of a line are cheaper where these were counted. `shipping_amount` is
    taken off shipping. A tender has `tender_amount`, and in `units` what its account loses. SKIPPED means
    that nothing was left to take off or to pay: it is not consumed. `error` is a key of incentives.md.
    """

    candidate: Candidate | Tender
    status: OutcomeStatus
    discounts: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    trace: tuple[Check, ...] = ()
    line_units: dict[str, int] = field(default_factory=dict)
    shipping_amount: int = 0
    gifts: tuple[Gift, ...] = ()
    tender_amount: int = 0
    units: int = 0

    @property
    def discount_amount(self) -> int:
        """Return what is taken off the goods."""
        return sum(self.discounts.values())

    @property
    def given_amount(self) -> int:
        """Return what is taken off goods and shipping: what a budget bears."""
        return self.discount_amount + self.shipping_amount

    def units_of(self, line: Line) -> Decimal:
        """Return how much of a line this discount is for: all of it, unless pieces were counted."""
        return Decimal(self.line_units.get(line.line_id, line.quantity))

    @property
    def missing(self) -> dict[str, Any] | None:
        """Return what would have to be added for it to apply, when it is a matter of that."""
        found: dict[str, Any] = {}
        for check in self.trace:
            if check.passed or not check.missing:
                continue
            for name, value in check.missing.items():
                if name == "products":
                    found[name] = [*found.get(name, []), *value]
                else:
                    found[name] = max(found.get(name, 0), value)
        return found or None


@dataclass(frozen=True)
class LineTotal:
    """One line after every incentive: gross before and off, and what the total is without its tax."""

    line: Line
    discount_amount: int

    @property
    def total_amount(self) -> int:
        return self.line.amount - self.discount_amount

    @property
    def net_amount(self) -> int:
        return net_of(self.total_amount, self.line.tax_rate)

    @property
    def tax_amount(self) -> int:
        return self.total_amount - self.net_amount


@dataclass(frozen=True)
class Calculation:
    """The outcomes in request order, and the cart after them."""

    cart: Cart
    outcomes: tuple[Outcome, ...]
    lines: tuple[LineTotal, ...]

    @property
    def applied(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status == OutcomeStatus.APPLICABLE]

    @property
    def refused(self) -> list[Outcome]:
        """Return what was asked for by name and does not apply."""
        return [
            outcome
            for outcome in self.outcomes
            if outcome.status == OutcomeStatus.INAPPLICABLE and not outcome.candidate.optional
        ]

    def holds(self, application: Application) -> bool:
        """Return whether this can be redeemed: something applies and, unless PARTIAL, nothing is refused."""
        return bool(self.applied) and (application == Application.PARTIAL or not self.refused)

    @property
    def discount_amount(self) -> int:
        """Return what is taken off the goods."""
        return sum(line.discount_amount for line in self.lines)

    @property
    def shipping_discount_amount(self) -> int:
        return sum(outcome.shipping_amount for outcome in self.outcomes)

    @property
    def total_amount(self) -> int:
        """Return what the goods cost."""
        return self.cart.amount - self.discount_amount

    @property
    def net_amount(self) -> int:
        return sum(line.net_amount for line in self.lines)

    @property
    def tender_amount(self) -> int:
        return sum(outcome.tender_amount for outcome in self.outcomes)

    @property
    def due_amount(self) -> int:
        """Return what is left to pay, with shipping, in other ways."""
        shipping = self.cart.shipping_amount - self.shipping_discount_amount
        return self.total_amount + shipping - self.tender_amount

    @property
    def gifts(self) -> list[Gift]:
        return [gift for outcome in self.outcomes for gift in outcome.gifts]
