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
from loyalty.services.point_requests import decide_points, points_limit, request_points
from loyalty.services.reward_definitions import add_stock, create_reward, edit_reward
from loyalty.services.rewards import grant_reward, redeem_reward
from loyalty.services.shortfalls import debt_of
from loyalty.services.transfers import allow_transfers, forbid_transfers, transfer_points

__all__ = [
    "add_partner_codes",
    "add_stock",
    "adjust_points",
    "allow_transfers",
    "backfill_points",
    "claw_back_points",
    "create_earning_rule",
    "create_reward",
    "debt_of",
    "decide_points",
    "earn_points",
    "edit_earning_rule",
    "edit_reward",
    "forbid_transfers",
    "grant_reward",
    "hand_over_grant",
    "partner_code_of",
    "points_limit",
    "points_of",
    "redeem_reward",
    "request_points",
    "take_back_grant",
    "transfer_points",
]
