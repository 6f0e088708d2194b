from loyalty.admin import (
    accounts,
    adjustments,
    grants,
    rewards,
    rules,
)

__all__ = [
    "accounts",
    "adjustments",
    "grants",
    "rewards",
    "rules",
]
