"""A campaign's results put together: what it changed, where that can be known, and what stands beside."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from django.conf import settings
from django.db import connection

from campaigns.models import Campaign, CampaignVersion, WinnerDecision
from campaigns.results.attribution import Attributed, attributed_orders
from campaigns.results.costs import Cost, campaign_costs, margin_share
from campaigns.results.funnel import BUYING_WINDOW, Figures, campaign_figures
from campaigns.results.lift import CampaignLift, lifts_of_campaigns
from campaigns.results.variants import VariantFigures, variant_figures
from operations.differences import Lift

BEFORE_AND_AFTER = """
WITH people AS (
    SELECT campaign_id, customer_id, min(sent_at) AS since FROM campaigns_message
    WHERE campaign_id = ANY(%(campaigns)s) AND state = 'SENT' GROUP BY 1, 2
)
SELECT people.campaign_id, count(*), count(*) FILTER (WHERE bought.before),
       count(*) FILTER (WHERE bought.after)
FROM people CROSS JOIN LATERAL (
    SELECT bool_or(ordered_at < people.since) AS before, bool_or(ordered_at >= people.since) AS after
    FROM customers_order
    WHERE customer_id = people.customer_id AND status = 'PAID' AND currency = %(currency)s
      AND ordered_at >= people.since - %(window)s AND ordered_at < people.since + %(window)s
) AS bought
GROUP BY 1
"""


# Taken by the provider, and given back later.
BOUNCED = """
SELECT message.campaign_id, count(DISTINCT message.id)
FROM campaigns_providerevent AS event JOIN campaigns_message AS message ON message.id = event.message_id
WHERE message.campaign_id = ANY(%(campaigns)s) AND message.state = 'SENT'
  AND event.kind IN ('BOUNCED', 'SOFT_BOUNCED', 'REJECTED')
GROUP BY 1
"""


@dataclass(frozen=True)
class BeforeAndAfter:
    """How many of those written to bought in the 30 days before, and after: no effect, a comparison."""

    people: int
    before: int
    after: int


@dataclass(frozen=True)
class CampaignReport:
    """One campaign's figures. `lift` is None without a random holdout; then there is no ROI either."""

    campaign: Campaign
    figures: Figures
    lift: CampaignLift | None
    before_and_after: BeforeAndAfter | None
    attributed: Attributed
    cost: Cost
    margin_share: float | None

    @property
    def extra_amount(self) -> float | None:
        """Return the revenue that would not have come otherwise, after discounts, in minor units."""
        return self.lift.extra_amount if self.lift else None

    @property
    def extra_margin(self) -> float | None:
        """Return the margin of the extra sales before discounts, which stand among the costs."""
        if self.extra_amount is None or self.margin_share is None:
            return None
        return self.margin_share * (self.extra_amount + self.cost.discount_amount)

    @property
    def profit(self) -> float | None:
        return None if self.extra_margin is None else self.extra_margin - self.cost.amount

    @property
    def roi(self) -> float | None:
        """Return (extra margin - cost) / cost; None where either is not known, or nothing was spent."""
        return None if self.profit is None or not self.cost.amount else self.profit / self.cost.amount

    @property
    def profit_interval(self) -> Lift | None:
        """Return the profit with the 95 % interval of the revenue per person."""
        if self.profit is None or self.lift is None or self.lift.revenue is None:
            return None
        people, share = self.lift.treated.people, self.margin_share or 0.0
        reach = (self.lift.revenue.high - self.lift.revenue.low) / 2 * people * share
        return Lift(self.profit, self.profit - reach, self.profit + reach)

    @cached_property
    def experiment(self) -> CampaignVersion | None:
        """Return the newest version that was planned and has variants."""
        planned = self.campaign.runs.values("version")
        found = self.campaign.versions.filter(pk__in=planned, variants__isnull=False)
        return found.select_related("decision").prefetch_related("variants").order_by("-number").first()

    @cached_property
    def variants(self) -> list[VariantFigures]:
        return variant_figures(self.experiment) if self.experiment else []

    @property
    def decision(self) -> WinnerDecision | None:
        return getattr(self.experiment, "decision", None) if self.experiment else None


def campaign_reports(campaigns: Sequence[Campaign]) -> list[CampaignReport]:
    """Return the reports of these campaigns in their order, in a fixed number of statements."""
    if not campaigns:
        return []
    (lifts,) = lifts_of_campaigns(campaigns)
    by_campaign = {one.campaign.pk: one for one in lifts}
    figures, costs, bounced = campaign_figures(campaigns), campaign_costs(campaigns), _bounced(campaigns)
    attributed, compared, share = attributed_orders(campaigns), _before_and_after(campaigns), margin_share()
    return [
        CampaignReport(
            campaign,
            replace(figures[campaign.pk], bounced=bounced.get(campaign.pk, 0)),
            by_campaign.get(campaign.pk),
            compared.get(campaign.pk),
            attributed[campaign.pk],
            costs[campaign.pk],
            share,
        )
        for campaign in campaigns
    ]


def campaign_report(campaign: Campaign) -> CampaignReport:
    """Return what one campaign brought."""
    (report,) = campaign_reports([campaign])
    return report


def _before_and_after(campaigns: Sequence[Campaign]) -> dict[int, BeforeAndAfter]:
    values = {
        "campaigns": [campaign.pk for campaign in campaigns],
        "currency": settings.PROGRAMME_CURRENCY,
        "window": BUYING_WINDOW,
    }
    with connection.cursor() as cursor:
        cursor.execute(BEFORE_AND_AFTER, values)
        return {campaign: BeforeAndAfter(*numbers) for campaign, *numbers in cursor.fetchall()}


def _bounced(campaigns: Sequence[Campaign]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(BOUNCED, {"campaigns": [campaign.pk for campaign in campaigns]})
        return dict(cursor.fetchall())
