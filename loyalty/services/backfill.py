"""Earning on many orders at once: what the demo's load and a new programme need. Set-based, no events."""

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from coupons.services import credit_from_query
from customers.models import Order
from loyalty.models import EarningRule
from loyalty.rules import ORDER, Gives
from loyalty.services import earning_sql as sql
from loyalty.services.claw_backs import claw_back_points
from loyalty.services.earning import earn_points


def backfill_points(*, at: datetime) -> int:
    """Credit every paid order up to an instant that has not earned yet; return how many orders earned.

    Leaves the lots, entries and balances that earning one order after the other, by its day, would have left.
    Nobody is told: points of the past are no news. Called again, it adds nothing. Rules whose caps or ends
    depend on the order before, and all of them beside an exclusive one, earn order by order.
    """
    with transaction.atomic():
        rules = list(EarningRule.objects.active_for(ORDER))
        exclusive = any(rule.exclusive for rule in rules)
        at_once = [rule for rule in rules if not exclusive and _is_said_in_sql(rule)]
        earned = sum(_backfill(rule, at) for rule in at_once)
        if len(at_once) < len(rules):
            earned += _one_by_one(at)
        returned = Order.objects.counting().filter(refunded_amount__gt=0, ordered_at__lte=at)
        for order in returned.iterator(chunk_size=1000):
            claw_back_points(order, at=at)
    return earned


def _is_said_in_sql(rule: EarningRule) -> bool:
    return rule.gives == Gives.POINTS and sql.can_be_said(rule.current.terms)


def _one_by_one(at: datetime) -> int:
    orders = Order.objects.counting().filter(ordered_at__lte=at, customer__isnull=False)
    return sum(
        len(earn_points(order, at=order.ordered_at, announce=False))
        for order in orders.order_by("ordered_at", "pk").iterator(chunk_size=1000)
    )


def _backfill(rule: EarningRule, at: datetime) -> int:
    terms = rule.current.terms
    factor, covered, holds = (
        sql.factor(terms),
        sql.covers(terms.conditions.items),
        sql.holds(terms.conditions.when),
    )
    units, starts, ends = sql.units(terms), sql.activation(terms), sql.expiration(terms)
    lines = terms.looks_at_lines
    query = _EARNINGS.format(
        factor=factor.sql,
        holds=holds.sql,
        units=units.sql,
        starts=starts.sql,
        ends=ends.sql,
        amount=_SHARE if lines else "goods.paid",
        quantity="line.quantity" if lines else "NULL::numeric",
        ids="line.ids" if lines else "'{}'::bigint[]",
        lines=_LINES.format(covered=covered.sql) if lines else "",
        some="line.ids IS NOT NULL" if lines else "true",
    )
    values = [
        *ends.values, *starts.values, *units.values, rule.pk, terms.conditions.minimum_amount,
    ]  # fmt: skip
    bought = [
        *factor.values, *(covered.values if lines else []), settings.PROGRAMME_CURRENCY, at,
        rule.starts_at, rule.starts_at, rule.ends_at, rule.ends_at, rule.pk, *holds.values,
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(query, bought + values)
        credit_from_query(
            "SELECT customer_id, points, source_key, ordered_at, activates_at, expires_at, %s"
            " FROM loyalty_earnings WHERE points > 0",
            [rule.name],
        )
        cursor.execute(_ACCRUALS, [rule.pk, rule.current.pk])
        written = cursor.rowcount
        cursor.execute("DROP TABLE loyalty_earnings")
    return written


_SHARE = """CASE WHEN goods.amount = 0 THEN 0
    ELSE div(2 * line.amount * goods.paid + goods.amount, 2 * goods.amount)::bigint END"""
_LINES = """CROSS JOIN LATERAL (
    SELECT sum(l.amount - l.discount_amount) AS amount, sum(l.quantity) AS quantity,
           array_agg(l.id ORDER BY l.id) AS ids
    FROM customers_orderline l JOIN customers_product product ON product.id = l.product_id
    WHERE l.order_id = o.id AND {covered}
      AND NOT EXISTS (
          SELECT FROM coupons_giftcard card WHERE (card.bought_on_id, card.line_id) = (l.order_id, l.line_id))
) AS line"""
_EARNINGS = """
CREATE TEMPORARY TABLE loyalty_earnings ON COMMIT DROP AS
WITH purchase AS (
    SELECT o.id, o.customer_id, o.ordered_at, ({factor})::numeric(10, 6) AS factor,
           {amount} AS amount, {quantity} AS quantity, {ids} AS line_ids
    FROM customers_order o
    LEFT JOIN (
        SELECT stack.order_id, sum(paid.tender_amount)::bigint AS amount
        FROM coupons_redemption paid JOIN coupons_redemptionstack stack ON stack.id = paid.stack_id
        WHERE paid.kind = 'points' AND paid.status <> 'ROLLED_BACK' GROUP BY 1
    ) AS points ON points.order_id = o.id
    LEFT JOIN (
        SELECT line.order_id, sum(line.amount - line.discount_amount)::bigint AS amount
        FROM customers_orderline line
        WHERE (line.order_id, line.line_id) IN (SELECT bought_on_id, line_id FROM coupons_giftcard)
        GROUP BY 1
    ) AS cards ON cards.order_id = o.id
    CROSS JOIN LATERAL (
        SELECT o.total_amount - coalesce(cards.amount, 0) AS amount,
               greatest(0, o.total_amount - coalesce(cards.amount, 0) - coalesce(points.amount, 0)) AS paid
    ) AS goods
    {lines}
    JOIN customers_customer customer ON customer.id = o.customer_id
    LEFT JOIN customers_saleschannel channel ON channel.id = o.sales_channel_id
    LEFT JOIN customers_store store ON store.id = o.store_id
    LEFT JOIN customers_businessunit unit ON unit.id = o.business_unit_id
    WHERE o.status = 'PAID' AND o.currency = %s AND o.ordered_at <= %s
      AND (%s::timestamptz IS NULL OR o.ordered_at >= %s) AND (%s::timestamptz IS NULL OR o.ordered_at < %s)
      AND NOT EXISTS (SELECT FROM loyalty_pointsaccrual a WHERE a.rule_id = %s AND a.order_id = o.id)
      AND {some} AND {holds}
)
SELECT earning.*, {ends} AS expires_at
FROM (
    SELECT id AS order_id, customer_id, ordered_at, amount, quantity, line_ids, factor,
           {starts} AS activates_at, {units} AS points, 'earned:' || %s || ':' || id AS source_key
    FROM purchase WHERE amount >= %s
) AS earning
"""
_ACCRUALS = """
INSERT INTO loyalty_pointsaccrual
    (rule_id, version_id, order_id, event_id, entry_id, amount, quantity, line_ids, factor, points,
     clawed_back_points, draw_entries, occurred_at)
SELECT %s, %s, earning.order_id, NULL, entry.id, earning.amount, earning.quantity, earning.line_ids,
       earning.factor, earning.points, 0, 0, earning.ordered_at
FROM loyalty_earnings earning
LEFT JOIN coupons_account account
       ON account.customer_id = earning.customer_id AND account.kind = 'POINTS' AND account.main
LEFT JOIN coupons_ledgerentry entry
       ON entry.account_id = account.id AND entry.source_key = earning.source_key
ORDER BY earning.ordered_at, earning.order_id
"""
