"""Incentives in words a person understands: what they give, to whom, when, and why one does not apply."""

from coupons.wording.effects import effect_in_words, items_in_words
from coupons.wording.promotions import (
    budget_in_words,
    compare,
    coupon_headline,
    describe,
    headline,
    sentences,
)
from coupons.wording.traces import (
    CheckInWords,
    Decision,
    checks_in_words,
    decisions,
    missing_in_words,
    outcome_in_words,
    rule_in_words,
)

__all__ = [
    "CheckInWords",
    "Decision",
    "budget_in_words",
    "checks_in_words",
    "compare",
    "coupon_headline",
    "decisions",
    "describe",
    "effect_in_words",
    "headline",
    "items_in_words",
    "missing_in_words",
    "outcome_in_words",
    "rule_in_words",
    "sentences",
]
