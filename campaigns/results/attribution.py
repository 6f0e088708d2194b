"""Orders that followed a click: a habit of reckoning, beside what a holdout shows and never instead of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection

from campaigns.models import Campaign

CLICK_WINDOW = timedelta(days=7)
# Each order belongs to the last message that its customer clicked in before it, of whichever campaign.
LAST_CLICKS = """
SELECT last.campaign_id, count(*), count(DISTINCT orders.customer_id),
       coalesce(sum(orders.net_amount), 0)::bigint
FROM customers_order AS orders
JOIN LATERAL (
    SELECT message.campaign_id
    FROM campaigns_message AS message
    JOIN campaigns_engagement AS click ON click.message_id = message.id
    WHERE message.customer_id = orders.customer_id AND message.clicked_at IS NOT NULL
      AND click.kind = 'CLICKED' AND click.settled AND click.scanner = ''
      AND click.at <= orders.ordered_at AND click.at > orders.ordered_at - %(window)s
    ORDER BY click.at DESC, click.id DESC
    LIMIT 1
) AS last ON last.campaign_id = ANY(%(campaigns)s)
WHERE orders.status = 'PAID' AND orders.currency = %(currency)s
  AND orders.customer_id IN (
      SELECT customer_id FROM campaigns_message
      WHERE campaign_id = ANY(%(campaigns)s) AND clicked_at IS NOT NULL)
GROUP BY 1
"""


@dataclass(frozen=True)
class Attributed:
    """Orders within 7 days of a click in a message of the campaign, with none of another in between."""

    orders: int = 0
    customers: int = 0
    amount: int = 0


def attributed_orders(campaigns: Iterable[Campaign]) -> dict[int, Attributed]:
    """Return what each campaign's last clicks were followed by, by its id, in one statement."""
    ids = [campaign.pk for campaign in campaigns]
    values = {"campaigns": ids, "currency": settings.PROGRAMME_CURRENCY, "window": CLICK_WINDOW}
    with connection.cursor() as cursor:
        cursor.execute(LAST_CLICKS, values)
        found = {campaign: Attributed(*numbers) for campaign, *numbers in cursor.fetchall()}
    return {pk: found.get(pk, Attributed()) for pk in ids}
