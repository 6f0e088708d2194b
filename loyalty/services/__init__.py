from loyalty.services.adjustments import adjust_points
from loyalty.services.backfill import backfill_points
from loyalty.services.balances import points_of
from loyalty.services.earning import (
    claw_back_points,
    create_earning_rule,
    earn_points,
    edit_earning_rule,
)
from loyalty.services.shortfalls import debt_of

__all__ = [
    "adjust_points",
    "backfill_points",
    "claw_back_points",
    "create_earning_rule",
    "debt_of",
    "earn_points",
    "edit_earning_rule",
    "points_of",
]
