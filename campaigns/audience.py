"""Who a campaign would reach now, and why not the others: shown while it is being made."""

from dataclasses import dataclass

from django.db import connection

from campaigns.channels import SENDERS
from campaigns.models import Campaign
from campaigns.models.campaign import CHANNEL_ORDER
from campaigns.services.snapshots import NAMESPACES
from customers.models import Channel, Customer, Purpose, Segment, SegmentMembership

REACH = """
SELECT count(*),
       count(*) FILTER (WHERE point.value IS NULL),
       count(*) FILTER (WHERE point.value IS NOT NULL AND NOT point.granted),
       count(*) FILTER (WHERE point.granted AND EXISTS (
           SELECT FROM customers_suppression AS suppression
           WHERE suppression.channel = %(channel)s
             AND (suppression.reason <> 'UNSUBSCRIBED' OR %(purpose)s <> 'SERVICE')
             AND suppression.address_hash = encode(sha256(convert_to(point.value, 'UTF8')), 'hex')))
FROM customers_customer AS customer
LEFT JOIN LATERAL (
    {point}
) AS point ON true
WHERE customer.status IN ('ACTIVE', 'PROSPECT') AND customer.restricted_at IS NULL {among}
"""
POINT = """
SELECT identity.value, (consent.state = 'GRANTED') IS TRUE OR %(purpose)s = 'SERVICE' AS granted
FROM customers_identity AS identity
LEFT JOIN customers_consent AS consent
    ON consent.customer_id = customer.id AND consent.address = identity.value
    AND consent.channel = %(channel)s AND consent.purpose = %(purpose)s
WHERE identity.customer_id = customer.id AND identity.namespace = %(namespace)s
ORDER BY granted DESC, identity.id DESC
LIMIT 1
"""
# A webhook hands the person themselves over: there is no address to lack, and any consent will do.
PERSON = """
SELECT customer.public_id::text AS value, %(purpose)s = 'SERVICE' OR EXISTS (
    SELECT FROM customers_consent AS consent
    WHERE consent.customer_id = customer.id AND consent.purpose = %(purpose)s AND consent.state = 'GRANTED'
) AS granted
"""
MEMBERS = """
  AND customer.id IN (
      SELECT membership.customer_id FROM customers_segmentmembership AS membership
      WHERE membership.segment_id = %(segment)s AND membership.left_at IS NULL)
"""
# Who is in both; a campaign without a segment is for everybody.
COMMON = """
SELECT count(*) FROM customers_customer AS customer
WHERE customer.status IN ('ACTIVE', 'PROSPECT')
  AND (%(first)s::bigint IS NULL OR customer.id IN (
      SELECT membership.customer_id FROM customers_segmentmembership AS membership
      WHERE membership.segment_id = %(first)s AND membership.left_at IS NULL))
  AND (%(second)s::bigint IS NULL OR customer.id IN (
      SELECT membership.customer_id FROM customers_segmentmembership AS membership
      WHERE membership.segment_id = %(second)s AND membership.left_at IS NULL))
"""
MOST_COMPARED = 12


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


@dataclass(frozen=True)
class ChannelReach:
    """Whom one channel would reach."""

    channel: str
    reach: Reach

    @property
    def label(self) -> str:
        return str(Channel(self.channel).label)


@dataclass(frozen=True)
class Overlap:
    """How many people another campaign under way writes to as well."""

    campaign: Campaign
    people: int


def segment_reach(
    segment: Segment | None, *, channel: str = Channel.EMAIL, purpose: str = Purpose.MARKETING
) -> Reach:
    """Return how many members of the segment, or of everybody, a campaign would reach now."""
    values = {
        "channel": channel,
        "namespace": NAMESPACES.get(channel, ""),  # Nobody has an address for what we cannot send through.
        "purpose": purpose,
        "segment": segment.pk if segment else None,
    }
    with connection.cursor() as cursor:
        point = PERSON if channel == Channel.WEBHOOK else POINT
        cursor.execute(REACH.format(point=point, among=MEMBERS if segment else ""), values)
        return Reach(*cursor.fetchone())


def head_count(segment: Segment | None) -> int:
    """Return how many are in the segment, or everybody: at most so many can be reached."""
    if segment is None:
        return Customer.objects.filter(status__in=[Customer.Status.ACTIVE, Customer.Status.PROSPECT]).count()
    return SegmentMembership.objects.filter(segment=segment, left_at=None).count()


def channel_reaches(segment: Segment | None, *, purpose: str) -> list[ChannelReach]:
    """Return whom each channel would reach, in the order in which channels are tried."""
    channels = [channel for channel in CHANNEL_ORDER if channel in NAMESPACES and channel in SENDERS]
    return [
        ChannelReach(channel, segment_reach(segment, channel=channel, purpose=purpose))
        for channel in channels
    ]


def overlapping_campaigns(segment: Segment | None, *, apart_from: Campaign) -> list[Overlap]:
    """Return which campaigns under way write to the same people, the most important first."""
    others = Campaign.objects.under_way().exclude(pk=apart_from.pk).order_by("-priority", "-pk")
    found = []
    for campaign in others[:MOST_COMPARED]:
        other = campaign.version.segment_id
        values = {"first": segment.pk if segment else None, "second": other}
        with connection.cursor() as cursor:
            cursor.execute(COMMON, values)
            people = cursor.fetchone()[0]
        if people:
            found.append(Overlap(campaign, people))
    return found
