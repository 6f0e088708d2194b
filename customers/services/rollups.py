"""Running totals per customer, brought up to date in the transaction of the order that changed them."""

from collections.abc import Collection, Iterable

from django.conf import settings
from django.db import connection, transaction

from customers.models import Customer, Order, Rollup
from customers.services import scopes

_PURCHASES = """
    FROM customers_order
    WHERE customer_id = ANY(%(customers)s) AND status = 'PAID' AND currency = %(currency)s
"""
_FIGURES = "count(*), sum(net_amount)::bigint, min(ordered_at), max(ordered_at)"
_LIFETIME = f"""
WITH fresh AS (SELECT customer_id, {_FIGURES} {_PURCHASES} GROUP BY customer_id),
gone AS (
    DELETE FROM customers_rollup old
    WHERE old.customer_id = ANY(%(customers)s) AND old.scope = 'ALL'
      AND NOT EXISTS (SELECT FROM fresh WHERE fresh.customer_id = old.customer_id)
)
INSERT INTO customers_rollup AS old
    (customer_id, scope, scope_value, orders, net_amount, first_order_at, last_order_at)
SELECT customer_id, 'ALL', '', count, sum, min, max FROM fresh
ON CONFLICT (customer_id, scope, scope_value) DO UPDATE
SET orders = excluded.orders, net_amount = excluded.net_amount,
    first_order_at = excluded.first_order_at, last_order_at = excluded.last_order_at
WHERE (old.orders, old.net_amount, old.first_order_at, old.last_order_at)
    IS DISTINCT FROM (excluded.orders, excluded.net_amount, excluded.first_order_at, excluded.last_order_at)
"""
_MONTHLY = f"""
WITH fresh AS (
    SELECT customer_id, date_trunc('month', ordered_at AT TIME ZONE %(zone)s)::date AS month, {_FIGURES}
    {_PURCHASES} GROUP BY 1, 2
),
gone AS (
    DELETE FROM customers_monthlyrollup old
    WHERE old.customer_id = ANY(%(customers)s) AND old.scope = 'ALL' AND NOT EXISTS (
        SELECT FROM fresh WHERE fresh.customer_id = old.customer_id AND fresh.month = old.month
    )
)
INSERT INTO customers_monthlyrollup AS old
    (customer_id, scope, scope_value, month, orders, net_amount, first_order_at, last_order_at)
SELECT customer_id, 'ALL', '', month, count, sum, min, max FROM fresh
ON CONFLICT (customer_id, scope, scope_value, month) DO UPDATE
SET orders = excluded.orders, net_amount = excluded.net_amount,
    first_order_at = excluded.first_order_at, last_order_at = excluded.last_order_at
WHERE (old.orders, old.net_amount, old.first_order_at, old.last_order_at)
    IS DISTINCT FROM (excluded.orders, excluded.net_amount, excluded.first_order_at, excluded.last_order_at)
"""

_ADDED = """
    FROM customers_order
    WHERE id = ANY(%(orders)s) AND customer_id IS NOT NULL AND status = 'PAID' AND currency = %(currency)s
"""
_SUM = """
SET orders = old.orders + excluded.orders, net_amount = old.net_amount + excluded.net_amount,
    first_order_at = LEAST(old.first_order_at, excluded.first_order_at),
    last_order_at = GREATEST(old.last_order_at, excluded.last_order_at)
"""
_ADD = f"""
WITH lifetime AS (
    INSERT INTO customers_rollup AS old
        (customer_id, scope, scope_value, orders, net_amount, first_order_at, last_order_at)
    SELECT customer_id, 'ALL', '', {_FIGURES} {_ADDED} GROUP BY customer_id
    ON CONFLICT (customer_id, scope, scope_value) DO UPDATE {_SUM}
), monthly AS (
    INSERT INTO customers_monthlyrollup AS old
        (customer_id, month, scope, scope_value, orders, net_amount, first_order_at, last_order_at)
    SELECT customer_id, date_trunc('month', ordered_at AT TIME ZONE %(zone)s)::date, 'ALL', '', {_FIGURES}
    {_ADDED} GROUP BY 1, 2
    ON CONFLICT (customer_id, scope, scope_value, month) DO UPDATE {_SUM}
)
{scopes.ADD}
"""
_EVERYBODYS = """
    FROM customers_order WHERE customer_id IS NOT NULL AND status = 'PAID' AND currency = %(currency)s
"""
_REBUILD = [
    "SET LOCAL work_mem = '256MB'",
    "DELETE FROM customers_rollup WHERE scope = 'ALL'",
    "DELETE FROM customers_monthlyrollup WHERE scope = 'ALL'",
    f"""
    INSERT INTO customers_rollup
        (customer_id, scope, scope_value, orders, net_amount, first_order_at, last_order_at)
    SELECT customer_id, 'ALL', '', {_FIGURES} {_EVERYBODYS} GROUP BY customer_id ORDER BY customer_id
    """,
    f"""
    INSERT INTO customers_monthlyrollup
        (customer_id, month, scope, scope_value, orders, net_amount, first_order_at, last_order_at)
    SELECT customer_id, date_trunc('month', ordered_at AT TIME ZONE %(zone)s)::date, 'ALL', '', {_FIGURES}
    {_EVERYBODYS} GROUP BY 1, 2 ORDER BY 1, 2
    """,
]


def refresh_rollups(customer_ids: Iterable[int | None]) -> None:
    """Recompute the totals of these customers: over all orders, by scope, by month of the programme's zone.

    Locks the customers, so that two orders of one person at once are both counted. Purchases in another
    currency than the programme's do not count; who has none has no row.
    """
    ids = sorted({pk for pk in customer_ids if pk is not None})
    if not ids:
        return
    parameters = {
        "customers": ids,
        "currency": settings.PROGRAMME_CURRENCY,
        "zone": settings.PROGRAMME_TIME_ZONE,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        lock_customers(ids)
        cursor.execute(_LIFETIME, parameters)
        cursor.execute(_MONTHLY, parameters)
        scopes.refresh_scopes(ids)


def add_to_rollups(orders: Collection[Order]) -> None:
    """Add orders written in this transaction to their customers' totals: the past is not read again.

    The caller holds the customers, as `refresh_rollups` does.
    """
    if not any(order.customer_id for order in orders):
        return
    parameters = {
        "orders": [order.pk for order in orders],
        "currency": settings.PROGRAMME_CURRENCY,
        "zone": settings.PROGRAMME_TIME_ZONE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ADD, parameters)


def rebuild_rollups() -> None:
    """Write everybody's totals from nothing, after a load; the caller keeps other writers away."""
    parameters = {"currency": settings.PROGRAMME_CURRENCY, "zone": settings.PROGRAMME_TIME_ZONE}
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _REBUILD:
            cursor.execute(statement, parameters)
        scopes.rebuild_scopes()


def recount_rollups() -> int:
    """Count everybody's totals again while business goes on, portion by portion; return how many customers.

    Each portion holds its customers, so that orders that arrive meanwhile are counted once.
    """
    counted = 0
    for ids in scopes.portions():
        refresh_rollups(ids)
        counted += len(ids)
    return counted


def lock_customers(customer_ids: Iterable[int]) -> None:
    """Make other writers about these customers wait; always taken by ascending id."""
    rows = Customer.objects.filter(pk__in=list(customer_ids)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def stats_of(customer: Customer) -> Rollup | None:
    """Return the customer's totals over all orders; None without a purchase that counts."""
    return Rollup.objects.filter(customer=customer, scope="ALL", scope_value="").first()
