"""Earning on many orders at once: what the demo's load and a new programme need. Set-based, no events."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from coupons.services import credit_from_query
from customers.models import Order
from loyalty.models import EarningRule, EarningRuleVersion
from loyalty.rules import WEEKDAYS
from loyalty.services.earning import claw_back_points


def backfill_points(*, at: datetime) -> int:
    """Credit every paid order up to an instant that has not earned yet; return how many orders earned.

    Leaves the lots, entries and balances that earning one order after the other, by its day, would have left.
    Nobody is told: points of the past are no news. Called again, it adds nothing.
    """
    with transaction.atomic():
        rules = EarningRule.objects.active_for(EarningRule.EventType.ORDER_RECORDED)
        earned = sum(_backfill(rule, at) for rule in rules)
        returned = Order.objects.counting().filter(refunded_amount__gt=0, ordered_at__lte=at)
        for order in returned.iterator(chunk_size=1000):
            claw_back_points(order, at=at)
    return earned


def _backfill(rule: EarningRule, at: datetime) -> int:
    version = rule.current
    factor, values = _factor(version)
    zone = settings.PROGRAMME_TIME_ZONE
    values += [settings.PROGRAMME_CURRENCY, at, rule.pk, version.points, version.per_amount, rule.pk]
    values += [zone, version.valid_months, zone]
    with connection.cursor() as cursor:
        cursor.execute(_EARNINGS.format(factor=factor), values)
        credit_from_query(
            "SELECT customer_id, points, source_key, ordered_at, ordered_at, expires_at, %s"
            " FROM loyalty_earnings WHERE points > 0",
            [rule.name],
        )
        cursor.execute(_ACCRUALS, [rule.pk, version.pk])
        written = cursor.rowcount
        cursor.execute("DROP TABLE loyalty_earnings")
    return written


_EARNINGS = """
CREATE TEMPORARY TABLE loyalty_earnings ON COMMIT DROP AS
WITH purchase AS (
    SELECT o.id, o.customer_id, o.ordered_at, ({factor})::numeric(10, 6) AS factor,
           greatest(0, o.total_amount - coalesce(points.amount, 0) - coalesce(cards.amount, 0)) AS amount
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
    JOIN customers_customer customer ON customer.id = o.customer_id
    LEFT JOIN customers_saleschannel channel ON channel.id = o.sales_channel_id
    LEFT JOIN customers_store store ON store.id = o.store_id
    WHERE o.status = 'PAID' AND o.currency = %s AND o.ordered_at <= %s
      AND NOT EXISTS (SELECT FROM loyalty_pointsaccrual a WHERE a.rule_id = %s AND a.order_id = o.id)
)
SELECT id AS order_id, customer_id, ordered_at, amount, factor,
       div(amount::numeric * %s * factor, %s)::bigint AS points,
       'earned:' || %s || ':' || id AS source_key,
       ((ordered_at AT TIME ZONE %s)::date + make_interval(months => %s) + interval '1 day')
           AT TIME ZONE %s AS expires_at
FROM purchase
"""
_ACCRUALS = """
INSERT INTO loyalty_pointsaccrual
    (rule_id, version_id, order_id, event_id, entry_id, amount, factor, points, clawed_back_points)
SELECT %s, %s, earning.order_id, NULL, entry.id, earning.amount, earning.factor, earning.points, 0
FROM loyalty_earnings earning
LEFT JOIN coupons_account account
       ON account.customer_id = earning.customer_id AND account.kind = 'POINTS' AND account.main
LEFT JOIN coupons_ledgerentry entry
       ON entry.account_id = account.id AND entry.source_key = earning.source_key
ORDER BY earning.ordered_at, earning.order_id
"""


def _factor(version: EarningRuleVersion) -> tuple[str, list[Any]]:
    """Return `loyalty.rules.factor_for` as an SQL expression over an order, and its parameters."""
    factors, values = ["1"], []
    for multiplier in version.multipliers:
        conditions = ["true"]
        own: list[Any] = []
        for key, column in (("sales_channels", "channel.code"), ("stores", "store.code")):
            if key in multiplier:
                conditions.append(f"COALESCE({column} = ANY(%s), false)")
                own.append(multiplier[key])
        if "weekdays" in multiplier:
            conditions.append("extract(isodow FROM o.ordered_at AT TIME ZONE %s) = ANY(%s)")
            own += [settings.PROGRAMME_TIME_ZONE, [WEEKDAYS.index(day) + 1 for day in multiplier["weekdays"]]]
        if "segment" in multiplier:
            conditions.append(_IN_SEGMENT)
            own.append(multiplier["segment"])
        factors.append(f"CASE WHEN {' AND '.join(conditions)} THEN %s::numeric ELSE 1 END")
        values += [*own, multiplier["factor"]]
    return " * ".join(factors), values


_IN_SEGMENT = """EXISTS (
    SELECT FROM customers_segmentmembership member JOIN customers_segment s ON s.id = member.segment_id
    WHERE s.code = %s AND member.customer_id = o.customer_id AND member.entered_at <= o.ordered_at
      AND (member.left_at IS NULL OR member.left_at > o.ordered_at))"""
