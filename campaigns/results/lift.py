"""What campaigns changed, each against the people it held out by lot."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection

from campaigns.errors import NoRandomHoldout
from campaigns.models import Campaign
from campaigns.results.funnel import BUYING_WINDOW
from operations.differences import Arm, Lift, conversion_lift, pooled_lift, revenue_lift

# A person counts once in a campaign and span, from when its audience was first taken with them in it. Whoever
# was left out before the draw is on neither side; whoever was left out after it stays on theirs. Who is kept
# out of all campaigns heard nothing from the others either, and is compared with all of them (`overall`).
OUTCOMES = """
WITH people AS (
    SELECT width_bucket(message.created_at, %(bounds)s) AS place, message.campaign_id, message.customer_id,
           bool_or(message.state = 'HOLDOUT') AS held_out, min(message.created_at) AS since
    FROM campaigns_message message JOIN campaigns_campaignversion version ON version.id = message.version_id
    WHERE message.campaign_id = ANY(%(campaigns)s) AND version.holdout_percent > 0
      AND (message.drawn OR message.state <> 'SUPPRESSED') AND message.reason <> 'GLOBAL_HOLDOUT'
      AND message.created_at >= %(start)s AND message.created_at < %(end)s
    GROUP BY 1, 2, 3
)
SELECT place, campaign_id, held_out, count(*), count(*) FILTER (WHERE orders > 0),
       avg(amount)::float, coalesce(var_samp(amount), 0)::float
FROM people CROSS JOIN LATERAL (
    SELECT count(*) AS orders, coalesce(sum(net_amount), 0) AS amount FROM customers_order
    WHERE customer_id = people.customer_id AND status = 'PAID' AND currency = %(currency)s
      AND ordered_at >= people.since AND ordered_at < people.since + %(window)s
) AS bought
GROUP BY 1, 2, 3
"""
Span = tuple[datetime, datetime]
EVER: Span = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


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
    (found,) = lifts_of_campaigns([campaign])
    if not found:
        raise NoRandomHoldout
    return found[0]


def lifts_of_campaigns(
    campaigns: Iterable[Campaign], spans: Sequence[Span] = (EVER,)
) -> list[list[CampaignLift]]:
    """Return for each span the lift of the campaigns whose audience was taken in it.

    Those that held nobody out by lot have none. Spans are half-open and follow each other.
    """
    known = {campaign.pk: campaign for campaign in campaigns}
    values = {
        "campaigns": list(known),
        "currency": settings.PROGRAMME_CURRENCY,
        "window": BUYING_WINDOW,
        "bounds": [start for start, _end in spans],
        "start": spans[0][0],
        "end": spans[-1][1],
    }
    arms: dict[tuple[int, int, bool], Arm] = {}
    with connection.cursor() as cursor:
        cursor.execute(OUTCOMES, values)
        for place, pk, held_out, *numbers in cursor.fetchall():
            arms[place, pk, held_out] = Arm(*numbers)
    return [
        [
            CampaignLift(
                campaign, treated, holdout, conversion_lift(treated, holdout), revenue_lift(treated, holdout)
            )
            for pk, campaign in known.items()
            if (treated := arms.get((place, pk, False))) and (holdout := arms.get((place, pk, True)))
        ]
        for place in range(1, len(spans) + 1)
    ]


def overall_conversion(lifts: Iterable[CampaignLift]) -> Lift | None:
    """Return the lift of all campaigns together, each weighed with its treated people."""
    return pooled_lift([(one.conversion, one.treated.people) for one in lifts])


def overall_revenue(lifts: Iterable[CampaignLift]) -> Lift | None:
    return pooled_lift([(one.revenue, one.treated.people) for one in lifts if one.revenue])
