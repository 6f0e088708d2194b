"""Running totals per customer and scope: product line, sales channel, store, country, business unit.

They change with the customer's other totals (`rollups`), under the same locks. By month there are none:
decision 0092.
"""

from collections.abc import Collection, Iterator
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from customers.models import Customer, StaleScope
from customers.services.locks import lock_rows
from operations.models import JobRun
from operations.services import advance_job, promise_job

KIND = "customers.scopes"
TITLE = "Count purchases by product line and place again"
PORTION = 2_000

_COUNTS = "bought.customer_id IS NOT NULL AND bought.status = 'PAID' AND bought.currency = %(currency)s"
# What an order adds to the scope of where it was placed.
_PLACED = """
    SELECT bought.customer_id, part.scope, part.scope_value, bought.net_amount, bought.ordered_at
    FROM customers_order bought
    LEFT JOIN customers_saleschannel channel ON channel.id = bought.sales_channel_id
    LEFT JOIN customers_store store ON store.id = bought.store_id
    LEFT JOIN customers_businessunit unit ON unit.id = bought.business_unit_id
    CROSS JOIN LATERAL (VALUES ('CHANNEL', channel.code), ('STORE', store.code), ('COUNTRY', store.country),
        ('BUSINESS_UNIT', unit.code)) AS part (scope, scope_value)
    WHERE {which} AND part.scope_value <> ''
"""
# What an order adds to the scope of its articles: an order with two of one product line is one order.
_SOLD = """
    SELECT bought.customer_id, 'PRODUCT_LINE', product.product_line,
           sum(line.amount - line.discount_amount - CASE WHEN bought.refunded_amount > 0 THEN
               (SELECT coalesce(sum(back.refund_amount), 0) FROM customers_returnline back
                WHERE back.line_id = line.id) ELSE 0 END)::bigint,
           min(bought.ordered_at)
    FROM customers_order bought
    JOIN customers_orderline line ON line.order_id = bought.id
    JOIN customers_product product ON product.id = line.product_id
    WHERE {which} AND product.product_line <> ''
    GROUP BY bought.id, product.product_line
"""
_TOTALS = """
    SELECT customer_id, scope, scope_value, count(*) AS orders, sum(net_amount)::bigint AS net_amount,
           min(ordered_at) AS first_order_at, max(ordered_at) AS last_order_at
    FROM ({facts}) AS fact (customer_id, scope, scope_value, net_amount, ordered_at)
    GROUP BY customer_id, scope, scope_value
"""
_INSERT = """
    INSERT INTO customers_scopedrollup AS old
        (customer_id, scope, scope_value, orders, net_amount, first_order_at, last_order_at)
"""


def _totals(which: str) -> str:
    facts = f"{_PLACED} UNION ALL {_SOLD}".format(which=f"{_COUNTS} AND {which}")
    return _TOTALS.format(facts=facts)


def counted_scopes(currency: str) -> str:
    """Return the SELECT of everybody's totals as their orders tell them, of purchases in this currency."""
    return _totals("true") % {"currency": f"'{currency}'"}


# Adds orders written in this transaction.
ADD = f"""
{_INSERT} {_totals("bought.id = ANY(%(orders)s)")} ORDER BY customer_id
ON CONFLICT (customer_id, scope, scope_value) DO UPDATE
SET orders = old.orders + excluded.orders, net_amount = old.net_amount + excluded.net_amount,
    first_order_at = LEAST(old.first_order_at, excluded.first_order_at),
    last_order_at = GREATEST(old.last_order_at, excluded.last_order_at)
"""
_REFRESH = f"""
WITH fresh AS MATERIALIZED ({_totals("bought.customer_id = ANY(%(customers)s)")}),
gone AS (
    DELETE FROM customers_scopedrollup old
    WHERE old.customer_id = ANY(%(customers)s) AND NOT EXISTS (
        SELECT FROM fresh
        WHERE (fresh.customer_id, fresh.scope, fresh.scope_value)
            = (old.customer_id, old.scope, old.scope_value))
)
{_INSERT} SELECT * FROM fresh
ON CONFLICT (customer_id, scope, scope_value) DO UPDATE
SET orders = excluded.orders, net_amount = excluded.net_amount,
    first_order_at = excluded.first_order_at, last_order_at = excluded.last_order_at
WHERE (old.orders, old.net_amount, old.first_order_at, old.last_order_at)
    IS DISTINCT FROM (excluded.orders, excluded.net_amount, excluded.first_order_at, excluded.last_order_at)
"""
_REBUILD = [
    # Just loaded, with its indexes laid aside: without statistics the planner would join by nested loops.
    "ANALYZE customers_order, customers_orderline, customers_product",
    "SET LOCAL enable_nestloop = off",
    "DELETE FROM customers_stalescope",
    "DELETE FROM customers_scopedrollup",
    f"{_INSERT} {_totals('true')} ORDER BY customer_id",
]


def refresh_scopes(customer_ids: Collection[int]) -> None:
    """Count these customers' purchases again; the caller holds them."""
    _execute(_REFRESH, customers=list(customer_ids))


def rebuild_scopes() -> None:
    """Write everybody's from nothing, in the caller's transaction; it keeps other writers away."""
    for statement in _REBUILD:
        _execute(statement)
    _execute("SET LOCAL enable_nestloop = on")


def keep_scopes() -> JobRun | None:
    """Promise the count of what has become stale, unless it is on its way; None where nothing is."""
    if not StaleScope.objects.exists() or JobRun.objects.unfinished().filter(kind=KIND).exists():
        return None
    return promise_job(KIND, title=TITLE, total=Customer.objects.count())


def run_recount(job: JobRun) -> dict[str, Any]:
    """Carry a count out: everybody in portions, each in a transaction of its own.

    Everybody, and not only who is known to have bought there: an order on its way while an article moved
    holds its customer, so that the count waits for it, but is not to be seen yet.
    """
    stale = list(StaleScope.objects.values_list("pk", flat=True))
    done = 0
    for ids in portions():
        with transaction.atomic():
            lock_rows(ids)
            refresh_scopes(ids)
        done += len(ids)
        advance_job(job, done=done)
    StaleScope.objects.filter(pk__in=stale).delete()
    return {"customers": done}


def portions() -> Iterator[list[int]]:
    """Yield the ids of everybody, so many at a time, by ascending id."""
    everybody, last = Customer.objects.order_by("pk").values_list("pk", flat=True), 0
    while ids := list(everybody.filter(pk__gt=last)[:PORTION]):
        yield ids
        last = ids[-1]


def _execute(statement: str, **parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"currency": settings.PROGRAMME_CURRENCY} | parameters)
