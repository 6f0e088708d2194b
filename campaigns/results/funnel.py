"""What became of a run: figures that follow from the rows, never counted along the way."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import timedelta

from django.conf import settings
from django.db import connection

from campaigns.models import Campaign, CampaignRun, MessageState

# Who buys within this time of their mail counts as a buyer of the campaign's funnel.
BUYING_WINDOW = timedelta(days=30)

COUNTS = """
SELECT run_id, state, count(*), count(clicked_at), count(opened_at)
FROM campaigns_message WHERE run_id = ANY(%(runs)s) GROUP BY run_id, state
"""
# One row per recipient who redeemed and per order on which they did, whatever number of messages told them.
REDEEMED = """
WITH spent AS (
    SELECT DISTINCT message.run_id, message.publication_id, redemption.stack_id
    FROM campaigns_message AS message
    JOIN coupons_publication AS publication ON publication.id = message.publication_id
    JOIN coupons_coupon AS coupon ON coupon.id = publication.coupon_id
    JOIN coupons_redemption AS redemption ON redemption.coupon_id = coupon.id
    WHERE message.run_id = ANY(%(runs)s) AND redemption.status = 'REDEEMED'
      AND publication.status = 'PUBLISHED'
      AND (NOT coupon.public OR redemption.customer_id = message.customer_id)
)
SELECT spent.run_id, count(DISTINCT spent.publication_id),
       COALESCE(sum(CASE WHEN orders.id IS NULL THEN stack.amount - stack.discount_amount
                         WHEN orders.status = 'PAID' THEN orders.net_amount ELSE 0 END), 0)
FROM spent
JOIN coupons_redemptionstack AS stack ON stack.id = spent.stack_id
LEFT JOIN customers_order AS orders ON orders.id = stack.order_id
WHERE stack.currency = %(currency)s
GROUP BY spent.run_id
"""
BOUGHT = """
SELECT message.run_id, count(*)
FROM campaigns_message AS message
WHERE message.run_id = ANY(%(runs)s) AND message.state = 'SENT'
  AND EXISTS (
      SELECT FROM customers_order AS orders
      WHERE orders.customer_id = message.customer_id AND orders.status = 'PAID'
        AND orders.ordered_at >= message.sent_at AND orders.ordered_at < message.sent_at + %(window)s
  )
GROUP BY message.run_id
"""


@dataclass(frozen=True)
class Figures:
    """A run's counts of recipients; `revenue_amount` is minor units of the programme's currency.

    targeted = suppressed + holdout + sent + failed + unknown + pending + cancelled + expired + dead.
    `revenue_amount` is what the orders came to on which a coupon of the run was spent. Clicks are those of
    people, as far as can be told from scanners; opening decides nothing, many mailboxes do it by themselves.
    """

    targeted: int = 0
    suppressed: int = 0
    holdout: int = 0
    pending: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    cancelled: int = 0
    expired: int = 0
    dead: int = 0
    bounced: int = 0
    opened: int = 0
    clicked: int = 0
    redeemed: int = 0
    bought: int = 0
    revenue_amount: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @property
    def delivered(self) -> int:
        """Return how many were accepted and have not come back since."""
        return self.sent - self.bounced

    @property
    def done_percent(self) -> int:
        return (self.targeted - self.pending) * 100 // self.targeted if self.targeted else 0


COUNTED_AS = {
    MessageState.PENDING: "pending",
    MessageState.CLAIMED: "pending",
    MessageState.SENDING: "pending",
    MessageState.SENT: "sent",
    MessageState.SUPPRESSED: "suppressed",
    MessageState.CANCELLED: "cancelled",
    MessageState.EXPIRED: "expired",
    MessageState.FAILED: "failed",
    MessageState.DEAD: "dead",
    MessageState.HOLDOUT: "holdout",
    MessageState.UNKNOWN: "unknown",
}


def run_figures(runs: Iterable[CampaignRun]) -> dict[int, Figures]:
    """Return the figures of each run, by its id, in three statements however many runs there are."""
    stopped = {run.pk: run.campaign.status == Campaign.Status.STOPPED for run in runs}
    if not stopped:
        return {}
    values = {
        "runs": list(stopped),
        "currency": settings.PROGRAMME_CURRENCY,
        "window": BUYING_WINDOW,
    }
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    with connection.cursor() as cursor:
        cursor.execute(COUNTS, values)
        for run, state, count, clicked, opened in cursor.fetchall():
            name = COUNTED_AS[state]
            # After a stop nothing that waits will leave, even before its row says so.
            if stopped[run] and state in (MessageState.PENDING, MessageState.CLAIMED):
                name = "cancelled"
            counts[run][name] += count
            counts[run]["targeted"] += count
            counts[run]["clicked"] += clicked
            counts[run]["opened"] += opened
        cursor.execute(REDEEMED, values)
        for run, redeemed, revenue in cursor.fetchall():
            counts[run] |= {"redeemed": redeemed, "revenue_amount": int(revenue)}
        cursor.execute(BOUGHT, values)
        for run, bought in cursor.fetchall():
            counts[run]["bought"] = bought
    return {run: Figures(**counts[run]) for run in stopped}


def campaign_figures(campaigns: Iterable[Campaign]) -> dict[int, Figures]:
    """Return the figures of each campaign, over all its runs, by its id."""
    ids = [campaign.pk for campaign in campaigns]
    runs = list(CampaignRun.objects.filter(campaign__in=ids).select_related("campaign"))
    by_run = run_figures(runs)
    totals = dict.fromkeys(ids, Figures())
    for run in runs:
        totals[run.campaign_id] += by_run[run.pk]
    return totals
