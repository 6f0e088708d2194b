"""Which orders count for a model, as SQL: its scope, its window, and customers who may be profiled."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from psycopg import sql

from analytics.models import RfmModel
from customers.models import BusinessUnit, SalesChannel, Store

Scope = RfmModel.Scope
# Covered by the index `order_purchases`, in the order of customers.
IN_THE_INDEX = (Scope.ALL, Scope.CHANNEL, Scope.BUSINESS_UNIT)
REFUSED = sql.SQL(
    "SELECT id FROM customers_customer"
    " WHERE restricted_at IS NOT NULL OR profiling <> 'ALLOWED' OR status = 'ERASED'"
)
SOMEBODY = sql.SQL("bought.customer_id IS NOT NULL")
EVERYBODY = sql.SQL("bought.customer_id IS NOT NULL AND bought.customer_id NOT IN ({})").format(REFUSED)
NOBODY_KNOWN = sql.SQL("bought.customer_id IS NULL")
# Of a product line, what its own articles came to; an order with two of them is one order.
LINES = sql.SQL(
    """
    SELECT bought.customer_id, bought.ordered_at, product.product_line,
           sum(line.amount - line.discount_amount - CASE
               WHEN bought.refunded_amount > 0 THEN (
                   SELECT coalesce(sum(back.refund_amount), 0) FROM customers_returnline back
                   WHERE back.line_id = line.id)
               ELSE 0 END)::bigint AS net_amount
    FROM customers_product product
    JOIN customers_orderline line ON line.product_id = product.id
    JOIN customers_order bought ON bought.id = line.order_id
    WHERE product.product_line = ANY ({values}) AND {counts} AND {whose}
    GROUP BY bought.id, product.product_line
    """
)
ORDERS = sql.SQL(
    """
    SELECT bought.customer_id, bought.ordered_at, bought.net_amount,
        bought.sales_channel_id, bought.business_unit_id, bought.store_id
    FROM customers_order bought WHERE {counts} AND {place} AND {whose}
    """
)


def purchases(
    model: RfmModel, window: tuple[date | None, date], *, whose: sql.Composable = EVERYBODY
) -> sql.Composable:
    """Return a query of one row per counting order: customer_id, ordered_at, net_amount.

    `window` is the first day that counts, None for all time, and the day before which orders do.
    """
    if model.scope == Scope.PRODUCT_LINE:
        return LINES.format(values=[model.scope_value], counts=counts(window), whose=whose)
    return ORDERS.format(counts=counts(window), place=place(model), whose=whose)


def totals() -> sql.Composable:
    """Return what is computed of a customer's purchases."""
    return sql.SQL(
        "(max(ordered_at) AT TIME ZONE {})::date AS last_order_on, count(*)::int AS orders,"
        " sum(net_amount)::bigint AS net_amount"
    ).format(settings.PROGRAMME_TIME_ZONE)


def between(from_: date | None, before: date) -> sql.Composable:
    """Return the condition that an order's instant lies in the days [from_, before)."""
    end = sql.SQL("bought.ordered_at < {}").format(first_instant(before))
    if from_ is None:
        return end
    return sql.SQL("bought.ordered_at >= {} AND {}").format(first_instant(from_), end)


def first_instant(day: date) -> datetime:
    """Return when the day begins in the programme's time zone."""
    return datetime.combine(day, time.min, ZoneInfo(settings.PROGRAMME_TIME_ZONE))


def counts(window: tuple[date | None, date]) -> sql.Composable:
    """Return the condition that an order of the window counts, whoever bought and wherever."""
    return sql.SQL("bought.status = 'PAID' AND bought.currency = {} AND {}").format(
        settings.PROGRAMME_CURRENCY, between(*window)
    )


def place(model: RfmModel) -> sql.Composable:
    """Return the condition that an order is of the model's scope, which is no product line.

    Ids are looked up beforehand: the planner then knows how rare they are.
    """
    value = model.scope_value
    if model.scope == Scope.ALL:
        return sql.SQL("true")
    if model.scope == Scope.CHANNEL:
        return _among("sales_channel_id", SalesChannel.objects.filter(code=value))
    if model.scope == Scope.BUSINESS_UNIT:
        return _among("business_unit_id", BusinessUnit.objects.filter(code=value))
    field = {Scope.STORE: "code", Scope.STORE_GROUP: "store_group", Scope.COUNTRY: "country"}[model.scope]
    return _among("store_id", Store.objects.filter(**{field: value}))


def _among(column: str, places) -> sql.Composable:
    ids = list(places.order_by("pk").values_list("pk", flat=True))
    if len(ids) == 1:
        return sql.SQL("bought.{} = {}").format(sql.Identifier(column), ids[0])
    return sql.SQL("bought.{} = ANY ({}::bigint[])").format(sql.Identifier(column), ids)
