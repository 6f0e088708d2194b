"""Looking at everybody's tier, against a bare sum of the same year of orders in SQL.

Everybody has three orders in the last two years and stands where they stood; one in fifty has bought enough
since to rise, and of one in fifty the period is over. `--customers 1000000` is the size the limit is for.
"""

from datetime import timedelta

from benchmarks.measurement import Measurement, Size, median_seconds, seconds_of

SIZE = Size(customers=200_000, orders=600_000)
LIMIT, FOLLOW_LIMIT = 30.0, 0.02
FOLLOWED = 200

_PEOPLE = """
INSERT INTO customers_customer (public_id, status, kind, first_name, last_name, language, time_zone, country,
    region, city, postcode, street, attributes, profiling, created_at, updated_at)
SELECT gen_random_uuid(), 'ACTIVE', 'PERSON', 'Persona', n::text, 'it', '', 'IT', '', '', '', '', '{}',
       'ALLOWED', %(at)s - interval '800 days', %(at)s
FROM generate_series(1, %(people)s) AS n
"""
_ORDERS = """
INSERT INTO customers_order (source_id, external_id, customer_id, ordered_at, status, currency, total_amount,
    shipping_amount, refunded_amount, content_hash, created_at)
SELECT %(source)s, 'bench-' || c.id || '-' || n, c.id,
       %(at)s - make_interval(days => ((c.id * 37 + n * 181) %% 700)::int), 'PAID', 'EUR',
       2000 + (c.id * 7919 + n * 104729) %% 30000, 0, 0, '', %(at)s
FROM customers_customer c, generate_series(1, 3) AS n WHERE c.first_name = 'Persona'
"""
_FLOOR = """
SELECT count(*) FROM (
    SELECT customer_id, sum(net_amount) FROM customers_order
    WHERE status = 'PAID' AND currency = 'EUR' AND ordered_at >= %s AND customer_id IS NOT NULL GROUP BY 1
) AS sums
"""


def measure(size: Size = SIZE) -> list[Measurement]:
    """Return the nightly look at everybody, one that finds nothing, and what an order adds."""
    from django.db import connection
    from django.utils import timezone

    from customers.models import Customer
    from loyalty.models import TierPeriod
    from loyalty.services.tier_reviews import review_tiers
    from loyalty.services.tiers import follow_tier

    now = timezone.now()
    _fill(size, at=now)
    first = seconds_of(lambda: review_tiers(at=now, announce=False))
    _unsettle()
    night = seconds_of(lambda: review_tiers(at=now + timedelta(minutes=1)))

    def floor() -> None:
        with connection.cursor() as cursor:
            cursor.execute(_FLOOR, [now - timedelta(days=365)])

    taken = median_seconds(
        {"floor": floor, "quiet": lambda: review_tiers(at=now + timedelta(minutes=2))}, rounds=3
    )
    people = list(Customer.objects.order_by("pk")[:FOLLOWED])
    followed = seconds_of(lambda: [follow_tier(one, at=now) for one in people]) / FOLLOWED
    standing = TierPeriod.objects.open().count()
    bare = taken["floor"]
    return [
        Measurement(f"sums of a year, {size.customers:,} customers", bare, 1.0),
        Measurement("the first look at everybody", first, first / bare, note=f"{standing:,} on the ladder"),
        Measurement("a night: one in 50 rises, one in 50 is due", night, night / bare, limit=LIMIT),
        Measurement("a night with nothing to decide", taken["quiet"], taken["quiet"] / bare, limit=LIMIT),
        Measurement("what an order adds", followed, followed / bare, limit=FOLLOW_LIMIT),
    ]


def _fill(size: Size, *, at: object) -> None:
    from django.db import connection

    from customers.models import Source
    from loyalty.models import TierLadder
    from loyalty.services.tier_ladder import create_tier

    source, _ = Source.objects.get_or_create(code="bench", defaults={"name": "Benchmark"})
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, {"people": size.customers, "at": at})
        cursor.execute(_ORDERS, {"source": source.pk, "at": at})
        cursor.execute("ANALYZE customers_customer")
        cursor.execute("ANALYZE customers_order")
    TierLadder.objects.update_or_create(pk=1, defaults={"metric": "AMOUNT", "grace_days": 30})
    for code, threshold in (("bronze", 5_000), ("silver", 20_000), ("gold", 35_000)):
        create_tier(code=code, name=code.capitalize(), threshold=threshold, at=at)


def _unsettle() -> None:
    """Let one in fifty stand a step lower than they deserve, and let one in fifty be due."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE loyalty_tierperiod SET tier_id = (SELECT min(id) FROM loyalty_tier)"
            " WHERE id % 50 = 1 AND tier_id <> (SELECT min(id) FROM loyalty_tier)"
        )
        cursor.execute("UPDATE loyalty_tierperiod SET kept_until = '2020-01-01' WHERE id % 50 = 2")
