"""How a promotion is written as JSON (api.md, Promotions), read into the engine's values.

Every reader raises InvalidInput with a pointer to each mistake. What is not understood is never passed over:
a field that does not exist is a mistake.
"""

from coupons.definitions.caps import (
    BudgetRule,
    CouponRule,
    LimitRule,
    LimitSubject,
    Metric,
    OnInsufficient,
    Period,
    read_budget,
    read_coupon_rule,
    read_limits,
)
from coupons.definitions.conditions import DAYS, read_conditions, read_items, read_stacking
from coupons.definitions.effects import MissingCost, read_effect, read_margin_floor

__all__ = [
    "DAYS",
    "BudgetRule",
    "CouponRule",
    "LimitRule",
    "LimitSubject",
    "Metric",
    "MissingCost",
    "OnInsufficient",
    "Period",
    "read_budget",
    "read_conditions",
    "read_coupon_rule",
    "read_effect",
    "read_items",
    "read_limits",
    "read_margin_floor",
    "read_stacking",
]
