from loyalty.services.adjustments import adjust_points
from loyalty.services.backfill import backfill_points
from loyalty.services.balances import points_of
from loyalty.services.claw_backs import claw_back_points
from loyalty.services.earning import earn_on_event, earn_points
from loyalty.services.earning_rules import (
    create_earning_rule,
    edit_earning_rule,
    switch_earning_rule,
    terms_of,
)
from loyalty.services.grants import hand_over_grant, take_back_grant
from loyalty.services.milestones import (
    choose_reward,
    create_milestone,
    edit_milestone,
    follow_milestones,
    sweep_milestones,
)
from loyalty.services.partner_codes import add_partner_codes, partner_code_of
from loyalty.services.partner_postings import burn_at_partner, earn_at_partner, reverse_posting
from loyalty.services.point_requests import decide_points, points_limit, request_points
from loyalty.services.reward_definitions import add_stock, create_reward, edit_reward
from loyalty.services.rewards import grant_reward, redeem_reward
from loyalty.services.settlements import close_month, settlement_of, settlements_of
from loyalty.services.shortfalls import debt_of
from loyalty.services.simulations import simulate_earning
from loyalty.services.staff import enrol_customer, upsert_employee
from loyalty.services.transfers import allow_transfers, forbid_transfers, transfer_points

__all__ = [
    "add_partner_codes",
    "add_stock",
    "adjust_points",
    "allow_transfers",
    "backfill_points",
    "burn_at_partner",
    "choose_reward",
    "claw_back_points",
    "close_month",
    "create_earning_rule",
    "create_milestone",
    "create_reward",
    "debt_of",
    "decide_points",
    "earn_at_partner",
    "earn_on_event",
    "earn_points",
    "edit_earning_rule",
    "edit_milestone",
    "edit_reward",
    "enrol_customer",
    "follow_milestones",
    "forbid_transfers",
    "grant_reward",
    "hand_over_grant",
    "partner_code_of",
    "points_limit",
    "points_of",
    "redeem_reward",
    "request_points",
    "reverse_posting",
    "settlement_of",
    "settlements_of",
    "simulate_earning",
    "sweep_milestones",
    "switch_earning_rule",
    "take_back_grant",
    "terms_of",
    "transfer_points",
    "upsert_employee",
]
