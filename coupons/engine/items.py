"""Which lines of a cart are meant."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from coupons.engine.cart import Line


@dataclass(frozen=True)
class Items:
    """Which lines are meant: any of the names, none of the excluded ones. No names at all mean every line.

    `exclude_discounted` leaves out what the shop or an earlier incentive reduced; `min_margin_percent` what
    earns less than that before any discount.
    """

    skus: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    collections: frozenset[str] = frozenset()
    exclude: "Items | None" = None
    exclude_discounted: bool = False
    min_margin_percent: Decimal | None = None

    @cached_property
    def named(self) -> bool:
        return bool(self.skus or self.products or self.categories or self.brands or self.collections)

    @cached_property
    def everything(self) -> bool:
        """Return whether no line can be left out."""
        return not (
            self.named or self.exclude or self.exclude_discounted or self.min_margin_percent is not None
        )

    def cover(self, line: Line) -> bool:
        """Return whether this line is one of them by its names."""
        if self.exclude and self.exclude._names(line):
            return False
        return not self.named or self._names(line)

    def _names(self, line: Line) -> bool:
        return (
            line.sku in self.skus
            or line.product in self.products
            or line.category in self.categories
            or line.brand in self.brands
            or line.collection in self.collections
        )


@dataclass(frozen=True)
class Part:
    """So many pieces of an article, a category or a brand: `by` names which of them `name` is."""

    by: str
    name: str
    quantity: int = 1

    def covers(self, line: Line) -> bool:
        return getattr(line, self.by) == self.name

    def short_of(self, quantity: int | Decimal) -> dict[str, Any]:
        """Return what is missing in a cart that lacks so many of them."""
        return {self.by: self.name, "quantity": quantity}
