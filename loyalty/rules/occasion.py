"""What may earn something: an order or an event, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

ORDER = "order.recorded"


@dataclass(frozen=True)
class Bought:
    """One line: so many pieces, and what was paid for them after discounts, in minor units.

    An event about an article has one of these, without an amount.
    """

    sku: str = ""
    quantity: Decimal = Decimal(1)
    amount: int = 0
    product: str = ""
    category: str = ""
    brand: str = ""
    collection: str = ""
    pk: int | None = None


@dataclass(frozen=True)
class Occasion:
    """What happened, to whom, where and when.

    `goods` is what the lines cost after discounts without gift cards, `paid` what was paid of it by other
    means than points. `segments` are the codes among those asked for that the customer was in at that
    instant; `benefit` is the factor that tier and membership give.
    """

    type: str
    at: datetime
    zone: str
    goods: int = 0
    paid: int = 0
    lines: tuple[Bought, ...] = ()
    store: str = ""
    sales_channel: str = ""
    business_unit: str = ""
    segments: frozenset[str] = frozenset()
    benefit: Decimal = Decimal(1)
    payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_order(self) -> bool:
        return self.type == ORDER

    @cached_property
    def local(self) -> datetime:
        """Return the instant as clocks show it where the programme runs."""
        return self.at.astimezone(ZoneInfo(self.zone))
