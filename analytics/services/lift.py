"""What campaigns changed, each against the people it held out by lot."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from analytics.errors import NoRandomHoldout
from analytics.lift import Arm, Lift, conversion_lift, pooled_lift, revenue_lift
from campaigns.models import Campaign
from campaigns.results import BUYING_WINDOW

# A person counts once in a campaign, from the day its audience was first taken with them in it. Whoever was
# suppressed never took part in the draw.
OUTCOMES = """
WITH people AS (
    SELECT message.campaign_id, message.customer_id, bool_or(message.state = 'HOLDOUT') AS held_out,
           min(message.created_at) AS since
    FROM campaigns_message message JOIN campaigns_campaignversion version ON version.id = message.version_id
    WHERE message.campaign_id = ANY(%(campaigns)s) AND version.holdout_percent > 0
      AND message.state <> 'SUPPRESSED' {between}
    GROUP BY 1, 2
)
SELECT campaign_id, held_out, count(*), count(*) FILTER (WHERE orders > 0),
       avg(amount)::float, coalesce(var_samp(amount), 0)::float
FROM people CROSS JOIN LATERAL (
    SELECT count(*) AS orders, coalesce(sum(net_amount), 0) AS amount FROM customers_order
    WHERE customer_id = people.customer_id AND status = 'PAID' AND currency = %(currency)s
      AND ordered_at >= people.since AND ordered_at < people.since + %(window)s
) AS bought
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class CampaignLift:
    """A campaign's two arms and the difference between them; amounts are minor units per person."""

    campaign: Campaign
    treated: Arm
    holdout: Arm
    conversion: Lift
    revenue: Lift | None

    @property
    def extra_buyers(self) -> float:
        """Return how many bought who would not have without the campaign."""
        return self.conversion.difference * self.treated.people

    @property
    def extra_amount(self) -> float | None:
        """Return what the campaign brought that would not have come otherwise, in minor units."""
        return self.revenue.difference * self.treated.people if self.revenue else None


def lift_of_campaign(campaign: Campaign) -> CampaignLift:
    """Return what a campaign changed within 30 days. Raises NoRandomHoldout."""
    found = lifts_of_campaigns([campaign])
    if not found:
        raise NoRandomHoldout
    return found[0]


def lifts_of_campaigns(
    campaigns: Iterable[Campaign], *, between: tuple[datetime, datetime] | None = None
) -> list[CampaignLift]:
    """Return the lift of each campaign that held people out by lot; the others have none.

    `between` narrows it to those whose audience was taken from one instant until before another.
    """
    known = {campaign.pk: campaign for campaign in campaigns}
    values = {"campaigns": list(known), "currency": settings.PROGRAMME_CURRENCY, "window": BUYING_WINDOW}
    if between:
        values |= {"start": between[0], "end": between[1]}
    arms: dict[tuple[int, bool], Arm] = {}
    within = "AND message.created_at >= %(start)s AND message.created_at < %(end)s" if between else ""
    with connection.cursor() as cursor:
        cursor.execute(OUTCOMES.format(between=within), values)
        for pk, held_out, *numbers in cursor.fetchall():
            arms[pk, held_out] = Arm(*numbers)
    found = []
    for pk, campaign in known.items():
        treated, holdout = arms.get((pk, False)), arms.get((pk, True))
        if treated and holdout:
            found.append(
                CampaignLift(
                    campaign,
                    treated,
                    holdout,
                    conversion_lift(treated, holdout),
                    revenue_lift(treated, holdout),
                )
            )
    return found


def overall_conversion(lifts: Iterable[CampaignLift]) -> Lift | None:
    """Return the lift of all campaigns together, each weighed with its treated people."""
    return pooled_lift([(one.conversion, one.treated.people) for one in lifts])


def overall_revenue(lifts: Iterable[CampaignLift]) -> Lift | None:
    return pooled_lift([(one.revenue, one.treated.people) for one in lifts if one.revenue])
