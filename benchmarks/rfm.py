"""RFM over a million orders of a hundred thousand customers, against a bare index-only GROUP BY.

The floor reads what every run has to read: each customer's count, sum and last order, in index order. A run
also cuts the population into fifths, scores it, finds what differs from the stored scores and writes it.
"""

from datetime import date, timedelta
from itertools import count

from benchmarks.measurement import Measurement, median_seconds

CUSTOMERS = 100_000
ORDERS = 1_000_000
NEW_ORDERS = 4_000
AS_OF = date(2026, 11, 21)

PREPARE = [
    "INSERT INTO customers_source (code, name, kind, trust, created_at)"
    " VALUES ('bench', 'Bench', 'FIRST_PARTY', 50, now())",
    f"""
    INSERT INTO customers_customer (public_id, status, kind, first_name, last_name, language, time_zone,
        country, region, city, postcode, street, attributes, created_at, updated_at)
    SELECT gen_random_uuid(), 'ACTIVE', 'PERSON', 'Anna', 'Rossi ' || number, 'it', '', 'IT', '', 'Milano',
           '', '', '{{}}', now(), now()
    FROM generate_series(1, {CUSTOMERS}) AS number
    """,
    "SELECT setseed(0.5)",
    "SET session_replication_role = replica",  # Filling the tables is not measured: no checks of keys.
]
# In the order of time, as orders arrive: the index is in customer order, the table is not. Squaring a random
# number makes some customers buy often and many seldom; a quarter of the orders have the same few amounts.
BUY = """
INSERT INTO customers_order (source_id, external_id, customer_id, ordered_at, status, currency, total_amount,
    shipping_amount, refunded_amount, content_hash, created_at)
SELECT source.id, '{prefix}' || number, people.first + floor({customers} * random() * random())::int,
       timestamptz '{start}' + interval '1 second' * floor(86400.0 * {days} * number / {orders}),
       'PAID', 'EUR', 100 + floor(20000 * random() * random() * random()), 0, 0, '', now()
FROM generate_series(1, {orders}) AS number, customers_source source,
     (SELECT min(id) AS first FROM customers_customer) AS people
WHERE source.code = 'bench'
"""
FLOOR = """
SELECT count(*), sum(orders), sum(amount), max(last) FROM (
    SELECT count(*) AS orders, sum(net_amount) AS amount, max(ordered_at) AS last
    FROM customers_order WHERE status = 'PAID' AND currency = 'EUR' AND customer_id IS NOT NULL
    GROUP BY customer_id) AS customers
"""


def measure() -> list[Measurement]:
    """Return the floor and the runs: the first, the same again, and a night with some new orders."""
    _prepare()
    numbers = count()
    model, stage = _model(next(numbers)), {}

    def first_run() -> None:
        stage["model"] = _model(next(numbers))
        _run(stage["model"])

    def same_again() -> None:
        _run(stage["model"])

    def one_night() -> None:
        _run(stage["model"])

    def new_orders() -> None:
        _buy(NEW_ORDERS, start=AS_OF - timedelta(days=1), days=1, prefix=f"night {next(numbers)} ")

    _run(model)
    seconds = median_seconds(
        {
            "floor": _floor,
            "first": first_run,
            "again": same_again,
            "new orders": new_orders,
            "night": one_night,
        }
    )
    last = stage["model"].runs.done().first()
    notes = {
        "floor": f"{ORDERS:,} orders of {last.population:,} customers",
        "first": f"{last.population:,} scores, transitions and memberships written",
        "again": "nothing changed, nothing written",
        "night": f"{NEW_ORDERS:,} new orders, {last.changed_rows:,} scores changed, {last.moves:,} moves",
    }
    names = {
        "floor": "floor: index-only GROUP BY customer",
        "again": "RFM run, same data again",
        "night": "RFM run after a night's orders",
        "first": "RFM run, first of its model",
    }
    targets = {"again": 2.0, "night": 2.0}
    return [
        Measurement(names[key], seconds[key], seconds[key] / seconds["floor"], targets.get(key), notes[key])
        for key in names
    ]


def _prepare() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in PREPARE:
            cursor.execute(statement)
    _buy(ORDERS, start=AS_OF - timedelta(days=731), days=730, prefix="order ")
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE customers_order, customers_customer")
        cursor.execute("CHECKPOINT")


def _buy(orders: int, *, start: date, days: int, prefix: str) -> None:
    from django.db import connection

    statement = BUY.format(orders=orders, start=start, days=days, prefix=prefix, customers=CUSTOMERS)
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _floor() -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_hashagg = off; SET LOCAL enable_seqscan = off")
        cursor.execute(FLOOR)


def _model(number: int):
    from analytics.services import create_rfm_model

    return create_rfm_model(f"bench-{number}", name=f"Bench {number}")


def _run(model) -> None:
    from analytics.services import run_rfm

    run_rfm(model, as_of=AS_OF)
