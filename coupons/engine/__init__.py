"""Computes what incentives do to a cart. Plain values only: no ORM, no clock of its own.

`calculate(cart, candidates, context)` answers qualifications, validations and redemptions alike, so that they
can never disagree.
"""

from coupons.engine.calculation import Calculation, LineTotal, Outcome, OutcomeStatus, calculate
from coupons.engine.cart import Cart, Line
from coupons.engine.context import Context
from coupons.engine.incentive import (
    Application,
    Budget,
    Candidate,
    Conditions,
    CouponFacts,
    Effect,
    Items,
    Limit,
    MinimumSpend,
    Stacking,
    Validity,
    WeeklyHours,
)
from coupons.engine.money import allocate, net_of, percent_of
from coupons.engine.trace import Check

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
    "Items",
    "Limit",
    "Line",
    "LineTotal",
    "MinimumSpend",
    "Outcome",
    "OutcomeStatus",
    "Stacking",
    "Validity",
    "WeeklyHours",
    "allocate",
    "calculate",
    "net_of",
    "percent_of",
]
