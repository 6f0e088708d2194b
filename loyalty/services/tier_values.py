"""What tiers are measured by, for some customers or for all of them at once: reads only."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from customers.models import Customer
from loyalty.tiers import Ladder, Metric, Source, full_years

LIVE = (Customer.Status.ACTIVE, Customer.Status.PROSPECT)

_SPENT = """
SELECT o.customer_id, sum(o.net_amount)::bigint AS value FROM customers_order o
WHERE o.status = 'PAID' AND o.currency = %(currency)s
  AND (%(since)s::timestamptz IS NULL OR o.ordered_at >= %(since)s) AND o.ordered_at < %(until)s
  AND o.customer_id {among}
GROUP BY 1
"""
# By the order's customer and day: after a merge was taken back, each has what they bought themselves.
_EARNED = """
SELECT customer_id, sum(points)::bigint AS value FROM (
    SELECT o.customer_id, a.points - a.clawed_back_points AS points
    FROM loyalty_pointsaccrual a JOIN customers_order o ON o.id = a.order_id
    WHERE a.points > 0
      AND (%(since)s::timestamptz IS NULL OR o.ordered_at >= %(since)s) AND o.ordered_at < %(until)s
      AND o.customer_id {among}
    UNION ALL
    SELECT account.customer_id, a.points - a.clawed_back_points
    FROM loyalty_pointsaccrual a
    JOIN coupons_ledgerentry entry ON entry.id = a.entry_id
    JOIN coupons_account account ON account.id = entry.account_id
    WHERE a.points > 0 AND a.order_id IS NULL
      AND (%(since)s::timestamptz IS NULL OR entry.occurred_at >= %(since)s) AND entry.occurred_at < %(until)s
      AND account.customer_id {among}
    {more}
) AS earned
GROUP BY 1
"""
_BY_ENTRY = """
    UNION ALL
    SELECT account.customer_id, entry.delta
    FROM coupons_ledgerentry entry JOIN coupons_account account ON account.id = entry.account_id
    WHERE account.kind = 'POINTS' AND ({which})
      AND (%(since)s::timestamptz IS NULL OR entry.occurred_at >= %(since)s) AND entry.occurred_at < %(until)s
      AND account.customer_id {among}
"""
# Who takes points by hand corrects what was given; over the API points are taken to be spent.
_QUALIFYING = {
    Source.PARTNERS: """
    UNION ALL
    SELECT posting.customer_id, posting.points FROM loyalty_partnerposting posting
    WHERE posting.kind = 'EARN' AND posting.points > 0
      AND NOT EXISTS (SELECT FROM loyalty_partnerposting back WHERE back.reverses_id = posting.id)
      AND (%(since)s::timestamptz IS NULL OR posting.posted_at >= %(since)s) AND posting.posted_at < %(until)s
      AND posting.customer_id {among}
""",
    Source.BY_HAND: _BY_ENTRY.replace(
        "{which}",
        "entry.source_key LIKE 'adjusted:request:%%'"
        " OR (entry.delta > 0 AND (entry.source_key LIKE 'adjusted:api:%%'"
        " OR entry.source_key ~ '^adjusted:[0-9a-f]{8}-'))",
    ),
    Source.REFERRALS: _BY_ENTRY.replace(
        "{which}",
        "entry.source_key LIKE 'adjusted:referral:%%' OR entry.source_key LIKE 'adjusted:reward:referral%%'",
    ),
}
_NOTHING = "SELECT NULL::bigint AS customer_id, NULL::bigint AS value WHERE false"
_STANDINGS = """
SELECT c.id, c.status, c.restricted_at IS NOT NULL AS restricted,
       least(c.created_at, r.first_order_at) AS known_since, coalesce(v.value, 0) AS value, p.tier_id
FROM customers_customer c
LEFT JOIN customers_rollup r ON r.customer_id = c.id AND r.scope = 'ALL' AND r.scope_value = ''
LEFT JOIN ({values}) v ON v.customer_id = c.id
LEFT JOIN loyalty_tierperiod p ON p.customer_id = c.id AND p.ended_at IS NULL
"""


@dataclass(frozen=True)
class Standing:
    """What one customer has reached on a day, in the window that ends then, and where they stand (`tier`)."""

    customer: int
    value: int
    years: int
    newcomer: bool = False
    live: bool = True
    tier: int | None = None


def standings_of(customer_ids: Iterable[int], ladder: Ladder, *, on: date) -> dict[int, Standing]:
    """Return what each of these customers has reached on a day, in one statement.

    Points count when they are earned, still pending or long spent, less what returns took back: those of
    purchases and events, and what else the ladder lets qualify. Amounts are minor units of the programme's
    currency, net of refunds.
    """
    first, last = ladder.window_on(on)
    parameters = span_of(first, last) | {"customers": list(customer_ids)}
    query = standings_query(ladder, everybody=False) + "WHERE c.id = ANY(%(customers)s)"
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return {one.customer: one for one in _standings(cursor.fetchall(), ladder, on)}


def standings_query(ladder: Ladder, *, everybody: bool) -> str:
    """Return a SELECT of what `Standing` holds; it takes the parameters of `span_of`, and `customers`."""
    values = values_query(ladder.metric, qualifying=ladder.qualifying, everybody=everybody)
    return _STANDINGS.replace("{values}", values)


def values_query(metric: Metric, *, qualifying: Collection[Source], everybody: bool) -> str:
    """Return a SELECT of `(customer_id, value)`; it takes the parameters of `span_of`, and `customers`."""
    query = {Metric.POINTS: _EARNED, Metric.AMOUNT: _SPENT, Metric.YEARS: _NOTHING}[metric]
    query = query.replace("{more}", "".join(_QUALIFYING[source] for source in sorted(qualifying)))
    return query.replace("{among}", "IS NOT NULL" if everybody else "= ANY(%(customers)s)")


def values_in(
    ladder: Ladder, customer_ids: Iterable[int], *, first: date | None, last: date
) -> dict[int, int]:
    """Return what these customers earned or spent from the first local day to the last; none is left out."""
    ids = list(customer_ids)
    values = dict.fromkeys(ids, 0)
    with connection.cursor() as cursor:
        query = values_query(ladder.metric, qualifying=ladder.qualifying, everybody=False)
        cursor.execute(query, span_of(first, last) | {"customers": ids})
        return values | {pk: max(0, value) for pk, value in cursor.fetchall()}


def span_of(first: date | None, last: date) -> dict[str, Any]:
    """Return the instants between which local days lie, and what else the queries of values take."""
    since = start_of(first) if first else None
    return {"since": since, "until": start_of(last + timedelta(1)), "currency": settings.PROGRAMME_CURRENCY}


def local_day(instant: datetime) -> date:
    """Return the day of an instant in the programme's time zone."""
    return instant.astimezone(ZoneInfo(settings.PROGRAMME_TIME_ZONE)).date()


def start_of(day: date) -> datetime:
    """Return the first instant of a day in the programme's time zone."""
    return datetime.combine(day, time.min, ZoneInfo(settings.PROGRAMME_TIME_ZONE))


def _standings(rows: Iterable[tuple], ladder: Ladder, on: date) -> Iterator[Standing]:
    for pk, status, restricted, known_since, value, tier in rows:
        years = full_years(local_day(known_since), on)
        yield Standing(
            customer=pk,
            value=years if ladder.metric is Metric.YEARS else max(0, value),
            years=years,
            newcomer=status != Customer.Status.ACTIVE,
            live=status in LIVE and not restricted,
            tier=tier,
        )
