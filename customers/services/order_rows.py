"""Orders on their way into the tables: a bulk of them with one statement per table, no object per row."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from customers.models import Order, OrderLine
from customers.services.bulk import copy_text
from customers.services.changes import note_changes
from customers.services.events import own_source, ring, subscribers

TYPE = "order.recorded"
_ORDERS = """
INSERT INTO customers_order (source_id, external_id, source_profile_id, customer_id, ordered_at, status,
    currency, sales_channel_id, store_id, business_unit_id, total_amount, shipping_amount, refunded_amount,
    content_hash, created_at)
SELECT source_id, external_id, source_profile_id, customer_id, ordered_at, status, currency,
    sales_channel_id, store_id, business_unit_id, total_amount, shipping_amount, 0,
    content_hash, %s
FROM json_to_recordset(%s::json) AS given (source_id bigint, external_id text, source_profile_id bigint,
    customer_id bigint, ordered_at timestamptz, status text, currency text, sales_channel_id bigint,
    store_id bigint, business_unit_id bigint, total_amount bigint, shipping_amount bigint, content_hash bytea)
ON CONFLICT (source_id, external_id) DO NOTHING
RETURNING id, source_id, external_id
"""
# The payload is hashed as `content_hash` would.
_EVENTS = """
WITH told AS MATERIALIZED (
    SELECT 'order:' || id || ':paid' AS external_id, '{"order":' || id || '}' AS payload, ordered_at,
        source_profile_id, customer_id, sales_channel_id, store_id, business_unit_id, total_amount, currency
    FROM customers_order WHERE id = ANY(%(orders)s)
    ORDER BY 1
), fresh AS (
    INSERT INTO customers_eventkey (source_id, external_id, occurred_at)
    SELECT %(own)s, external_id, ordered_at FROM told
    ON CONFLICT (source_id, external_id) DO NOTHING
    RETURNING id, external_id
), written AS (
    INSERT INTO customers_event (id, type, occurred_at, received_at, source_id, external_id,
        source_profile_id, customer_id, sales_channel_id, store_id, business_unit_id, amount, currency,
        payload, content_hash)
    SELECT id, %(type)s, ordered_at, %(now)s, %(own)s, external_id, source_profile_id, customer_id,
        sales_channel_id, store_id, business_unit_id, total_amount, currency, payload::jsonb,
        sha256(convert_to(payload, 'UTF8'))
    FROM fresh JOIN told USING (external_id)
)
INSERT INTO customers_pendingevent (event_id, not_before, attempts, last_error)
SELECT id, statement_timestamp(), 0, '' FROM fresh WHERE %(announce)s
"""
_LINES = [
    "order_id", "line_id", "product_id", "quantity", "unit_price_amount", "amount", "discount_amount",
    "tax_rate",
]  # fmt: skip
# In COPY's text these would end a field or a row, or begin an escape.
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Line(NamedTuple):
    """One article of an order with its amounts; `unit_price_amount` where the sender named one."""

    line_id: str
    sku: str
    quantity: Decimal
    unit_price_amount: int | None
    amount: int
    discount_amount: int
    tax_rate: Decimal | None


class NewOrder(NamedTuple):
    """An order as it is to be written; references are ids."""

    source_id: int
    external_id: str
    source_profile_id: int | None
    customer_id: int | None
    ordered_at: datetime
    status: str
    currency: str
    sales_channel_id: int | None
    store_id: int | None
    business_unit_id: int | None
    total_amount: int
    shipping_amount: int
    content_hash: bytes


def insert_orders(orders: Sequence[NewOrder]) -> dict[tuple[int, str], Order]:
    """Write those whose source and id nobody has yet; return these by source and id, with their keys.

    One that another transaction is writing right now is waited for. They go in by the order of their keys, so
    that two writers never wait for each other.
    """
    ordered = sorted(orders, key=lambda order: order[:2])
    given = [order._asdict() for order in ordered]
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS, [timezone.now(), json.dumps(given, default=_as_json)])
        ids = {(source, name): pk for pk, source, name in cursor.fetchall()}
    names = ["id", *NewOrder._fields]
    return {
        order[:2]: Order.from_db(connection.alias, names, [ids[order[:2]], *order])
        for order in ordered
        if order[:2] in ids
    }


def _as_json(value: object) -> str:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value.isoformat()


def insert_lines(lines: Iterable[tuple[int, int, Line]]) -> None:
    """Write lines, each with the ids of its order and of its article."""
    rows = [
        f"{order}\t{line.line_id.translate(_ESCAPED)}\t{product}\t{line.quantity}\t"
        f"{_known(line.unit_price_amount)}\t{line.amount}\t{line.discount_amount}\t{_known(line.tax_rate)}\n"
        for order, product, line in lines
    ]
    copy_text(OrderLine, _LINES, "".join(rows))


def _known(value: object) -> object:
    return "\\N" if value is None else value


def tell_of_orders(order_ids: Collection[int], buyers: Collection[int], *, announce: bool) -> None:
    """Write `order.recorded` of each order, which nobody told before, and queue it for its subscribers.

    Without `announce` no subscriber hears of them.
    """
    parameters = {
        "orders": list(order_ids),
        "own": own_source().pk,
        "type": TYPE,
        "now": timezone.now(),
        "announce": announce and bool(subscribers(TYPE)),
    }
    if not order_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, parameters)
    if parameters["announce"]:
        transaction.on_commit(ring)
    note_changes(buyers, quiet=not announce)
