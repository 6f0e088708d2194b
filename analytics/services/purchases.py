"""How every customer bought up to a day, read from the orders once: for the models of value."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from numpy.typing import NDArray
from psycopg import sql

from analytics.columns import read_columns
from analytics.engine.purchases import REFUSED, first_instant
from analytics.models import RfmModel
from analytics.value.clv import Purchases

Ints = NDArray[np.int64]
# A day with purchases is one purchase, as in the models' literature; the days of a customer come in order.
DAYS = """
SELECT customer_id, (ordered_at AT TIME ZONE {zone})::date AS day, sum(net_amount) AS amount,
       count(*) AS orders
FROM customers_order
WHERE status = 'PAID' AND currency = {currency} AND customer_id IS NOT NULL AND ordered_at < {end}
  AND customer_id NOT IN ({refused})
GROUP BY 1, 2
"""
PURCHASES = """
SELECT customer_id::bigint, x::bigint, tx::bigint, t::bigint, later_amount::bigint, orders::bigint,
       (count_before - 1)::bigint AS x_before, coalesce(last_before - first, 0)::bigint AS tx_before,
       ({cut} - first)::bigint AS t_before,
       coalesce(amount_before - first_amount, 0)::bigint AS later_amount_before,
       (x + 1 - count_before)::bigint AS came, (amount - coalesce(amount_before, 0))::bigint AS came_amount
FROM (
    SELECT customer_id, count(*) - 1 AS x, max(day) - min(day) AS tx, {as_of} - min(day) AS t,
           min(day) AS first, sum(orders) AS orders, sum(amount) AS amount,
           (array_agg(amount ORDER BY day))[1] AS first_amount,
           sum(amount) - (array_agg(amount ORDER BY day))[1] AS later_amount,
           count(*) FILTER (WHERE day < {cut}) AS count_before,
           max(day) FILTER (WHERE day < {cut}) AS last_before,
           sum(amount) FILTER (WHERE day < {cut}) AS amount_before
    FROM ({days}) AS days GROUP BY customer_id) AS customers
ORDER BY customer_id
"""
KINDS = dict.fromkeys(
    ["customer_id", "x", "tx", "t", "later_amount", "orders", "x_before", "tx_before", "t_before",
     "later_amount_before", "came", "came_amount"],
    "i",
)  # fmt: skip
SEGMENTS = """
SELECT customer_id::bigint, (array_position({codes}::text[], segment::text) - 1)::bigint
FROM analytics_rfmscore WHERE model_id = {model} AND segment = ANY({codes}::text[]) ORDER BY customer_id
"""


@dataclass(frozen=True)
class Observation:
    """Everybody's purchases up to a day, and of those known `days` earlier what they had done by then
    (`before`) and have done since (`came` days with a purchase, `came_amount` in minor units)."""

    purchases: Purchases
    orders: Ints
    days: int
    before: Purchases
    came: Ints
    came_amount: Ints


def observe_purchases(*, as_of: date, test_days: int) -> Observation:
    """Read how customers bought before `as_of`, a row for each who did and may be profiled, by id."""
    cut = as_of - timedelta(days=test_days)
    days = sql.SQL(DAYS).format(
        zone=settings.PROGRAMME_TIME_ZONE,
        currency=settings.PROGRAMME_CURRENCY,
        end=first_instant(as_of),
        refused=REFUSED,
    )
    query = sql.SQL(PURCHASES).format(
        as_of=sql.SQL("{}::date").format(as_of), cut=sql.SQL("{}::date").format(cut), days=days
    )
    with transaction.atomic(), connection.cursor() as cursor:
        # In the order of the covering index: hashing the orders takes three times the time (analytics.md, 2).
        cursor.execute("SET LOCAL enable_hashagg = off; SET LOCAL enable_seqscan = off")
        read = read_columns(query, KINDS)
        cursor.execute("SET LOCAL enable_hashagg TO DEFAULT; SET LOCAL enable_seqscan TO DEFAULT")
    known = read["x_before"] >= 0
    return Observation(
        purchases=Purchases(*(read[name] for name in ("customer_id", "x", "tx", "t", "later_amount"))),
        orders=read["orders"],
        days=test_days,
        before=Purchases(
            read["customer_id"][known],
            *(read[f"{name}_before"][known] for name in ("x", "tx", "t", "later_amount")),
        ),
        came=read["came"][known],
        came_amount=read["came_amount"][known],
    )


def segments_of(model: RfmModel, customer_ids: Ints) -> Ints:
    """Return the place of each customer's segment in the model's map, or -1 for whoever has none."""
    codes = [segment.code for segment in model.segments.segments]
    query = sql.SQL(SEGMENTS).format(codes=codes, model=model.pk)
    scored = read_columns(query, {"customer_id": "i", "segment": "i"})
    return matched(customer_ids, scored["customer_id"], scored["segment"], missing=-1)


def matched(wanted: Ints, keys: Ints, values: NDArray, *, missing: float) -> NDArray:
    """Return the value of each wanted key; `keys` rise."""
    if not len(keys):
        return np.full(len(wanted), missing, values.dtype)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], missing)


def estimated_orders() -> int:
    """Return about how many orders there are, at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'customers_order'::regclass")
        return int(cursor.fetchone()[0])
