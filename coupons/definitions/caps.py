"""How often and how much a promotion gives, and what its codes look like, as it is written."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from coupons.definitions.reading import Entry, read_list
from coupons.patterns import pattern_mistake
from coupons.rules import code_mistake
from operations.amounts import MAXIMUM_AMOUNT
from operations.errors import InvalidInput


class LimitSubject(StrEnum):
    COUPON = "COUPON"
    CUSTOMER_COUPON = "CUSTOMER_COUPON"
    CUSTOMER = "CUSTOMER"
    PROMOTION = "PROMOTION"


class Period(StrEnum):
    TOTAL = "TOTAL"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


class Metric(StrEnum):
    DISCOUNT_AMOUNT = "DISCOUNT_AMOUNT"
    REDEMPTIONS = "REDEMPTIONS"
    GIFT_AMOUNT = "GIFT_AMOUNT"
    POINTS = "POINTS"


class OnInsufficient(StrEnum):
    REJECT = "REJECT"
    PARTIAL = "PARTIAL"


@dataclass(frozen=True)
class LimitRule:
    """At most so many uses by a subject in a period."""

    subject: LimitSubject
    uses: int
    period: Period


@dataclass(frozen=True)
class BudgetRule:
    """At most so much (minor units, or redemptions) in a period."""

    metric: Metric
    cap: int
    period: Period
    on_insufficient: OnInsufficient


@dataclass(frozen=True)
class CouponRule:
    """What the codes of a promotion look like: a pattern for many, or one public `code`.

    An empty pattern makes no codes: only those that were issued are handed out, a pool.
    """

    pattern: str = "##########"
    code: str = ""
    max_uses: int | None = 1
    valid_days: int | None = None


def read_limits(data: Any, pointer: str = "/limits") -> tuple[LimitRule, ...]:
    """Return how often it may be used, by whom and in which period."""
    limits = read_list(data, pointer, _read_limit)
    subjects = [(limit.subject, limit.period) for limit in limits]
    if len(set(subjects)) < len(subjects):
        raise InvalidInput.at(pointer, _("The same subject and period stands here twice."))
    return limits


def _read_limit(data: Any, pointer: str) -> LimitRule:
    entry = Entry(data, pointer)
    limit = LimitRule(
        subject=entry.choice("subject", LimitSubject),
        uses=entry.whole("uses", required=True),
        period=entry.choice("period", Period, default=Period.TOTAL),
    )
    entry.finish()
    return limit


def read_budget(data: Any, pointer: str = "/budget") -> BudgetRule:
    """Return the cap on what a promotion may spend."""
    entry = Entry(data, pointer)
    metric = entry.choice("metric", Metric)
    budget = BudgetRule(
        metric=metric,
        cap=entry.whole("cap", high=MAXIMUM_AMOUNT, required=True),
        period=entry.choice("period", Period, default=Period.TOTAL),
        on_insufficient=entry.choice("on_insufficient", OnInsufficient, default=OnInsufficient.REJECT),
    )
    if metric == Metric.REDEMPTIONS and budget.on_insufficient == OnInsufficient.PARTIAL:
        entry.wrong("on_insufficient", _("A number of redemptions cannot be given in part."))
    entry.finish()
    return budget


def read_coupon_rule(data: Any, pointer: str = "/coupon") -> CouponRule:
    """Return what the codes look like; `max_uses` absent is 1, for a public code unlimited.

    A pattern that is there and empty means a pool.
    """
    entry = Entry(data, pointer)
    code, pattern = entry.text("code"), entry.text("pattern")
    pooled = entry.data.get("pattern") == "" and not code
    unlimited = ("max_uses" in entry.data and entry.data["max_uses"] is None) or (
        bool(code) and "max_uses" not in entry.data
    )
    rule = CouponRule(
        pattern="" if pooled else pattern or CouponRule.pattern,
        code=code.strip(),
        max_uses=entry.whole("max_uses", default=None if unlimited else 1),
        valid_days=entry.whole("valid_days", high=36_500),
    )
    if code and pattern:
        entry.wrong("pattern", _("A promotion has one public code or a pattern for many, not both."))
    if code and (mistake := code_mistake(code)):
        entry.wrong("code", mistake)
    if pattern and (mistake := pattern_mistake(pattern)):
        entry.wrong("pattern", mistake)
    entry.finish()
    return rule
