"""What the programme owes, gives and hears: points, incentives, referrals, complaints."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from analytics.engine.postgres import first_instant
from analytics.services.kpis.ratios import rate
from analytics.services.kpis.statements import by_window
from analytics.windows import Scope, Window
from coupons.liabilities import CHANGES
from customers.models import Segment


@dataclass(frozen=True)
class PointsFacts:
    """Points of a span: given, spent and expired in it, and `owed` at its end."""

    given: int = 0
    spent: int = 0
    expired: int = 0
    owed: int = 0

    @property
    def liability(self) -> int:
        """Return what is owed in minor units, with what one point pays."""
        return self.owed * settings.POINT_VALUE_AMOUNT

    @property
    def breakage_rate(self) -> float | None:
        """Return which share of the points that ended in the span expired unspent."""
        return rate(self.expired, self.spent + self.expired)


MOVED = f"""
SELECT width_bucket(change.at, %(ends)s), sum(change.delta) FILTER (WHERE change.what = 'CREDIT'),
       sum(change.delta) FILTER (WHERE change.what IN ('DEBIT', 'REVERSAL')),
       sum(change.delta) FILTER (WHERE change.what = 'EXPIRY'), sum(change.delta)
FROM ({CHANGES}) AS change JOIN coupons_account AS account ON account.id = change.account_id
WHERE account.kind = 'POINTS' AND change.at < %(until)s {{member}}
GROUP BY 1
"""


def points_facts(
    windows: Sequence[Window],
    before: Window | None = None,
    *,
    scope: Scope | None = None,
    segment: Segment | None = None,
) -> list[PointsFacts]:
    """Return the points of each span, from the ledger alone; what is to come is not counted yet."""
    if scope:
        return [PointsFacts() for _ in windows]
    now = timezone.now()
    # The first place is everything before the first span: what was owed when it began.
    ends = [first_instant(window.start) for window in windows]
    until = min(max(now, ends[0]), first_instant(windows[-1].end))
    rows = by_window(
        MOVED, windows, segment=segment, customer="account.customer_id", first=0, ends=ends, until=until
    )
    owed, facts = 0, []
    for place, row in enumerate(rows):
        given, spent, expired, delta = (int(number or 0) for number in row or (0, 0, 0, 0))
        owed += delta
        if place:
            facts.append(PointsFacts(given, -spent, -expired, owed))
    return facts


@dataclass(frozen=True)
class CostFacts:
    """What incentives cost in a span, in minor units: discounts, and the points that paid for orders.

    Points given back to the merchant otherwise, for a coupon say, cost nothing by themselves: what the
    coupon takes off does, when it is redeemed. Of the discounts, `goods_amount` came off goods and not off
    shipping: revenue is already less by it.
    """

    discount_amount: int = 0
    points_amount: int = 0
    goods_amount: int = 0

    @property
    def incentive_cost(self) -> int:
        return self.discount_amount + self.points_amount


DISCOUNTS = """
SELECT width_bucket(redeemed_at, %(bounds)s),
       coalesce(sum(discount_amount + shipping_discount_amount), 0)::bigint,
       coalesce(sum(discount_amount), 0)::bigint
FROM coupons_redemption
WHERE status = 'REDEEMED' AND redeemed_at >= %(start_at)s AND redeemed_at < %(end_at)s {member}
GROUP BY 1
"""

# What paid, less what went back to it. Points taken back after a return or by hand paid for nothing.
PAID_WITH_POINTS = """
SELECT width_bucket(entry.occurred_at, %(bounds)s), -sum(entry.delta)::bigint
FROM coupons_ledgerentry AS entry
JOIN coupons_account AS account ON account.id = entry.account_id AND account.kind = 'POINTS'
LEFT JOIN coupons_ledgerentry AS debit ON debit.id = entry.reverses_id
WHERE entry.kind IN ('DEBIT', 'REVERSAL')
  AND coalesce(debit.source_key, entry.source_key) LIKE 'redemption:%%'
  AND entry.occurred_at >= %(start_at)s AND entry.occurred_at < %(end_at)s {member}
GROUP BY 1
"""


def cost_facts(
    windows: Sequence[Window],
    before: Window | None = None,
    *,
    scope: Scope | None = None,
    segment: Segment | None = None,
) -> list[CostFacts]:
    """Return what incentives cost in each span."""
    if scope:
        return [CostFacts() for _ in windows]
    discounts = by_window(DISCOUNTS, windows, segment=segment, customer="customer_id")
    points = by_window(PAID_WITH_POINTS, windows, segment=segment, customer="account.customer_id")
    return [
        CostFacts(given, paid * settings.POINT_VALUE_AMOUNT, off_goods)
        for (given, off_goods), (paid,) in zip(
            (row or (0, 0) for row in discounts), (row or (0,) for row in points), strict=True
        )
    ]


@dataclass(frozen=True)
class ReferralFacts:
    """Invitations sent in a span by so many referrers, and friends who came to buy in it."""

    invitations: int = 0
    referrers: int = 0
    converted: int = 0

    @property
    def k(self) -> float | None:
        """Return new customers per referrer: invitations per referrer times the share that converted."""
        return rate(self.converted, self.referrers)


REFERRALS = """
SELECT width_bucket(at, %(bounds)s), count(*) FILTER (WHERE what = 'invited'), count(DISTINCT referrer),
       count(*) FILTER (WHERE what = 'bought')
FROM (SELECT invitation.invited_at AS at, code.customer_id AS referrer, 'invited' AS what
      FROM referrals_invitation invitation JOIN referrals_referralcode code ON code.id = invitation.code_id
      UNION ALL
      SELECT qualified_at, referrer_id, 'bought' FROM referrals_referral
      WHERE status IN ('QUALIFIED', 'REWARDED')) AS happened
WHERE at >= %(start_at)s AND at < %(end_at)s {member}
GROUP BY 1
"""


def referral_facts(
    windows: Sequence[Window],
    before: Window | None = None,
    *,
    scope: Scope | None = None,
    segment: Segment | None = None,
) -> list[ReferralFacts]:
    """Return the referrals of each span."""
    if scope:
        return [ReferralFacts() for _ in windows]
    rows = by_window(REFERRALS, windows, segment=segment, customer="referrer")
    return [ReferralFacts(*row) if row else ReferralFacts() for row in rows]


@dataclass(frozen=True)
class ComplaintFacts:
    """Complaints of a span, and the median hours until the apology, of those that had one within 30 days."""

    complaints: int = 0
    hours: float | None = None


COMPLAINTS = """
SELECT width_bucket(complaint.occurred_at, %(bounds)s), count(*),
       percentile_cont(0.5) WITHIN GROUP (
           ORDER BY extract(epoch FROM answer.at - complaint.occurred_at)::float / 3600)
FROM customers_event complaint
LEFT JOIN LATERAL (
    SELECT min(issued_at) AS at FROM coupons_apology
    WHERE customer_id = complaint.customer_id AND status = 'ISSUED' AND issued_at >= complaint.occurred_at
      AND issued_at < complaint.occurred_at + interval '30 days'
) AS answer ON true
WHERE complaint.type = 'complaint.made'
  AND complaint.occurred_at >= %(start_at)s AND complaint.occurred_at < %(end_at)s {member}
GROUP BY 1
"""


def complaint_facts(
    windows: Sequence[Window],
    before: Window | None = None,
    *,
    scope: Scope | None = None,
    segment: Segment | None = None,
) -> list[ComplaintFacts]:
    """Return the complaints of each span with the time until their answer."""
    if scope:
        return [ComplaintFacts() for _ in windows]
    rows = by_window(COMPLAINTS, windows, segment=segment, customer="complaint.customer_id")
    return [ComplaintFacts(*row) if row else ComplaintFacts() for row in rows]
