"""What somebody is about to buy. Prices are gross, in minor units of the cart's currency."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from coupons.engine.money import times


@dataclass(frozen=True)
class Line:
    """One article of a cart; no tax rate means no tax.

    `unit_cost` is net, None when nobody knows it. `discounted` says that the shop reduced the price itself.
    """

    line_id: str
    unit_price: int
    quantity: Decimal = Decimal(1)
    sku: str = ""
    product: str = ""
    category: str = ""
    brand: str = ""
    collection: str = ""
    tax_rate: Decimal = Decimal(0)
    unit_cost: int | None = None
    discounted: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def amount(self) -> int:
        return times(self.unit_price, self.quantity)

    @cached_property
    def units(self) -> int:
        """Return how many pieces this is; what is weighed cannot be counted and is none."""
        whole = int(self.quantity)
        return whole if whole == self.quantity else 0


@dataclass(frozen=True)
class Cart:
    """Lines in the order they came, which breaks ties, and where the purchase happens."""

    lines: tuple[Line, ...]
    currency: str
    shipping_amount: int = 0
    store: str = ""
    sales_channel: str = ""
    country: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def amount(self) -> int:
        return sum(line.amount for line in self.lines)
