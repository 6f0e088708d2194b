"""What referred friends bring against what it cost to win them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from analytics.services.kpis.programme import referral_facts
from analytics.services.kpis.statements import by_window
from analytics.windows import Scope, Window
from customers.models import Segment


@dataclass(frozen=True)
class ReferralReturn:
    """Friends who came to buy in a span: what they have spent until today, and what winning them cost.

    Amounts are minor units. The cost is what both sides' coupons took off, their points with what they pay,
    money, other rewards, and each friend's part of the fixed cost of the programme. `k` is the span's.
    """

    friends: int = 0
    spent_amount: int = 0
    reward_amount: float = 0
    k: float | None = None

    @property
    def roi(self) -> float | None:
        """Return ((LTV * (1 + k)) - reward) / reward; None without friends, and when it cost nothing."""
        if not self.friends or self.k is None or not self.reward_amount:
            return None
        return round((self.spent_amount * (1 + self.k) - self.reward_amount) / self.reward_amount, 6)


FRIENDS = """
WITH friend AS (
    SELECT id, programme_id, referrer_id, referee_id, qualified_at FROM referrals_referral
    WHERE status IN ('QUALIFIED', 'REWARDED') AND qualified_at >= %(start_at)s AND qualified_at < %(end_at)s
    {member}
), reward AS (
    SELECT given.referral_id, sum(COALESCE(
        CASE WHEN given.taken_back_at IS NULL THEN entry.delta ELSE given.missing_points END * %(point)s,
        (SELECT sum(cash.amount) FROM referrals_cashentry AS cash WHERE cash.reward_id = given.id),
        CASE WHEN granted.status <> 'TAKEN_BACK' THEN granted.amount END,
        (SELECT sum(redeemed.discount_amount + redeemed.shipping_discount_amount)
         FROM coupons_coupon AS coupon JOIN coupons_redemption AS redeemed ON redeemed.coupon_id = coupon.id
         WHERE coupon.id = COALESCE(publication.coupon_id, handed.coupon_id)
            AND NOT coupon.public AND redeemed.status = 'REDEEMED'), 0
    )) AS amount
    FROM friend JOIN referrals_referralreward AS given ON given.referral_id = friend.id
    LEFT JOIN coupons_publication AS publication ON publication.id = given.publication_id
    LEFT JOIN loyalty_rewardgrant AS granted ON granted.id = given.grant_id
    LEFT JOIN coupons_publication AS handed ON handed.id = granted.publication_id
    LEFT JOIN coupons_ledgerentry AS entry
        ON entry.id = COALESCE(
            given.entry_id, CASE WHEN granted.status <> 'TAKEN_BACK' THEN granted.entry_id END)
    GROUP BY 1
), fixed AS (
    SELECT programme.id, programme.fixed_cost_amount::float8 / count(*) AS amount
    FROM referrals_referralprogramme AS programme
    JOIN referrals_referral AS converted
        ON converted.programme_id = programme.id AND converted.status IN ('QUALIFIED', 'REWARDED')
    GROUP BY programme.id
)
SELECT width_bucket(friend.qualified_at, %(bounds)s), count(*), COALESCE(sum(total.net_amount), 0)::bigint,
       (COALESCE(sum(reward.amount), 0) + sum(fixed.amount))::float8
FROM friend
JOIN fixed ON fixed.id = friend.programme_id
LEFT JOIN reward ON reward.referral_id = friend.id
LEFT JOIN customers_rollup AS total
    ON total.customer_id = friend.referee_id AND total.scope = 'ALL' AND total.scope_value = ''
GROUP BY 1
"""


def referral_return_facts(
    windows: Sequence[Window],
    before: Window | None = None,
    *,
    scope: Scope | None = None,
    segment: Segment | None = None,
) -> list[ReferralReturn]:
    """Return what the friends of each span bring; of a segment, those whom its members referred."""
    if scope:
        return [ReferralReturn() for _ in windows]
    point = settings.POINT_VALUE_AMOUNT
    rows = by_window(FRIENDS, windows, segment=segment, customer="referrer_id", point=point)
    referred = referral_facts(windows, segment=segment)
    return [
        ReferralReturn(*row, k=facts.k) if row else ReferralReturn()
        for row, facts in zip(rows, referred, strict=True)
    ]
