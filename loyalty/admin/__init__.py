from loyalty.admin import (
    accounts,
    adjustments,
    grants,
    milestones,
    rewards,
    rules,
    staff,
)

__all__ = [
    "accounts",
    "adjustments",
    "grants",
    "milestones",
    "rewards",
    "rules",
    "staff",
]
