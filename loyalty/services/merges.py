"""What becomes of the counters of earning rules when customers are merged. Named in customer_tables.py."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import connection

from customers.registry import CustomerTable
from customers.services.journal import Merge
from loyalty.models import EarningCounter


def merge_earning_counters(merge: Merge, table: CustomerTable) -> None:
    """Caps per customer add up: a counter may then exceed its cap, and nothing more is left."""
    own = {_period(one): one for one in EarningCounter.objects.filter(customer=merge.survivor)}
    for counter in EarningCounter.objects.filter(customer=merge.loser).order_by("pk"):
        twin = own.get(_period(counter))
        if twin is None:
            merge.move(EarningCounter.objects.filter(pk=counter.pk))
            continue
        if counter.units or counter.times:
            merge.add(twin, units=counter.units, times=counter.times)
        merge.remove(EarningCounter.objects.filter(pk=counter.pk))


def settle_earning_counters(customer_ids: Iterable[int], *, at: datetime) -> None:
    """Count again what orders earned these customers under their caps, after a merge or its undoing."""
    with connection.cursor() as cursor:
        cursor.execute(
            COUNTED.format(customers="AND o.customer_id = ANY(%(customers)s)") + _WRITE,
            {"customers": list(customer_ids), "zone": settings.PROGRAMME_TIME_ZONE},
        )


def _period(counter: EarningCounter) -> tuple:
    return (counter.rule_id, counter.period, counter.starts_on)


# What orders earned under caps per customer, by rule and period; events name no customer here.
COUNTED = """
WITH counted AS (
    SELECT a.rule_id, o.customer_id, cap.period,
           CASE cap.period WHEN 'TOTAL' THEN DATE '0001-01-01'
                ELSE date_trunc(lower(cap.period), a.occurred_at AT TIME ZONE %(zone)s)::date
           END AS starts_on,
           sum(a.points - a.clawed_back_points + a.draw_entries)::bigint AS units,
           count(*) FILTER (WHERE a.points > a.clawed_back_points OR a.draw_entries > 0) AS times
    FROM loyalty_pointsaccrual a
    JOIN customers_order o ON o.id = a.order_id
    JOIN loyalty_earningruleversion v ON v.id = a.version_id
    CROSS JOIN LATERAL (
        SELECT DISTINCT coalesce(one ->> 'period', 'TOTAL') AS period FROM jsonb_array_elements(v.caps) AS one
        WHERE one ->> 'subject' = 'CUSTOMER'
    ) AS cap
    WHERE a.points + a.draw_entries > 0 AND a.occurred_at IS NOT NULL {customers}
    GROUP BY 1, 2, 3, 4
)
"""
_WRITE = """
INSERT INTO loyalty_earningcounter AS counter (rule_id, customer_id, period, starts_on, units, times)
SELECT rule_id, customer_id, period, starts_on, units, times FROM counted
ON CONFLICT (rule_id, customer_id, period, starts_on)
DO UPDATE SET units = excluded.units, times = excluded.times
WHERE (counter.units, counter.times) <> (excluded.units, excluded.times)
"""
