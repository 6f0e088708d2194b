"""Key figures by period, and of the last days against the days before.

Months, quarters and years come from the monthly rollups, days and weeks from the orders; what is counted is
the same (docs/decisions/0051): a day is the programme's, a refund changes the day of its order. Anonymous
sales count in orders, net amount and average transaction, never in what needs a person.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from analytics.engine.postgres import first_instant
from analytics.periods import MONTHS, Grain, period_name, period_start, periods_between, shift
from operations.errors import InvalidInput

MOST_PERIODS = 1000

FROM_ROLLUPS = """
    SELECT date_trunc(%(grain)s, month)::date AS period, customer_id, sum(orders)::bigint AS orders,
           sum(net_amount)::bigint AS net_amount
    FROM customers_monthlyrollup
    WHERE scope = 'ALL' AND scope_value = '' AND month >= %(earliest)s AND month < %(end)s
    GROUP BY 1, 2
"""
FROM_ORDERS = """
    SELECT date_trunc(%(grain)s, ordered_at AT TIME ZONE %(zone)s)::date AS period, customer_id,
           count(*) AS orders, sum(net_amount)::bigint AS net_amount
    FROM customers_order
    WHERE status = 'PAID' AND currency = %(currency)s AND customer_id IS NOT NULL
      AND ordered_at >= %(earliest_at)s AND ordered_at < %(end_at)s
    GROUP BY 1, 2
"""
PURCHASES = """
SELECT period, count(*), count(*) FILTER (WHERE orders > 1), sum(orders)::bigint, sum(net_amount)::bigint,
       count(*) FILTER (WHERE before = (period - %(step)s::interval)::date)
FROM (SELECT *, lag(period) OVER (PARTITION BY customer_id ORDER BY period) AS before
      FROM ({active}) AS active) AS purchases
GROUP BY period
"""
ANONYMOUS = """
SELECT date_trunc(%(grain)s, ordered_at AT TIME ZONE %(zone)s)::date, count(*), sum(net_amount)::bigint
FROM customers_order
WHERE status = 'PAID' AND currency = %(currency)s AND customer_id IS NULL
  AND ordered_at >= %(start_at)s AND ordered_at < %(end_at)s
GROUP BY 1
"""
ANSWERS = """
SELECT date_trunc(%(grain)s, occurred_at AT TIME ZONE %(zone)s)::date, count(*),
       count(*) FILTER (WHERE score >= 9), count(*) FILTER (WHERE score <= 6)
FROM (SELECT occurred_at, (payload ->> 'score')::numeric AS score FROM customers_event
      WHERE type = 'nps.answered' AND payload ->> 'score' ~ '^([0-9]|10)$'
        AND occurred_at >= %(start_at)s AND occurred_at < %(end_at)s) AS answers
GROUP BY 1
"""
PUBLISHED = """
SELECT date_trunc(%(grain)s, publication.published_at AT TIME ZONE %(zone)s)::date, count(*),
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM coupons_redemption redemption
           WHERE redemption.coupon_id = publication.coupon_id AND redemption.status = 'REDEEMED'
             AND (NOT coupon.public OR redemption.customer_id = publication.customer_id)))
FROM coupons_publication publication JOIN coupons_coupon coupon ON coupon.id = publication.coupon_id
WHERE publication.status = 'PUBLISHED'
  AND publication.published_at >= %(start_at)s AND publication.published_at < %(end_at)s
GROUP BY 1
"""


@dataclass(frozen=True)
class Kpi:
    """The figures of one period. Rates are 0..1 or None without a base, amounts are minor units.

    `retention_rate`: who bought in the period before and in this one, out of the former. `repeat_rate`:
    buyers with more than one order in the period. `purchase_frequency`: orders per buyer. `nps`: -100..100.
    `redemption_rate`: coupons handed out in the period that were redeemed at least once since.
    """

    period: str
    starts_on: date
    retention_rate: float | None
    repeat_rate: float | None
    average_transaction_value: int | None
    purchase_frequency: float | None
    orders: int
    net_amount: int
    buyers: int
    nps: int | None
    redemption_rate: float | None


def kpis(from_: date, to: date, grain: str = Grain.MONTH) -> list[Kpi]:
    """Return the figures of every whole period that holds a day from `from_` to `to`, both included.

    Raises InvalidInput when `to` is before `from_`, or for more than a thousand periods.
    """
    grain = Grain(grain)
    if to < from_:
        raise InvalidInput.at("/to", _("The period ends before it starts."))
    starts = list(_bounded(from_, to, grain))
    figures = _Figures(starts, grain)
    return [figures.of(start) for start in starts]


def _bounded(from_: date, to: date, grain: Grain):
    for number, start in enumerate(periods_between(from_, to, grain)):
        if number == MOST_PERIODS:
            raise InvalidInput.at("/from", _("At most %(count)d periods at once.") % {"count": MOST_PERIODS})
        yield start


class _Figures:
    """Every query once, for all periods together; each leads from a period's first day to its numbers."""

    def __init__(self, starts: list[date], grain: Grain) -> None:
        self.grain = grain
        earliest, end = shift(starts[0], grain, -1), shift(starts[-1], grain, 1)
        self.parameters = {
            "grain": grain.value,
            "currency": settings.PROGRAMME_CURRENCY,
            "zone": settings.PROGRAMME_TIME_ZONE,
            "step": _step(grain),
            "earliest": earliest,
            "end": end,
            "earliest_at": first_instant(earliest),
            "start_at": first_instant(starts[0]),
            "end_at": first_instant(end),
        }
        source = FROM_ROLLUPS if grain in MONTHS else FROM_ORDERS
        self.purchases = self._by_period(PURCHASES.format(active=source))
        self.anonymous = self._by_period(ANONYMOUS)
        self.answers = self._by_period(ANSWERS)
        self.published = self._by_period(PUBLISHED)

    def of(self, start: date) -> Kpi:
        buyers, repeaters, orders, net, retained = self.purchases.get(start, (0, 0, 0, 0, 0))
        anonymous_orders, anonymous_net = self.anonymous.get(start, (0, 0))
        buyers_before = self.purchases.get(shift(start, self.grain, -1), (0,))[0]
        answers, promoters, detractors = self.answers.get(start, (0, 0, 0))
        published, redeemed = self.published.get(start, (0, 0))
        return Kpi(
            period=period_name(start, self.grain),
            starts_on=start,
            retention_rate=rate(retained, buyers_before),
            repeat_rate=rate(repeaters, buyers),
            average_transaction_value=average(net + anonymous_net, orders + anonymous_orders),
            purchase_frequency=rate(orders, buyers),
            orders=orders + anonymous_orders,
            net_amount=net + anonymous_net,
            buyers=buyers,
            nps=round(100 * (promoters - detractors) / answers) if answers else None,
            redemption_rate=rate(redeemed, published),
        )

    def _by_period(self, statement: str) -> dict[date, tuple]:
        with connection.cursor() as cursor:
            cursor.execute(statement, self.parameters)
            return {period: tuple(numbers) for period, *numbers in cursor.fetchall()}


def _step(grain: Grain) -> str:
    return f"{MONTHS[grain]} months" if grain in MONTHS else "7 days" if grain == Grain.WEEK else "1 day"


def rate(part: int, whole: int) -> float | None:
    """Return part / whole to six decimals, or None without a whole."""
    return round(part / whole, 6) if whole else None


def average(amount: int, count: int) -> int | None:
    """Return amount / count rounded half up, or None without a count."""
    return (2 * amount + count) // (2 * count) if count else None


@dataclass(frozen=True)
class Window:
    """Figures of some days in a row; amounts are minor units, rates 0..1 or None."""

    net_amount: int
    orders: int
    buyers: int
    repeaters: int
    new_customers: int
    published: int
    redeemed: int

    @property
    def average_transaction_value(self) -> int | None:
        return average(self.net_amount, self.orders)

    @property
    def repeat_rate(self) -> float | None:
        return rate(self.repeaters, self.buyers)

    @property
    def redemption_rate(self) -> float | None:
        return rate(self.redeemed, self.published)


@dataclass(frozen=True)
class Comparison:
    """The last days and as many before them; `retained` bought in both.

    `whole` says whether there were orders before both: else what came before is cut off, and no measure.
    """

    now: Window
    before: Window
    retained: int
    whole: bool

    @property
    def retention_rate(self) -> float | None:
        return rate(self.retained, self.before.buyers) if self.whole else None


TWO_WINDOWS = """
WITH buyers AS (
    SELECT customer_id,
           count(*) FILTER (WHERE ordered_at >= %(middle)s) AS orders_now,
           count(*) FILTER (WHERE ordered_at < %(middle)s) AS orders_before,
           coalesce(sum(net_amount) FILTER (WHERE ordered_at >= %(middle)s), 0) AS net_now,
           coalesce(sum(net_amount) FILTER (WHERE ordered_at < %(middle)s), 0) AS net_before
    FROM customers_order
    WHERE status = 'PAID' AND currency = %(currency)s AND ordered_at >= %(start)s AND ordered_at < %(end)s
    GROUP BY customer_id)
SELECT coalesce(sum(net_now), 0)::bigint, coalesce(sum(orders_now), 0)::bigint,
       count(customer_id) FILTER (WHERE orders_now > 0), count(customer_id) FILTER (WHERE orders_now > 1),
       coalesce(sum(net_before), 0)::bigint, coalesce(sum(orders_before), 0)::bigint,
       count(customer_id) FILTER (WHERE orders_before > 0),
       count(customer_id) FILTER (WHERE orders_before > 1),
       count(customer_id) FILTER (WHERE orders_now > 0 AND orders_before > 0)
FROM buyers
"""
NEW_CUSTOMERS = """
SELECT count(*) FILTER (WHERE first_order_at >= %(middle)s),
       count(*) FILTER (WHERE first_order_at < %(middle)s)
FROM customers_rollup
WHERE scope = 'ALL' AND scope_value = '' AND first_order_at >= %(start)s AND first_order_at < %(end)s
"""
TWO_PUBLISHED = """
SELECT count(*) FILTER (WHERE recent), count(*) FILTER (WHERE recent AND redeemed),
       count(*) FILTER (WHERE NOT recent), count(*) FILTER (WHERE NOT recent AND redeemed)
FROM (SELECT publication.published_at >= %(middle)s AS recent, EXISTS (
          SELECT FROM coupons_redemption redemption
          WHERE redemption.coupon_id = publication.coupon_id AND redemption.status = 'REDEEMED'
            AND (NOT coupon.public OR redemption.customer_id = publication.customer_id)) AS redeemed
      FROM coupons_publication publication JOIN coupons_coupon coupon ON coupon.id = publication.coupon_id
      WHERE publication.status = 'PUBLISHED'
        AND publication.published_at >= %(start)s AND publication.published_at < %(end)s
     ) AS handed_out
"""


def compare_days(days: int, *, until: date) -> Comparison:
    """Return the figures of the `days` days that end with `until`, and of as many before them."""
    end = until + timedelta(days=1)
    parameters = {
        "currency": settings.PROGRAMME_CURRENCY,
        "start": first_instant(end - timedelta(days=2 * days)),
        "middle": first_instant(end - timedelta(days=days)),
        "end": first_instant(end),
    }
    with connection.cursor() as cursor:
        cursor.execute(TWO_WINDOWS, parameters)
        *purchases, retained = cursor.fetchone()
        cursor.execute(NEW_CUSTOMERS, parameters)
        new = cursor.fetchone()
        cursor.execute(TWO_PUBLISHED, parameters)
        published = cursor.fetchone()
        cursor.execute(ANY_BEFORE, parameters)
        whole = cursor.fetchone()[0]
    return Comparison(
        now=Window(*purchases[:4], new[0], *published[:2]),
        before=Window(*purchases[4:], new[1], *published[2:]),
        retained=retained,
        whole=whole,
    )


ANY_BEFORE = "SELECT EXISTS (SELECT FROM customers_order WHERE ordered_at < %(start)s)"
REVENUE = """
SELECT date_trunc(%(grain)s, ordered_at AT TIME ZONE %(zone)s)::date, sum(net_amount)::bigint, count(*)
FROM customers_order
WHERE status = 'PAID' AND currency = %(currency)s AND ordered_at >= %(start)s AND ordered_at < %(end)s
GROUP BY 1
"""


def revenue_series(from_: date, to: date, grain: str = Grain.DAY) -> list[tuple[date, int, int]]:
    """Return (first day, net amount, orders) of each period from `from_` to `to`, empty ones too."""
    grain = Grain(grain)
    parameters = {
        "grain": grain.value,
        "currency": settings.PROGRAMME_CURRENCY,
        "zone": settings.PROGRAMME_TIME_ZONE,
        "start": first_instant(period_start(from_, grain)),
        "end": first_instant(to + timedelta(days=1)),
    }
    with connection.cursor() as cursor:
        cursor.execute(REVENUE, parameters)
        known = {start: (net, orders) for start, net, orders in cursor.fetchall()}
    return [(start, *known.get(start, (0, 0))) for start in periods_between(from_, to, grain)]
