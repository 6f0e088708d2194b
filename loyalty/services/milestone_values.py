"""What milestones are measured by, for some customers or for all of them at once: reads only."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from loyalty.models import Milestone
from loyalty.services.tier_values import local_day, span_of, values_query
from loyalty.services.tiers import the_ladder
from loyalty.tiers import Metric as TierMetric

Metric = Milestone.Metric

_ORDERS = """
SELECT o.customer_id, {counted}::bigint AS value FROM customers_order o
WHERE o.status = 'PAID' AND (%(since)s::timestamptz IS NULL OR o.ordered_at >= %(since)s)
  AND o.ordered_at < %(until)s AND o.customer_id {among} {currency}
GROUP BY 1
"""
_VISITS = """
SELECT e.customer_id,
       count(DISTINCT (e.store_id, (e.occurred_at AT TIME ZONE %(zone)s)::date))::bigint AS value
FROM customers_event e
WHERE e.type = 'visit.recorded' AND e.store_id IS NOT NULL AND e.customer_id {among}
  AND (%(since)s::timestamptz IS NULL OR e.occurred_at >= %(since)s) AND e.occurred_at < %(until)s
GROUP BY 1
"""
# Full years between local days; the anniversary of 29 February is the 28th where there is no 29th.
_YEARS = """
SELECT known.id AS customer_id, ({until} - {since})::bigint AS value
FROM (
    SELECT c.id, (least(c.created_at, r.first_order_at) AT TIME ZONE %(zone)s)::date AS first_day
    FROM customers_customer c
    LEFT JOIN customers_rollup r ON r.customer_id = c.id AND r.scope = 'ALL' AND r.scope_value = ''
    WHERE c.status = 'ACTIVE' AND c.id {among}
) AS known
"""


def _years(day: str) -> str:
    """Return the SQL for the full years from `known.first_day` to a local day."""
    calendar = f"(date_part('year', {day}) - date_part('year', known.first_day))::int"
    return (
        f"greatest(0, {calendar}"
        f" - (known.first_day + make_interval(years => greatest({calendar}, 0)) > {day})::int)"
    )


_TODAY = "(%(until)s::timestamptz AT TIME ZONE %(zone)s)::date"
# Without a beginning nothing is taken off: nobody was a customer before the first day.
_BEGINNING = "coalesce((%(since)s::timestamptz AT TIME ZONE %(zone)s)::date, known.first_day)"


def milestone_values(milestone: Milestone, customer_ids: Iterable[int], *, at: datetime) -> dict[int, int]:
    """Return what these customers have of a milestone's metric; none is left out.

    Paid orders that did not come back whole; amounts net of refunds; points less what returns took back; a
    store visited twice on a day counts once.
    """
    ids = list(customer_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            value_query(milestone, everybody=False), value_parameters(milestone, at=at) | {"customers": ids}
        )
        return dict.fromkeys(ids, 0) | {pk: max(0, value) for pk, value in cursor.fetchall()}


def value_query(milestone: Milestone, *, everybody: bool) -> str:
    """Return a SELECT of `(customer_id, value)`; it takes `value_parameters`, and `customers`."""
    metric = Metric(milestone.metric)
    if metric == Metric.POINTS:
        return values_query(TierMetric.POINTS, qualifying=the_ladder().qualifying, everybody=everybody)
    among = "IS NOT NULL" if everybody else "= ANY(%(customers)s)"
    query = {
        Metric.ORDERS: _ORDERS.replace("{counted}", "count(*)").replace("{currency}", ""),
        Metric.AMOUNT: _ORDERS.replace("{counted}", "sum(o.net_amount)").replace(
            "{currency}", "AND o.currency = %(currency)s"
        ),
        Metric.VISITS: _VISITS,
        Metric.YEARS: _YEARS.replace("{until}", _years(_TODAY)).replace("{since}", _years(_BEGINNING)),
    }[metric]
    return query.replace("{among}", among)


def value_parameters(milestone: Milestone, *, at: datetime) -> dict[str, Any]:
    """Return what the queries of values take beside the customers."""
    return {
        "since": milestone.counts_from,
        # An order that is being heard of just now counts.
        "until": at if milestone.metric == Metric.YEARS else max(at, _end_of_today(at)),
        "zone": settings.PROGRAMME_TIME_ZONE,
        "currency": settings.PROGRAMME_CURRENCY,
    }


def _end_of_today(at: datetime) -> datetime:
    return span_of(None, local_day(at))["until"]
