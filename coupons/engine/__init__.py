"""Computes what incentives do to a cart. Plain values only: no ORM, no clock of its own.

`calculate(cart, candidates, context)` answers qualifications, validations and redemptions alike, so that they
can never disagree.
"""

from coupons.engine.calculation import calculate
from coupons.engine.cart import Cart, Line
from coupons.engine.context import Context
from coupons.engine.incentive import (
    Application,
    Budget,
    Candidate,
    Conditions,
    CouponFacts,
    Effect,
    Limit,
    MarginFloor,
    MinimumSpend,
    Stacking,
    Tier,
    Validity,
    WeeklyHours,
)
from coupons.engine.items import Items, Part
from coupons.engine.money import allocate, net_of, percent_of
from coupons.engine.outcome import Calculation, Gift, LineTotal, Outcome, OutcomeStatus
from coupons.engine.tender import Tender
from coupons.engine.trace import Check, plain_number

__all__ = [
    "Application",
    "Budget",
    "Calculation",
    "Candidate",
    "Cart",
    "Check",
    "Conditions",
    "Context",
    "CouponFacts",
    "Effect",
    "Gift",
    "Items",
    "Limit",
    "Line",
    "LineTotal",
    "MarginFloor",
    "MinimumSpend",
    "Outcome",
    "OutcomeStatus",
    "Part",
    "Stacking",
    "Tender",
    "Tier",
    "Validity",
    "WeeklyHours",
    "allocate",
    "calculate",
    "net_of",
    "percent_of",
    "plain_number",
]
