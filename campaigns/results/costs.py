"""What campaigns cost: their messages, and what their codes took off orders."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from campaigns.models import Campaign
from customers.models import Channel

SENT = """
SELECT campaign_id, channel, count(*) FROM campaigns_message
WHERE campaign_id = ANY(%(campaigns)s) AND state IN ('SENT', 'UNKNOWN') GROUP BY 1, 2
"""
DISCOUNTS = """
SELECT given.campaign_id, sum(redemption.discount_amount + redemption.shipping_discount_amount)::bigint
FROM (
    SELECT DISTINCT message.campaign_id, message.customer_id, publication.coupon_id
    FROM campaigns_message AS message
    JOIN coupons_publication AS publication ON publication.id = message.publication_id
    WHERE message.campaign_id = ANY(%(campaigns)s) AND publication.status = 'PUBLISHED'
) AS given
JOIN coupons_coupon AS coupon ON coupon.id = given.coupon_id
JOIN coupons_redemption AS redemption ON redemption.coupon_id = coupon.id
JOIN coupons_redemptionstack AS stack ON stack.id = redemption.stack_id
WHERE redemption.status = 'REDEEMED' AND stack.currency = %(currency)s
  AND (NOT coupon.public OR redemption.customer_id = given.customer_id)
GROUP BY 1
"""


@dataclass(frozen=True)
class Cost:
    """Minor units of the programme's currency. A message whose fate is unknown was paid for."""

    messages_amount: int = 0
    discount_amount: int = 0

    @property
    def amount(self) -> int:
        return self.messages_amount + self.discount_amount


def campaign_costs(campaigns: Iterable[Campaign]) -> dict[int, Cost]:
    """Return what each campaign cost so far, by its id, in two statements."""
    ids = [campaign.pk for campaign in campaigns]
    values = {"campaigns": ids, "currency": settings.PROGRAMME_CURRENCY}
    thousandths: dict[int, int] = defaultdict(int)
    with connection.cursor() as cursor:
        cursor.execute(SENT, values)
        for campaign, channel, count in cursor.fetchall():
            thousandths[campaign] += count * thousand_messages_amount(channel)
        cursor.execute(DISCOUNTS, values)
        discounts = dict(cursor.fetchall())
    return {pk: Cost(thousandths[pk] // 1000, discounts.get(pk) or 0) for pk in ids}


def thousand_messages_amount(channel: str) -> int:
    """Return what a thousand messages of a channel cost, in minor units."""
    return settings.THOUSAND_SMS_AMOUNT if channel == Channel.SMS else settings.THOUSAND_MESSAGES_AMOUNT


def margin_share() -> float | None:
    """Return the merchant's margin, from 0 to 1, where somebody above knows it (settings.MARGIN_SHARE)."""
    share = import_string(settings.MARGIN_SHARE)() if settings.MARGIN_SHARE else None
    return None if share is None else float(share)
