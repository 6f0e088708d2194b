"""How the variants of a version did, each among the people whom the lot gave it."""

from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from django.conf import settings
from django.db import connection

from campaigns.experiments import Comparison, Trial, compare
from campaigns.models import CampaignVersion, WinnerDecision
from campaigns.results.funnel import BUYING_WINDOW
from operations.differences import Z_95, Interval, share_interval

# A person counts once, from their first message. Whoever got the winner because it had won was in no draw.
OUTCOMES = """
WITH people AS (
    SELECT message.variant, message.customer_id, min(message.sent_at) AS since,
           count(message.clicked_at) > 0 AS clicked,
           bool_or(publication.status = 'PUBLISHED' AND EXISTS (
               SELECT FROM coupons_redemption AS redemption
               JOIN coupons_coupon AS coupon ON coupon.id = redemption.coupon_id
               WHERE redemption.coupon_id = publication.coupon_id AND redemption.status = 'REDEEMED'
                 AND (NOT coupon.public OR redemption.customer_id = message.customer_id)
           )) IS TRUE AS redeemed
    FROM campaigns_message AS message
    JOIN campaigns_campaignrun AS run ON run.id = message.run_id
    LEFT JOIN coupons_publication AS publication ON publication.id = message.publication_id
    WHERE run.version_id = %(version)s AND message.variant <> '' AND message.state = 'SENT'
      AND (%(decided_at)s::timestamptz IS NULL OR message.sent_at < %(decided_at)s)
    GROUP BY 1, 2
)
SELECT variant, count(*), count(*) FILTER (WHERE clicked), count(*) FILTER (WHERE redeemed),
       count(*) FILTER (WHERE orders > 0), avg(amount)::float, coalesce(var_samp(amount), 0)::float,
       min(since)
FROM people CROSS JOIN LATERAL (
    SELECT count(*) AS orders, coalesce(sum(net_amount), 0) AS amount FROM customers_order
    WHERE customer_id = people.customer_id AND status = 'PAID' AND currency = %(currency)s
      AND ordered_at >= people.since AND ordered_at < people.since + %(window)s
) AS bought
GROUP BY 1
"""


@dataclass(frozen=True)
class VariantFigures:
    """One variant: to how many it was sent and what they did; amounts are minor units per person."""

    code: str
    name: str
    sent: int = 0
    clicked: int = 0
    redeemed: int = 0
    bought: int = 0
    mean_amount: float = 0.0
    amount_variance: float = 0.0
    since: datetime | None = None

    def share(self, of_what: str) -> Interval | None:
        """Return the share who clicked, redeemed or bought, with its 95 % interval."""
        return share_interval(getattr(self, of_what.lower()), self.sent)

    @property
    def spent(self) -> Interval | None:
        """Return what each spent within 30 days, with its 95 % interval; None of nobody."""
        if not self.sent:
            return None
        half = Z_95 * sqrt(self.amount_variance / self.sent)
        return Interval(self.mean_amount, max(0.0, self.mean_amount - half), self.mean_amount + half)

    def trial(self, winner_by: str) -> Trial:
        return Trial(self.code, self.sent, getattr(self, winner_by.lower()))


def variant_figures(version: CampaignVersion) -> list[VariantFigures]:
    """Return every variant of a version with its figures, in the order of their codes."""
    decision = WinnerDecision.objects.filter(version=version).first()
    values = {
        "version": version.pk,
        "decided_at": decision.decided_at if decision else None,
        "currency": settings.PROGRAMME_CURRENCY,
        "window": BUYING_WINDOW,
    }
    with connection.cursor() as cursor:
        cursor.execute(OUTCOMES, values)
        found = {code: numbers for code, *numbers in cursor.fetchall()}
    return [VariantFigures(one.code, str(one), *found.get(one.code, ())) for one in version.variants.all()]


def compared_variants(figures: list[VariantFigures], *, by: str) -> list[Comparison]:
    """Return every two variants compared in the share who clicked, redeemed or bought."""
    return compare([one.trial(by) for one in figures])
