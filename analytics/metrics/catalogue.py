"""Every key figure there is. A new one is one entry here."""

from collections.abc import Callable
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from analytics.metrics.metric import ONLY_ALL, Better, Metric, Unit, Value
from analytics.services.kpis.answers import nps_facts
from analytics.services.kpis.coupons import coupon_facts
from analytics.services.kpis.programme import complaint_facts, cost_facts, points_facts, referral_facts
from analytics.services.kpis.purchases import purchase_facts
from analytics.services.kpis.referral_return import referral_return_facts
from analytics.services.kpis.worth import lifetime_facts, margin_facts, prediction_facts, programme_facts

SALES, LOYALTY, COUPONS, VOICE = (
    gettext_lazy("Sales"),
    gettext_lazy("Customers who stay"),
    gettext_lazy("Incentives"),
    gettext_lazy("What customers say"),
)


def _sales(code: str, label: Promise, meaning: Promise, unit: Unit = Unit.NUMBER, **more: Any) -> Metric:
    better = more.pop("better", Better.UP)
    return Metric(code, label, unit, better, SALES, meaning, purchase_facts, _attribute(code), **more)


def _staying(code: str, label: Promise, meaning: Promise, unit: Unit = Unit.NUMBER, **more: Any) -> Metric:
    better = more.pop("better", Better.UP)
    return Metric(code, label, unit, better, LOYALTY, meaning, purchase_facts, _attribute(code), **more)


def _attribute(name: str) -> Callable[[Any], Value]:
    return lambda facts: getattr(facts, name)


ADDS_UP = {"accumulates": True, "adds_up": True}
_ALL = [
    _sales(
        "net_amount",
        gettext_lazy("Revenue"),
        gettext_lazy("Goods of paid orders after discounts, less refunds."),
        Unit.MONEY,
        accumulates=True,
        adds_up=True,
    ),
    _sales(
        "orders",
        gettext_lazy("Orders"),
        gettext_lazy("Paid orders, anonymous ones too."),
        accumulates=True,
        adds_up=True,
    ),
    _sales(
        "buyers",
        gettext_lazy("Customers who bought"),
        gettext_lazy("Known customers with at least one order."),
        accumulates=True,
    ),
    _sales(
        "average_transaction_value",
        gettext_lazy("Average order"),
        gettext_lazy("Revenue divided by orders."),
        Unit.MONEY,
    ),
    _sales(
        "purchase_frequency",
        gettext_lazy("Orders per customer"),
        gettext_lazy("Orders of known customers divided by those customers."),
        digits=2,
    ),
    _staying(
        "new_buyers",
        gettext_lazy("New customers"),
        gettext_lazy("Customers with their first order of all time."),
        accumulates=True,
        adds_up=True,
    ),
    _staying(
        "repeat_rate",
        gettext_lazy("Bought again"),
        gettext_lazy("Of the customers who bought, who ordered more than once in the same period."),
        Unit.PERCENT,
    ),
    _staying(
        "retention_rate",
        gettext_lazy("Retention"),
        gettext_lazy("Of those who bought in the period before, who bought again in this one."),
        Unit.PERCENT,
    ),
    _staying(
        "net_retention_rate",
        gettext_lazy("Retention with those who came back"),
        gettext_lazy(
            "(E − N) / S: buyers of the period (E) without the new ones (N), per buyer of the period before"
            " (S). Who comes back after a break counts, so that it may be above 100 %."
        ),
        Unit.PERCENT,
    ),
    _staying(
        "churn_rate",
        gettext_lazy("Churn"),
        gettext_lazy("Of those who bought in the period before, who did not buy in this one."),
        Unit.PERCENT,
        better=Better.DOWN,
    ),
    _staying(
        "retained",
        gettext_lazy("Returning customers"),
        gettext_lazy("Bought in the period before and in this one."),
    ),
    _staying(
        "resurrecting",
        gettext_lazy("Customers won back"),
        gettext_lazy("Bought before, not in the period before, and again in this one."),
    ),
    _staying(
        "dormant",
        gettext_lazy("Customers gone quiet"),
        gettext_lazy("Bought in the period before and not in this one."),
        better=Better.DOWN,
    ),
    Metric(
        "redemption_rate",
        gettext_lazy("Coupons redeemed, of those handed out"),
        Unit.PERCENT,
        Better.UP,
        COUPONS,
        gettext_lazy("Of the coupons handed out in the period, which share has been redeemed since."),
        coupon_facts,
        _attribute("redemption_rate"),
        scopes=ONLY_ALL,
    ),
    Metric(
        "redemptions_per_coupon",
        gettext_lazy("Redemptions per coupon handed out"),
        Unit.PERCENT,
        Better.UP,
        COUPONS,
        gettext_lazy(
            "Redemptions in the period divided by the coupons handed out in it; a coupon of an earlier period"
            " counts when it is redeemed."
        ),
        coupon_facts,
        _attribute("redemptions_per_coupon"),
        scopes=ONLY_ALL,
    ),
    Metric(
        "nps",
        gettext_lazy("Net promoter score"),
        Unit.NUMBER,
        Better.UP,
        VOICE,
        gettext_lazy("Answers of 9 and 10 less those of 0 to 6, per hundred answers."),
        nps_facts,
        _attribute("nps"),
        scopes=ONLY_ALL,
    ),
    *[
        Metric(code, label, unit, better, group, meaning, source, _attribute(name), ONLY_ALL, **more)
        for code, label, unit, better, group, meaning, source, name, more in (
            (
                "clv_historic",
                gettext_lazy("Customer value so far"),
                Unit.MONEY,
                Better.UP,
                LOYALTY,
                gettext_lazy("What a customer who has bought has spent on average, all time until then."),
                lifetime_facts,
                "historic",
                {"costly": True},
            ),
            (
                "clv_predicted",
                gettext_lazy("Customer value, predicted"),
                Unit.MONEY,
                Better.UP,
                LOYALTY,
                gettext_lazy("What one customer is expected to bring from now on, as margin of today."),
                prediction_facts,
                "predicted",
                {"segments": False},
            ),
            (
                "incentive_cost",
                gettext_lazy("Cost of incentives"),
                Unit.MONEY,
                Better.DOWN,
                COUPONS,
                gettext_lazy("Discounts of redeemed coupons, and points that were spent, in money."),
                cost_facts,
                "incentive_cost",
                ADDS_UP,
            ),
            (
                "margin",
                gettext_lazy("Margin"),
                Unit.MONEY,
                Better.UP,
                SALES,
                gettext_lazy("Revenue times the margin set for predictions of value, before incentives."),
                margin_facts,
                "margin_amount",
                ADDS_UP,
            ),
            (
                "points_liability",
                gettext_lazy("Points owed"),
                Unit.MONEY,
                Better.NEITHER,
                COUPONS,
                gettext_lazy("Points that customers hold at the end of the period, with what they pay."),
                points_facts,
                "liability",
                {},
            ),
            (
                "breakage_rate",
                gettext_lazy("Breakage"),
                Unit.PERCENT,
                Better.NEITHER,
                COUPONS,
                gettext_lazy("Of the points that were spent or expired in the period, which share expired."),
                points_facts,
                "breakage_rate",
                {},
            ),
            (
                "referrals",
                gettext_lazy("Friends who bought"),
                Unit.NUMBER,
                Better.UP,
                LOYALTY,
                gettext_lazy("Referred customers with their first order in the period."),
                referral_facts,
                "converted",
                ADDS_UP,
            ),
            (
                "referral_k",
                gettext_lazy("Referral k"),
                Unit.NUMBER,
                Better.UP,
                LOYALTY,
                gettext_lazy("New customers per referrer: invitations each times the share that converted."),
                referral_facts,
                "k",
                {"digits": 2},
            ),
            (
                "referral_roi",
                gettext_lazy("Return on referrals"),
                Unit.PERCENT,
                Better.UP,
                LOYALTY,
                gettext_lazy(
                    "What the friends of the period have spent, and k more like them, less what rewards of"
                    " both sides and the programme cost, per cost. Empty when it cost nothing."
                ),
                referral_return_facts,
                "roi",
                {},
            ),
            (
                "complaints",
                gettext_lazy("Complaints"),
                Unit.NUMBER,
                Better.DOWN,
                VOICE,
                gettext_lazy("Complaints made in the period."),
                complaint_facts,
                "complaints",
                ADDS_UP,
            ),
            (
                "complaint_hours",
                gettext_lazy("Hours until the answer"),
                Unit.NUMBER,
                Better.DOWN,
                VOICE,
                gettext_lazy("Median hours from a complaint to the apology for it, within 30 days."),
                complaint_facts,
                "hours",
                {"digits": 1},
            ),
            (
                "programme_roi",
                gettext_lazy("Return on the programme"),
                Unit.PERCENT,
                Better.UP,
                COUPONS,
                gettext_lazy(
                    "What campaigns earned beyond their holdouts, before discounts, less incentives, messages"
                    " and fixed cost, per cost. Empty without people held out by lot."
                ),
                programme_facts,
                "roi",
                {"costly": True, "segments": False},
            ),
        )
    ],
]
_GROUPS = [SALES, LOYALTY, COUPONS, VOICE]
METRICS: dict[str, Metric] = {
    metric.code: metric for metric in sorted(_ALL, key=lambda metric: _GROUPS.index(metric.group))
}
