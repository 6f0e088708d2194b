"""Who a campaign would reach now, and why not the others: shown while it is being made."""

from dataclasses import dataclass

from django.db import connection

from customers.models import Channel, Purpose, Segment

REACH = """
SELECT count(*),
       count(*) FILTER (WHERE point.value IS NULL),
       count(*) FILTER (WHERE point.value IS NOT NULL AND NOT point.granted),
       count(*) FILTER (WHERE point.granted AND EXISTS (
           SELECT FROM customers_suppression AS suppression
           WHERE suppression.channel = %(channel)s
             AND suppression.address_hash = encode(sha256(convert_to(point.value, 'UTF8')), 'hex')))
FROM customers_customer AS customer
LEFT JOIN LATERAL (
    SELECT identity.value, (consent.state = 'GRANTED') IS TRUE AS granted
    FROM customers_identity AS identity
    LEFT JOIN customers_consent AS consent
        ON consent.customer_id = customer.id AND consent.address = identity.value
        AND consent.channel = %(channel)s AND consent.purpose = %(purpose)s
    WHERE identity.customer_id = customer.id AND identity.namespace = %(channel)s
    ORDER BY granted DESC, identity.id DESC
    LIMIT 1
) AS point ON true
WHERE customer.status IN ('ACTIVE', 'PROSPECT') AND customer.restricted_at IS NULL {among}
"""
MEMBERS = """
  AND customer.id IN (
      SELECT membership.customer_id FROM customers_segmentmembership AS membership
      WHERE membership.segment_id = %(segment)s AND membership.left_at IS NULL)
"""


@dataclass(frozen=True)
class Reach:
    """How many are in the segment, and how many of them cannot be written to, by reason."""

    size: int
    no_address: int
    no_consent: int
    suppressed: int

    @property
    def reachable(self) -> int:
        return self.size - self.no_address - self.no_consent - self.suppressed


def segment_reach(segment: Segment | None) -> Reach:
    """Return how many members of the segment, or of everybody, an e-mail campaign would reach now."""
    values = {
        "channel": Channel.EMAIL,
        "purpose": Purpose.MARKETING,
        "segment": segment.pk if segment else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(REACH.format(among=MEMBERS if segment else ""), values)
        return Reach(*cursor.fetchone())
