"""What articles were offered for, day by day: the lowest price of the last 30 days is asked for by law."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import BigIntegerField, Case, OuterRef, QuerySet, Subquery, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Least

from customers.models import Product, ProductPrice

LOOKED_BACK = timedelta(days=30)


def record_prices(prices: Mapping[int, int], *, on: date) -> int:
    """Write down the prices of articles on a day, by their ids, in minor units; return how many there were.

    Told several times a day, the lowest and the last stand.
    """
    rows = sorted(prices.items())
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [on, [pk for pk, _amount in rows], [amount for _pk, amount in rows]])
        return cursor.rowcount


def collect_sold_prices(*, since: datetime, until: datetime) -> int:
    """Write down what the lines of the orders of a stretch of time were sold for, before any discount.

    A discount of a coupon is no price: it is given to somebody. Nor is what was handed over for nothing.
    A sale may lower the lowest price of its day; the price that a merchant told stays the last one.
    Returns how many articles and days that were.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _COLLECT,
            {
                "zone": settings.PROGRAMME_TIME_ZONE,
                "currency": settings.PROGRAMME_CURRENCY,
                "since": since,
                "until": until,
            },
        )
        return cursor.rowcount


def collect_last_prices() -> int:
    """Write down the last sale of each article of which no price is known; return how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            _COLLECT_LAST, {"zone": settings.PROGRAMME_TIME_ZONE, "currency": settings.PROGRAMME_CURRENCY}
        )
        return cursor.rowcount


def with_prices(products: QuerySet[Product], *, at: datetime) -> QuerySet[Product]:
    """Return the articles with `price_amount`, what they are offered for as far as we know, and
    `lowest_amount`, the lowest price of the 30 days before this day; each None when nobody told us.

    A price that a merchant told holds until the next one, so that the one in force when the 30 days began
    counts as well. Of an article whose price only its sales tell, the days of sale alone count.
    """
    day = _local_day(at)
    first = day - LOOKED_BACK
    own = ProductPrice.objects.filter(product=OuterRef("pk"))
    within = own.filter(day__lt=day, day__gte=first).order_by("lowest_amount").values("lowest_amount")
    in_force = own.filter(day__lte=first).order_by("-day").values("last_amount")
    return products.annotate(
        price_amount=Coalesce(
            "unit_price_amount",
            Subquery(own.filter(day__lte=day).order_by("-day").values("last_amount")[:1]),
            output_field=BigIntegerField(),
        ),
        lowest_amount=Least(
            Subquery(within[:1]),
            Case(When(unit_price_amount__isnull=False, then=Subquery(in_force[:1]))),
            output_field=BigIntegerField(),
        ),
    )


def raised_lately(products: QuerySet[Product], *, at: datetime) -> QuerySet[Product]:
    """Return those of the articles that cost more now than at some time in the 30 days before.

    They are looked for among the prices of these days, not article by article.
    """
    day = _local_day(at)
    first = day - LOOKED_BACK
    found = RawSQL(_RAISED, [day, first, day, first])
    return with_prices(products.filter(pk__in=found), at=at)


def _local_day(at: datetime) -> date:
    return at.astimezone(ZoneInfo(settings.PROGRAMME_TIME_ZONE)).date()


_SOLD_FOR = "round(coalesce(line.unit_price_amount, line.amount / line.quantity))"
_LOWEST = """ON CONFLICT (product_id, day) DO UPDATE SET
    lowest_amount = LEAST(price.lowest_amount, excluded.lowest_amount), last_amount = """
_RECORD = f"""
INSERT INTO customers_productprice AS price (product_id, day, lowest_amount, last_amount)
SELECT product_id, %s, amount, amount
FROM unnest(%s::bigint[], %s::bigint[]) AS given (product_id, amount)
{_LOWEST} excluded.last_amount
"""
_COLLECT = f"""
INSERT INTO customers_productprice AS price (product_id, day, lowest_amount, last_amount)
SELECT sold.product_id, sold.day, LEAST(sold.lowest, told.last_amount),
       coalesce(told.last_amount, sold.highest)
FROM (
    SELECT line.product_id, (sale.ordered_at AT TIME ZONE %(zone)s)::date AS day,
           min({_SOLD_FOR})::bigint AS lowest,
           max({_SOLD_FOR})::bigint AS highest
    FROM customers_orderline AS line JOIN customers_order AS sale ON sale.id = line.order_id
    WHERE sale.ordered_at >= %(since)s AND sale.ordered_at < %(until)s AND line.quantity > 0
      AND sale.currency = %(currency)s
      AND {_SOLD_FOR} > 0
    GROUP BY line.product_id, day
) AS sold JOIN customers_product AS product ON product.id = sold.product_id
LEFT JOIN LATERAL (
    SELECT known.last_amount FROM customers_productprice AS known
    WHERE known.product_id = product.id AND known.day <= sold.day AND product.unit_price_amount IS NOT NULL
    ORDER BY known.day DESC LIMIT 1
) AS told ON true
ORDER BY sold.product_id, sold.day
{_LOWEST} GREATEST(price.last_amount, excluded.last_amount)
"""
_COLLECT_LAST = f"""
INSERT INTO customers_productprice (product_id, day, lowest_amount, last_amount)
SELECT product.id, last.day, last.amount, last.amount
FROM customers_product AS product CROSS JOIN LATERAL (
    SELECT (sale.ordered_at AT TIME ZONE %(zone)s)::date AS day,
           {_SOLD_FOR}::bigint AS amount
    FROM customers_orderline AS line JOIN customers_order AS sale ON sale.id = line.order_id
    WHERE line.product_id = product.id AND line.quantity > 0 AND sale.currency = %(currency)s
      AND {_SOLD_FOR} > 0
    ORDER BY sale.ordered_at DESC LIMIT 1
) AS last
WHERE product.unit_price_amount IS NULL
  AND NOT EXISTS (SELECT FROM customers_productprice AS known WHERE known.product_id = product.id)
ON CONFLICT (product_id, day) DO NOTHING
"""
_RAISED = """
SELECT seen.product_id
FROM (
    SELECT product_id, min(lowest_amount) FILTER (WHERE day < %s) AS lowest_amount,
           (array_agg(last_amount ORDER BY day DESC))[1] AS last_amount
    FROM customers_productprice WHERE day BETWEEN %s AND %s GROUP BY product_id
) AS seen JOIN customers_product AS product ON product.id = seen.product_id
LEFT JOIN LATERAL (
    SELECT price.last_amount FROM customers_productprice AS price
    WHERE price.product_id = product.id AND price.day <= %s AND product.unit_price_amount IS NOT NULL
    ORDER BY price.day DESC LIMIT 1
) AS in_force ON true
WHERE LEAST(seen.lowest_amount, in_force.last_amount) < coalesce(product.unit_price_amount, seen.last_amount)
"""
