"""What became of coupons, under two names: of those handed out in a span, and in the span itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.services.kpis.ratios import rate
from analytics.services.kpis.statements import by_window
from analytics.windows import Scope, Window
from customers.models import Segment


@dataclass(frozen=True)
class CouponFacts:
    """`published` coupons were handed out in the span, `redeemed_since` of them were used at least once.

    `redemptions` is how often any coupon was used in the span, `discount_amount` what that took off.
    """

    published: int = 0
    redeemed_since: int = 0
    redemptions: int = 0
    discount_amount: int = 0

    @property
    def redemption_rate(self) -> float | None:
        """Return which share of the coupons handed out in the span has been redeemed since."""
        return rate(self.redeemed_since, self.published)

    @property
    def redemptions_per_coupon(self) -> float | None:
        """Return redemptions in the span per coupon handed out in it, whenever those were handed out."""
        return rate(self.redemptions, self.published)


PUBLISHED = """
SELECT width_bucket(publication.published_at, %(bounds)s), count(*),
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM coupons_redemption redemption
           WHERE redemption.coupon_id = publication.coupon_id AND redemption.status = 'REDEEMED'
             AND (NOT coupon.public OR redemption.customer_id = publication.customer_id)))
FROM coupons_publication publication JOIN coupons_coupon coupon ON coupon.id = publication.coupon_id
WHERE publication.status = 'PUBLISHED'
  AND publication.published_at >= %(start_at)s AND publication.published_at < %(end_at)s {member}
GROUP BY 1
"""
REDEEMED = """
SELECT width_bucket(redeemed_at, %(bounds)s), count(*), coalesce(sum(discount_amount), 0)::bigint
FROM coupons_redemption
WHERE status = 'REDEEMED' AND redeemed_at >= %(start_at)s AND redeemed_at < %(end_at)s {member}
GROUP BY 1
"""


def coupon_facts(
    windows: Sequence[Window],
    before: Window | None = None,
    *,
    scope: Scope | None = None,
    segment: Segment | None = None,
) -> list[CouponFacts]:
    """Return the coupons of each span; they belong to no part of the business."""
    if scope:
        return [CouponFacts() for _ in windows]
    published = by_window(PUBLISHED, windows, segment=segment, customer="publication.customer_id")
    redeemed = by_window(REDEEMED, windows, segment=segment, customer="customer_id")
    return [
        CouponFacts(*(handed_out or (0, 0)), *(used or (0, 0)))
        for handed_out, used in zip(published, redeemed, strict=True)
    ]
