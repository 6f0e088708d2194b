"""What always holds about tiers and memberships."""

from django.utils.translation import gettext_lazy as _

from operations.invariants import Invariant

_SEGMENTS = """
WITH standing AS (
    SELECT tier.segment_id, period.customer_id
    FROM loyalty_tierperiod AS period JOIN loyalty_tier AS tier ON tier.id = period.tier_id
    JOIN customers_customer AS customer ON customer.id = period.customer_id
    WHERE period.ended_at IS NULL AND customer.status IN ('ACTIVE', 'PROSPECT')
), members AS (
    SELECT member.segment_id, member.customer_id FROM customers_segmentmembership AS member
    WHERE member.left_at IS NULL AND member.entered_because <> 'BY_HAND'
      AND member.segment_id IN (SELECT segment_id FROM loyalty_tier)
)
SELECT coalesce(standing.customer_id, members.customer_id) AS customer,
       standing.segment_id AS stands_in, members.segment_id AS segment
FROM standing FULL JOIN members USING (segment_id, customer_id)
WHERE (standing.customer_id IS NULL OR members.customer_id IS NULL)
  AND NOT EXISTS (
    SELECT FROM customers_segmentoverride AS decided
    WHERE decided.segment_id = coalesce(standing.segment_id, members.segment_id)
      AND decided.customer_id = coalesce(standing.customer_id, members.customer_id))
ORDER BY 1
"""
_PAID = """
SELECT membership.id AS membership, membership.renews_on, max(payment.covers_until) AS paid_until
FROM loyalty_membership AS membership
LEFT JOIN loyalty_membershippayment AS payment ON payment.membership_id = membership.id
GROUP BY membership.id
HAVING membership.renews_on IS DISTINCT FROM max(payment.covers_until)
    OR membership.started_on IS DISTINCT FROM min(payment.covers_from)
    OR sum(payment.covers_until - payment.covers_from) <> membership.renews_on - membership.started_on
ORDER BY membership.id
"""

BELONGING_INVARIANTS = [
    Invariant("loyalty.tiers", _("Whoever stands in a tier is in its segment, and nobody else."), _SEGMENTS),
    Invariant("loyalty.memberships", _("A membership runs as long as it is paid, without a gap."), _PAID),
]
