"""What customers are worth, and what the programme earns against what it costs."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import accumulate
from operator import itemgetter

from django.conf import settings
from django.db import connection

from analytics.engine.postgres import first_instant
from analytics.first_orders import count_new_customers
from analytics.models import ValueModel, ValueRun
from analytics.services.kpis.programme import cost_facts
from analytics.services.kpis.purchases import purchase_facts
from analytics.services.kpis.ratios import average
from analytics.services.kpis.statements import MEMBER, by_window
from analytics.windows import Scope, Window
from campaigns.models import Campaign
from campaigns.results.lift import CampaignLift, lifts_of_campaigns, overall_revenue
from customers.models import Segment


@dataclass(frozen=True)
class LifetimeFacts:
    """What the customers with a first order until the end of a span have spent until then, on average.

    `predicted` is what the last prediction made by then expects of one customer, discounted. Minor units.
    """

    historic: int | None = None
    predicted: int | None = None


SPENT = """
SELECT month, sum(net_amount)::bigint FROM customers_monthlyrollup
WHERE scope = 'ALL' AND scope_value = '' AND month < %(end)s {member} GROUP BY month
"""
BEGINNING = date(1970, 1, 1)


def lifetime_facts(
    windows: Sequence[Window],
    before: Window | None = None,
    *,
    scope: Scope | None = None,
    segment: Segment | None = None,
) -> list[LifetimeFacts]:
    """Return what customers were worth at the end of each span; months that began before it count whole."""
    if scope:
        return [LifetimeFacts() for _ in windows]
    statement = SPENT.format(member=MEMBER.format(customer="customer_id") if segment else "")
    with connection.cursor() as cursor:
        cursor.execute(statement, {"end": windows[-1].end, "segment": segment.pk if segment else None})
        months = cursor.fetchall()
    began = [Window(BEGINNING, windows[0].end), *windows[1:]]
    customers = accumulate(count_new_customers(began, segment=segment))
    return [
        LifetimeFacts(
            average(
                sum(spent for month, spent in months if month < window.end),
                until_then,
            )
        )
        for window, until_then in zip(windows, customers, strict=True)
    ]


def prediction_facts(
    windows: Sequence[Window],
    before: Window | None = None,
    *,
    scope: Scope | None = None,
    segment: Segment | None = None,
) -> list[LifetimeFacts]:
    """Return what was predicted of one customer by the end of each span."""
    runs = ValueRun.objects.filter(status="DONE", as_of__lte=windows[-1].end).order_by("as_of", "pk")
    told = list(runs.values_list("as_of", "totals__clv", "population"))
    return [LifetimeFacts(predicted=_predicted(told, window)) for window in windows]


def _predicted(told: Sequence[tuple[date, float | None, int]], window: Window) -> int | None:
    place = bisect_right(told, window.end, key=itemgetter(0))
    if not place:
        return None
    _as_of, total, population = told[place - 1]
    return round(total / population) if total is not None and population else None


@dataclass(frozen=True)
class ProgrammeFacts:
    """The programme of a span in minor units: the margin of all sales, and what it costs.

    `extra_margin` is what campaigns brought that their holdouts did not, at the merchant's margin; None
    without people held out by lot. It is what was left after discounts on goods, as revenue is:
    `discount_amount` says how much of the incentives these were.
    """

    margin_amount: int | None = None
    incentive_amount: int = 0
    discount_amount: int = 0
    messages_amount: int = 0
    fixed_amount: int = 0
    extra_margin: float | None = None

    @property
    def cost(self) -> int:
        return self.incentive_amount + self.messages_amount + self.fixed_amount

    @property
    def roi(self) -> float | None:
        """Return (incremental margin before discounts - cost) / cost; None without a holdout or a cost."""
        if self.extra_margin is None or not self.cost:
            return None
        return (self.extra_margin + self.discount_amount - self.cost) / self.cost


SENT = """
SELECT width_bucket(sent_at, %(bounds)s), count(*) FROM campaigns_message
WHERE sent_at >= %(start_at)s AND sent_at < %(end_at)s {member} GROUP BY 1
"""
MONTH_DAYS = Decimal("30.4375")


def margin_facts(
    windows: Sequence[Window], before: Window, *, scope: Scope, segment: Segment | None = None
) -> list[ProgrammeFacts]:
    """Return the margin and the costs of each span, without what campaigns changed."""
    share = margin_share()
    bought = purchase_facts(windows, before, scope=scope, segment=segment)
    given = cost_facts(windows, scope=scope, segment=segment)
    sent = by_window(SENT, windows, segment=segment, customer="customer_id")
    return [
        ProgrammeFacts(
            margin_amount=None if share is None else round(sales.net_amount * share),
            incentive_amount=cost.incentive_cost,
            discount_amount=cost.goods_amount,
            messages_amount=(row[0] if row else 0) * settings.THOUSAND_MESSAGES_AMOUNT // 1000,
            fixed_amount=int(settings.PROGRAMME_FIXED_MONTHLY_AMOUNT * window.days / MONTH_DAYS),
        )
        for window, sales, cost, row in zip(windows, bought, given, sent, strict=True)
    ]


def programme_facts(
    windows: Sequence[Window], before: Window, *, scope: Scope, segment: Segment | None = None
) -> list[ProgrammeFacts]:
    """Return the same with what campaigns changed: of those whose audience was taken in each span."""
    share = margin_share()
    facts = margin_facts(windows, before, scope=scope, segment=segment)
    if share is None:
        return facts
    spans = [(first_instant(window.start), first_instant(window.end)) for window in windows]
    found = lifts_of_campaigns(Campaign.objects.all(), spans)
    return [
        replace(each, extra_margin=_extra_margin(lifts, float(share)))
        for lifts, each in zip(found, facts, strict=True)
    ]


def _extra_margin(lifts: Sequence[CampaignLift], share: float) -> float | None:
    if overall_revenue(lifts) is None:
        return None
    return share * sum(one.extra_amount or 0 for one in lifts)


def margin_share() -> Decimal | None:
    """Return the merchant's margin as it is set for predictions of value, from 0 to 1; None before."""
    percent = ValueModel.objects.order_by("pk").values_list("margin_percent", flat=True).first()
    return None if percent is None else percent / 100
