"""What always holds about customers, their orders and what hangs on them."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from customers.registry import CustomerTable, OnMerge, customer_tables
from customers.services.scopes import counted_scopes
from operations.invariants import Invariant

_ORDERS = """
SELECT entry.id AS "order", entry.total_amount, lines.total AS lines
FROM customers_order AS entry
JOIN (
    SELECT order_id, sum(amount - discount_amount) AS total FROM customers_orderline GROUP BY 1
) AS lines ON lines.order_id = entry.id
WHERE entry.total_amount <> lines.total
ORDER BY entry.id
"""
_REFUNDS = """
SELECT entry.id AS "order", entry.refunded_amount, coalesce(back.refund, 0) AS returns
FROM customers_order AS entry
LEFT JOIN (SELECT order_id, sum(refund_amount) AS refund FROM customers_return GROUP BY 1) AS back
    ON back.order_id = entry.id
WHERE (entry.refunded_amount > 0 OR back.refund > 0)
    AND (entry.refunded_amount <> coalesce(back.refund, 0) OR entry.refunded_amount > entry.total_amount)
ORDER BY entry.id
"""
_RETURNED_LINES = """
SELECT line.id AS line, line.quantity AS bought, sum(back.quantity) AS returned
FROM customers_returnline AS back JOIN customers_orderline AS line ON line.id = back.line_id
GROUP BY line.id HAVING sum(back.quantity) > line.quantity
    OR sum(back.refund_amount) > line.amount - line.discount_amount
ORDER BY line.id
"""
# By scope only while none waits to be counted again: until then these are known not to hold.
_TOTALS = """
WITH lifetime AS (
    SELECT customer_id, 'ALL' AS scope, '' AS scope_value, count(*) AS orders,
           sum(net_amount)::bigint AS net_amount
    FROM customers_order WHERE customer_id IS NOT NULL AND status = 'PAID' AND currency = '{currency}'
    GROUP BY 1
), bought AS (
    SELECT * FROM lifetime
    UNION ALL SELECT customer_id, scope, scope_value, orders, net_amount FROM ({scopes}) AS counted
    WHERE NOT EXISTS (SELECT FROM customers_stalescope)
), told AS (
    SELECT customer_id, scope, scope_value, orders, net_amount FROM customers_rollup WHERE scope = 'ALL'
    UNION ALL SELECT customer_id, scope, scope_value, orders, net_amount FROM customers_scopedrollup
    WHERE NOT EXISTS (SELECT FROM customers_stalescope)
)
SELECT customer_id AS customer, scope, scope_value, coalesce(told.orders, 0) AS orders_told,
       coalesce(bought.orders, 0) AS orders, coalesce(told.net_amount, 0) AS amount_told,
       coalesce(bought.net_amount, 0) AS amount
FROM bought FULL JOIN told USING (customer_id, scope, scope_value)
WHERE (told.orders, told.net_amount) IS DISTINCT FROM (bought.orders, bought.net_amount)
ORDER BY customer_id, scope, scope_value
"""
_MERGED = """
SELECT '{label}' AS "table", told.{key} AS row, told.{column} AS customer, merged.merged_into_id AS now
FROM {table} AS told JOIN customers_customer AS merged ON merged.id = told.{column}
WHERE merged.status = 'MERGED'
"""
_SURVIVORS = """
SELECT loser.id AS customer, loser.merged_into_id AS into_customer, survivor.status
FROM customers_customer AS loser JOIN customers_customer AS survivor ON survivor.id = loser.merged_into_id
WHERE survivor.status = 'MERGED'
ORDER BY loser.id
"""
_EVENTS = """
SELECT entry.id AS "order", entry.status
FROM customers_order AS entry
LEFT JOIN customers_eventkey AS told ON told.external_id = 'order:' || entry.id || ':paid'
    AND told.source_id = (SELECT id FROM customers_source WHERE code = 'fidelio')
WHERE entry.ordered_at >= now() - interval '7 days' AND entry.created_at >= now() - interval '7 days'
    AND entry.status IN ('PAID', 'REFUNDED') AND told.id IS NULL
ORDER BY entry.id
"""


def declared() -> Iterator[Invariant]:
    """Return what holds; the tables that point to a customer come from their registry."""
    yield Invariant("customers.orders", _("An order's total is the sum of its lines."), _ORDERS)
    yield Invariant(
        "customers.refunds",
        _("What an order refunded is the sum of its returns, within its total."),
        _REFUNDS,
    )
    yield Invariant(
        "customers.returned_lines", _("No order line came back oftener than it was bought."), _RETURNED_LINES
    )
    yield Invariant(
        "customers.totals",
        _("A customer's totals are those of their paid orders."),
        _TOTALS.format(
            currency=settings.PROGRAMME_CURRENCY, scopes=counted_scopes(settings.PROGRAMME_CURRENCY)
        ),
    )
    yield Invariant(
        "customers.live",
        _("No row points to a customer who was merged into another."),
        " UNION ALL ".join(_of_merged(table) for table in customer_tables() if _follows(table)),
    )
    yield Invariant("customers.survivors", _("Who was merged leads to a customer who was not."), _SURVIVORS)
    yield Invariant("customers.events", _("Each paid order of the last week was told once."), _EVENTS)


def _follows(table: CustomerTable) -> bool:
    return table.on_merge != OnMerge.STAY


def _of_merged(table: CustomerTable) -> str:
    meta = table.model._meta
    column = meta.get_field(table.field).column
    return f"({_MERGED.format(label=table.label, key=meta.pk.column, column=column, table=meta.db_table)})"
