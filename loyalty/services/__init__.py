from loyalty.services.adjustments import adjust_points
from loyalty.services.backfill import backfill_points
from loyalty.services.balances import points_of
from loyalty.services.earning import (
    claw_back_points,
    create_earning_rule,
    earn_points,
    edit_earning_rule,
)
from loyalty.services.grants import hand_over_grant, take_back_grant
from loyalty.services.partner_codes import add_partner_codes, partner_code_of
from loyalty.services.reward_definitions import add_stock, create_reward, edit_reward
from loyalty.services.rewards import grant_reward, redeem_reward
from loyalty.services.shortfalls import debt_of

__all__ = [
    "add_partner_codes",
    "add_stock",
    "adjust_points",
    "backfill_points",
    "claw_back_points",
    "create_earning_rule",
    "create_reward",
    "debt_of",
    "earn_points",
    "edit_earning_rule",
    "edit_reward",
    "grant_reward",
    "hand_over_grant",
    "partner_code_of",
    "points_of",
    "redeem_reward",
    "take_back_grant",
]
