"""The rows in which limits and budgets count, named before they exist and ordered as they are locked."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, order=True)
class CounterKey:
    """The row of `LimitCounter` that a limit counts in; ordered, because they are locked in this order."""

    promotion: int
    coupon: int
    customer: int
    email_hash: str
    period: str
    starts_on: date
    cap: int = field(compare=False, default=0)

    @property
    def columns(self) -> dict[str, Any]:
        return {
            "promotion_id": self.promotion,
            "coupon_id": self.coupon or None,
            "customer_id": self.customer or None,
            "email_hash": self.email_hash,
            "period": self.period,
            "starts_on": self.starts_on,
        }


@dataclass(frozen=True, order=True)
class BudgetKey:
    """The row of `BudgetPeriod` that a budget counts in."""

    budget: int
    starts_on: date
    cap: int = field(compare=False, default=0)
    amounts: bool = field(compare=False, default=True)
    partial: bool = field(compare=False, default=False)
