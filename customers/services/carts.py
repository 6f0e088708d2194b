"""Carts that were left behind: told once each, some hours after their last change without an order."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from customers.models import Event
from customers.services.events import new_event, record_events
from customers.services.locks import lock_live_customers

LOOKED_BACK = timedelta(days=7)
AT_ONCE = 5_000
# The last state of each cart; a cart without an id is the one cart of its customer in that source.
LEFT_BEHIND = """
WITH cart AS (
    SELECT DISTINCT ON (customer_id, source_id, payload ->> 'cart')
           id, customer_id, source_id, source_profile_id, occurred_at, sales_channel_id, store_id,
           business_unit_id, amount, currency, payload, payload ->> 'cart' AS code
    FROM customers_event
    WHERE type = 'cart.updated' AND customer_id IS NOT NULL
      AND occurred_at > %(since)s AND occurred_at <= %(at)s
    ORDER BY customer_id, source_id, payload ->> 'cart', occurred_at DESC, id DESC
)
SELECT id, customer_id, source_id, source_profile_id, occurred_at, sales_channel_id, store_id,
       business_unit_id, amount, currency, payload::text, code
FROM cart
WHERE occurred_at <= %(until)s
  AND payload -> 'items' IS DISTINCT FROM '[]'::jsonb
  AND NOT EXISTS (
      SELECT FROM customers_order bought
      WHERE bought.customer_id = cart.customer_id AND bought.ordered_at >= cart.occurred_at
        AND bought.status <> 'CANCELLED')
  AND NOT EXISTS (
      SELECT FROM customers_event told
      WHERE told.customer_id = cart.customer_id AND told.type = 'cart.abandoned'
        AND told.occurred_at > %(since)s
        AND told.payload ->> 'cart' IS NOT DISTINCT FROM cart.code
        AND (cart.code IS NOT NULL OR told.occurred_at >= cart.occurred_at))
ORDER BY id
LIMIT %(limit)s
"""


def tell_abandoned_carts(*, after: timedelta, at: datetime, limit: int = AT_ONCE) -> int:
    """Record `cart.abandoned` for carts that nobody touched for `after` and that led to no order.

    A cart is what its last `cart.updated` says; an emptied one is not abandoned. A cart with an id is
    abandoned once, whoever tells it first, we or its source; one without an id once after each last change.
    The event has the cart's content, happened when the time was over, and goes to its subscribers. Looks back
    a week. Returns how many were told; runs at once tell each cart once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            LEFT_BEHIND, {"since": at - LOOKED_BACK, "until": at - after, "at": at, "limit": limit}
        )
        names = [column.name for column in cursor.description]
        carts = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    if not carts:
        return 0
    with transaction.atomic():
        live = lock_live_customers({cart["customer_id"] for cart in carts}, shared=True)
        for cart in carts:
            cart["customer_id"] = live[cart["customer_id"]].pk
        return len(record_events([_abandoned(cart, after) for cart in carts]))


def _abandoned(cart: dict[str, Any], after: timedelta) -> Event:
    key = f"{cart['source_id']}:{cart['code']}" if cart["code"] else f"event:{cart['id']}"
    return new_event(
        "cart.abandoned",
        external_id=f"cart:{key}:abandoned"[:200],
        occurred_at=cart["occurred_at"] + after,
        customer_id=cart["customer_id"],
        source_profile_id=cart["source_profile_id"],
        sales_channel_id=cart["sales_channel_id"],
        store_id=cart["store_id"],
        business_unit_id=cart["business_unit_id"],
        amount=cart["amount"],
        currency=cart["currency"],
        payload=json.loads(cart["payload"]),
    )
