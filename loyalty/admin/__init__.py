from loyalty.admin import (
    accounts,
    adjustments,
    badges,
    cards,
    challenges,
    contests,
    grants,
    leaderboards,
    milestones,
    rewards,
    rules,
    staff,
)

__all__ = [
    "accounts",
    "adjustments",
    "badges",
    "cards",
    "challenges",
    "contests",
    "grants",
    "leaderboards",
    "milestones",
    "rewards",
    "rules",
    "staff",
]
