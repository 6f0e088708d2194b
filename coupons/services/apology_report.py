"""What apologies did: whether those who got one still buy, beside similar customers who got none.

Nobody was drawn by lot, so the difference is no proof: who complains differs from who does not. "Similar" is
the same band of recency, of orders and of spending, at the same time.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from coupons.rules import local_day, start_of_day

log = structlog.get_logger(__name__)
KEPT_UNDER = "apology-report"
KEPT_SECONDS = 26 * 3600
MONTHS = 13
WINDOWS = (30, 90)
SAMPLED = 2_500
FEWEST = 5  # A cell with fewer untreated customers says nothing.


@dataclass(frozen=True)
class Comparison:
    """Of how many who got an apology so many days ago at least, which share bought again since.

    `similar_rate` is that of untreated customers in the same cells; None where nobody compares. Rates are
    over the `comparable` ones alone.
    """

    days: int
    treated: int
    comparable: int
    rate: Decimal | None
    similar_rate: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """Return by how much more of them bought, in points of a share."""
        return None if self.rate is None else self.rate - self.similar_rate


@dataclass(frozen=True)
class Month:
    """One local month: what was given, and how many complained of how many orders."""

    first: date
    apologies: int
    worth_amount: int
    complaints: int
    orders: int

    @property
    def complaint_rate(self) -> Decimal | None:
        """Return complaints per 1,000 orders."""
        return Decimal(1000 * self.complaints) / self.orders if self.orders else None


@dataclass(frozen=True)
class ApologyReport:
    """The last thirteen months, the oldest first."""

    comparisons: list[Comparison]
    months: list[Month]

    @property
    def apologies(self) -> int:
        return sum(month.apologies for month in self.months)

    @property
    def worth_amount(self) -> int:
        return sum(month.worth_amount for month in self.months)


def known_apology_report(*, at: datetime) -> ApologyReport:
    """Return the report of last night; where nobody remembers one, it is made."""
    try:
        known = cache.get(KEPT_UNDER)
    except Exception:
        log.error("apology_report_unremembered")
        return apology_report(at=at)
    return known or refresh_apology_report(at=at)


def refresh_apology_report(*, at: datetime) -> ApologyReport:
    """Make the report and remember it for the page."""
    report = apology_report(at=at)
    cache.set(KEPT_UNDER, report, KEPT_SECONDS)
    return report


def apology_report(*, at: datetime) -> ApologyReport:
    """Return what apologies did up to this instant; a look at a sample of thousands, so it takes a second."""
    firsts = _firsts(at)
    values = {
        "zone": settings.PROGRAMME_TIME_ZONE,
        "currency": settings.PROGRAMME_CURRENCY,
        "since": start_of_day(firsts[0], settings.PROGRAMME_TIME_ZONE),
        "at": at,
        "sampled": SAMPLED,
        "fewest": FEWEST,
        "soon": timedelta(days=WINDOWS[0]),
        "late": timedelta(days=WINDOWS[1]),
    }
    return ApologyReport(comparisons=_comparisons(values), months=_months(firsts, values))


def _firsts(at: datetime) -> list[date]:
    """Return the first day of each month, the oldest first."""
    first = local_day(at, settings.PROGRAMME_TIME_ZONE).replace(day=1)
    found = [first]
    while len(found) < MONTHS:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[::-1]


def _comparisons(values: dict[str, Any]) -> list[Comparison]:
    with connection.cursor() as cursor:
        cursor.execute(_COMPARE, values)
        found = cursor.fetchone()
    return [Comparison(days, *found[4 * place : 4 * place + 4]) for place, days in enumerate(WINDOWS)]


def _months(firsts: list[date], values: dict[str, Any]) -> list[Month]:
    with connection.cursor() as cursor:
        cursor.execute(_BY_MONTH, values)
        found = {first: rest for first, *rest in cursor.fetchall()}
    return [Month(first, *found.get(first, (0, 0, 0, 0))) for first in firsts]


_CELL = """
    CASE WHEN last_at IS NULL THEN -1 WHEN last_at > moment - interval '30 days' THEN 0
         WHEN last_at > moment - interval '90 days' THEN 1 WHEN last_at > moment - interval '180 days' THEN 2
         WHEN last_at > moment - interval '365 days' THEN 3 ELSE 4 END AS recency,
    CASE WHEN orders = 0 THEN 0 WHEN orders = 1 THEN 1 WHEN orders < 4 THEN 2 WHEN orders < 10 THEN 3
         WHEN orders < 20 THEN 4 ELSE 5 END AS frequency,
    floor(log(greatest(amount, 1)))::int AS spending
"""
_HISTORY = """
    SELECT count(*) FILTER (WHERE ordered_at <= moment) AS orders,
           max(ordered_at) FILTER (WHERE ordered_at <= moment) AS last_at,
           coalesce(sum(total_amount - refunded_amount) FILTER (WHERE ordered_at <= moment), 0) AS amount,
           count(*) FILTER (WHERE ordered_at > moment AND ordered_at <= moment + %(soon)s) > 0 AS soon,
           CASE WHEN moment <= %(at)s - %(late)s THEN
               count(*) FILTER (WHERE ordered_at > moment AND ordered_at <= moment + %(late)s) > 0 END AS late
    FROM customers_order
    WHERE customer_id = person AND status = 'PAID' AND currency = %(currency)s
      AND ordered_at <= moment + %(late)s
"""
# Who was treated counts once a month, at their first apology of it; who was not is looked at in its middle.
_COMPARE = f"""
WITH treatment AS (
    SELECT customer_id AS person, date_trunc('month', issued_at AT TIME ZONE %(zone)s) AS month,
           min(issued_at) AS moment
    FROM coupons_apology
    WHERE status = 'ISSUED' AND issued_at >= %(since)s AND issued_at <= %(at)s - %(soon)s
    GROUP BY 1, 2
), treated AS (
    SELECT month, soon, late, {_CELL} FROM treatment, LATERAL ({_HISTORY}) AS history
), sample AS (
    SELECT id AS person FROM customers_customer
    WHERE status = 'ACTIVE' AND mod(abs(hashint8(id)::bigint), (
        SELECT greatest(1, ceil(reltuples / %(sampled)s))::bigint FROM pg_class
        WHERE oid = 'customers_customer'::regclass)) = 0
), moments AS (
    SELECT DISTINCT month, (month + interval '14 days') AT TIME ZONE %(zone)s AS moment FROM treatment
), untreated AS (
    SELECT month, soon, late, {_CELL}
    FROM moments CROSS JOIN sample, LATERAL ({_HISTORY}) AS history
    WHERE moment <= %(at)s - %(soon)s
      AND NOT EXISTS (
        SELECT 1 FROM coupons_apology AS apology
        WHERE apology.customer_id = person AND apology.status = 'ISSUED'
          AND apology.issued_at > moment - 2 * %(late)s AND apology.issued_at <= moment + %(late)s)
), cells AS (
    SELECT month, recency, frequency, spending, avg(soon::int) AS soon_rate, avg(late::int) AS late_rate
    FROM untreated GROUP BY 1, 2, 3, 4 HAVING count(*) >= %(fewest)s
), paired AS (
    SELECT soon, late, soon_rate, CASE WHEN late IS NOT NULL THEN late_rate END AS late_rate
    FROM treated LEFT JOIN cells USING (month, recency, frequency, spending)
)
SELECT count(*), count(soon_rate), avg(soon::int) FILTER (WHERE soon_rate IS NOT NULL), avg(soon_rate),
       count(late), count(late_rate), avg(late::int) FILTER (WHERE late_rate IS NOT NULL), avg(late_rate)
FROM paired
"""
_BY_MONTH = """
WITH given AS (
    SELECT date_trunc('month', issued_at AT TIME ZONE %(zone)s)::date AS first, count(*) AS apologies,
           sum(worth_amount) AS worth
    FROM coupons_apology WHERE status = 'ISSUED' AND issued_at >= %(since)s AND issued_at <= %(at)s GROUP BY 1
), complaints AS (
    SELECT date_trunc('month', occurred_at AT TIME ZONE %(zone)s)::date AS first, count(*) AS complaints
    FROM customers_event
    WHERE type = 'complaint.made' AND occurred_at >= %(since)s AND occurred_at <= %(at)s GROUP BY 1
), orders AS (
    SELECT date_trunc('month', ordered_at AT TIME ZONE %(zone)s)::date AS first, count(*) AS orders
    FROM customers_order
    WHERE status = 'PAID' AND currency = %(currency)s AND ordered_at >= %(since)s AND ordered_at <= %(at)s
    GROUP BY 1
)
SELECT first, coalesce(apologies, 0), coalesce(worth, 0)::bigint, coalesce(complaints, 0), coalesce(orders, 0)
FROM given FULL JOIN complaints USING (first) FULL JOIN orders USING (first)
"""
