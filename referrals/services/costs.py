"""What referrals have cost and brought, month by month."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import connection
from django.db.models import Sum

from customers.models import MonthlyRollup, RollupScope
from referrals.models import Referral, ReferralProgramme

# Points and money given, and what was taken back of them, each when it happened; coupons when they were used.
# A product and a partner's code cost nothing here: nobody tells what they cost.
COSTS = """
WITH reward AS (
    SELECT given.* FROM referrals_referralreward AS given
    JOIN referrals_referral AS referral ON referral.id = given.referral_id
    WHERE referral.programme_id = %(programme)s
), granted AS (
    SELECT given.* FROM loyalty_rewardgrant AS given
    WHERE given.id IN (
        SELECT grant_id FROM reward UNION ALL
        SELECT reached.grant_id FROM referrals_stepreward AS reached
        JOIN referrals_rewardstep AS step ON step.id = reached.step_id
        WHERE step.programme_id = %(programme)s
    )
), cost AS (
    SELECT reward.rewarded_at AS at, entry.delta * %(point)s AS amount
    FROM reward JOIN coupons_ledgerentry AS entry ON entry.id = reward.entry_id
    UNION ALL
    SELECT reward.taken_back_at, (reward.missing_points - entry.delta) * %(point)s
    FROM reward JOIN coupons_ledgerentry AS entry ON entry.id = reward.entry_id
    WHERE reward.taken_back_at IS NOT NULL
    UNION ALL
    SELECT given.granted_at, COALESCE(given.amount, entry.delta * %(point)s, 0)
    FROM granted AS given LEFT JOIN coupons_ledgerentry AS entry ON entry.id = given.entry_id
    WHERE given.status <> 'TAKEN_BACK' AND given.publication_id IS NULL
    UNION ALL
    SELECT cash.booked_at, cash.amount
    FROM reward JOIN referrals_cashentry AS cash ON cash.reward_id = reward.id
    UNION ALL
    SELECT redeemed.redeemed_at, redeemed.discount_amount + redeemed.shipping_discount_amount
    FROM (SELECT publication_id FROM reward UNION SELECT publication_id FROM granted) AS published
    JOIN coupons_publication AS publication ON publication.id = published.publication_id
    JOIN coupons_coupon AS coupon ON coupon.id = publication.coupon_id AND NOT coupon.public
    JOIN coupons_redemption AS redeemed ON redeemed.coupon_id = coupon.id AND redeemed.status = 'REDEEMED'
)
SELECT date_trunc('month', at AT TIME ZONE %(zone)s)::date AS month, sum(amount)::bigint
FROM cost GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class Month:
    """What rewards cost in a month and what converted friends spent in it, in minor units."""

    month: date
    cost_amount: int
    spent_amount: int


def reward_costs(programme: ReferralProgramme) -> dict[date, int]:
    """Return what the rewards of both sides cost in each month (its first day), without the fixed cost."""
    values = {
        "programme": programme.pk,
        "point": settings.POINT_VALUE_AMOUNT,
        "zone": settings.PROGRAMME_TIME_ZONE,
    }
    with connection.cursor() as cursor:
        cursor.execute(COSTS, values)
        return dict(cursor.fetchall())


def months_of(programme: ReferralProgramme) -> list[Month]:
    """Return the months from the first in which something happened to the last, without a gap."""
    costs = reward_costs(programme)
    friends = Referral.objects.filter(programme=programme).converted().values("referee")
    spent = dict(
        MonthlyRollup.objects.filter(scope=RollupScope.ALL, scope_value="", customer__in=friends)
        .values_list("month")
        .annotate(spent=Sum("net_amount"))
        .order_by("month")
    )
    told = sorted({*costs, *spent})
    if not told:
        return []
    return [Month(month, costs.get(month, 0), spent.get(month, 0)) for month in _months(told[0], told[-1])]


def _months(first: date, last: date) -> list[date]:
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    start = first.year * 12 + first.month - 1
    return [date((start + step) // 12, (start + step) % 12 + 1, 1) for step in range(count)]
