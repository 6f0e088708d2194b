"""RFM over the orders of a tenth as many customers, against a bare index-only GROUP BY.

The floor reads what every full run has to read: each customer's count, sum and last order, in index order. A
run also cuts the population into fifths, scores it, finds what differs from the stored scores and writes it.
Beside it, on the same data: pandas over COPY, and the summary of `lifetimes`; their results must be the same.
"""

import io
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

from benchmarks.measurement import Measurement, Size, median_seconds, seconds_of
from benchmarks.memory import peak_megabytes

SIZE = Size(customers=100_000, orders=1_000_000)
FIRST_DAY = date(2026, 11, 21)
# A night brings one order for so many there are; each of the sales channels is a scope.
NIGHT = 250
CHANNELS = 8
MEGABYTES = 300

PREPARE = [
    "INSERT INTO customers_saleschannel (code, name)"
    f" SELECT 'channel-' || number, '' FROM generate_series(1, {CHANNELS}) AS number",
    """
    INSERT INTO customers_customer (public_id, status, kind, first_name, last_name, language, time_zone,
        country, region, city, postcode, street, attributes, created_at, updated_at)
    SELECT gen_random_uuid(), 'ACTIVE', 'PERSON', 'Anna', 'Rossi ' || number, 'it', '', 'IT', '', 'Milano',
           '', '', '{{}}', now(), now()
    FROM generate_series(1, {customers}) AS number
    """,
    "SELECT setseed(0.5)",
    "SET session_replication_role = replica",  # Filling the tables is not measured: no checks of keys.
]
# In the order of time, as orders arrive: the index is in customer order, the table is not. Squaring a random
# number makes some customers buy often and many seldom; a quarter of the orders have the same few amounts.
BUY = """
INSERT INTO customers_order (source_id, external_id, customer_id, ordered_at, status, currency, total_amount,
    shipping_amount, refunded_amount, content_hash, created_at, sales_channel_id)
SELECT source.id, '{prefix}' || number, people.first + floor({customers} * random() * random())::int,
       timestamptz '{start}' + interval '1 second' * floor(86400.0 * {days} * number / {orders}),
       'PAID', 'EUR', 100 + floor(20000 * random() * random() * random()), 0, 0, '', now(),
       channels.first + floor({channels} * random())::int
FROM generate_series(1, {orders}) AS number, customers_source source,
     (SELECT min(id) AS first FROM customers_customer) AS people,
     (SELECT min(id) AS first FROM customers_saleschannel) AS channels
WHERE source.code = 'bench'
"""
FLOOR = """
SELECT count(*), sum(orders), sum(amount), max(last) FROM (
    SELECT count(*) AS orders, sum(net_amount) AS amount, max(ordered_at) AS last
    FROM customers_order WHERE status = 'PAID' AND currency = 'EUR' AND customer_id IS NOT NULL
    GROUP BY customer_id) AS customers
"""
ALL_ORDERS = """
COPY (SELECT customer_id, (ordered_at AT TIME ZONE 'Europe/Rome')::date - date '1970-01-01', net_amount
      FROM customers_order WHERE status = 'PAID' AND customer_id IS NOT NULL) TO STDOUT (FORMAT csv)
"""


@dataclass
class Shop:
    """The synthetic shop on a day of its life."""

    size: Size
    day: date = FIRST_DAY
    numbers: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        from django.db import connection

        from customers.models import Source

        Source.objects.create(code="bench", name="Bench")
        with connection.cursor() as cursor:
            for statement in PREPARE:
                cursor.execute(statement.format(customers=self.size.customers))
        self._buy(self.size.orders, days=730)
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = DEFAULT")
            cursor.execute("VACUUM ANALYZE customers_order, customers_customer")
            cursor.execute("CHECKPOINT")
        self.main = self.new_model()
        self.run()
        self.scoped = [self.new_model(f"channel-{number}") for number in range(1, CHANNELS + 1)]
        for model in self.scoped:
            self.run(model)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE analytics_rfmscore")

    def new_model(self, channel: str = ""):
        from analytics.services import create_rfm_model

        scope = {"scope": "CHANNEL", "scope_value": channel} if channel else {}
        number = next(self.numbers)
        return create_rfm_model(f"bench-{number}", name=f"Bench {number}", minimum_population=1, **scope)

    def run(self, model=None, *, everybody: bool = False):
        from analytics.services import run_rfm

        return run_rfm(model or self.main, as_of=self.day, everybody=everybody)

    def run_scopes(self) -> None:
        from analytics.services import run_rfm_models

        run_rfm_models(self.scoped, as_of=self.day, everybody=True)

    def pass_a_day(self) -> None:
        """Let a day pass on which people buy."""
        self.day += timedelta(days=1)
        self._buy(self.size.orders // NIGHT, days=1)

    def _buy(self, orders: int, *, days: int) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                BUY.format(
                    orders=orders,
                    start=self.day - timedelta(days=days),
                    days=days * 0.95,
                    prefix=f"{next(self.numbers)} ",
                    customers=self.size.customers,
                    channels=CHANNELS,
                )
            )


def measure(size: Size = SIZE) -> list[Measurement]:
    """Return the floor, the runs, and what others make of the same orders."""
    shop = Shop(size)
    last: dict[str, Any] = {}

    def remember(name: str, *arguments: Any, **options: Any):
        last[name] = shop.run(*arguments, **options)

    seconds = median_seconds(
        {
            "floor": _floor,
            "full": lambda: remember("full", everybody=True),
            "again": lambda: remember("again"),
            "a day": shop.pass_a_day,
            "night": lambda: remember("night"),
            "one scope": lambda: remember("one scope", shop.scoped[0], everybody=True),
            "scopes": shop.run_scopes,
            "first": lambda: remember("first", shop.new_model()),
        },
        rounds=3,
    )
    memory = peak_megabytes(lambda: shop.run(everybody=True))
    seconds |= _others(shop)
    floor = seconds["floor"]
    population = last["full"].population

    def row(key: str, name: str, note: str, **goals: float) -> Measurement:
        return Measurement(name, seconds[key], seconds[key] / goals.pop("to", floor), note=note, **goals)

    full, night, first = last["full"], last["night"], last["first"]
    return [
        row(
            "floor",
            "floor: index-only GROUP BY customer",
            f"{size.orders:,} orders, {population:,} customers",
        ),
        row(
            "full",
            "RFM, all orders read and compared",
            f"{memory:.0f} MB of memory (at most {MEGABYTES}), {full.changed_rows:,} rows written",
            target=2,
        ),
        row("again", "RFM, the same day again", f"{last['again'].changed_rows:,} rows written", target=1),
        row(
            "night",
            "RFM after a night's orders",
            f"{size.orders // NIGHT:,} orders, {night.reread:,} customers read, {night.changed_rows:,} rows"
            f" written, {night.moves:,} moves",
            limit=5,
        ),
        row("first", "RFM, first run of a model", f"{first.population:,} scores and memberships written"),
        row(
            "one scope",
            "RFM of one sales channel, all orders read",
            f"{last['one scope'].population:,} customers",
        ),
        row(
            "scopes",
            f"RFM of {CHANNELS} sales channels, all orders read once for all",
            "ratio to one of them",
            target=4,
            to=seconds["one scope"],
        ),
        row("pandas", "pandas over COPY: totals, fifths, scores", "the same scores"),
        row("lifetimes", "lifetimes: its summary of a frame in memory", "the same days and customers"),
    ]


def _floor() -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_hashagg = off; SET LOCAL enable_seqscan = off")
        cursor.execute(FLOOR)


def _others(shop: Shop) -> dict[str, float]:
    """Return how long pandas and lifetimes take, once each; raise where their results are others."""
    import pandas as pd

    found: dict[str, Any] = {}

    def with_pandas() -> None:
        found["orders"] = _frame()
        found["scores"] = _scores(found["orders"], shop.day)

    taken = {"pandas": seconds_of(with_pandas)}
    _compare(shop, found["scores"])
    orders = found["orders"]
    orders["day"] = pd.to_datetime(orders["day"], unit="D")

    def with_lifetimes() -> None:
        from lifetimes.utils import summary_data_from_transaction_data

        found["summary"] = summary_data_from_transaction_data(
            orders, "customer", "day", monetary_value_col="net", observation_period_end=shop.day
        )

    taken["lifetimes"] = seconds_of(with_lifetimes)
    summary = found["summary"]
    theirs = dict((summary["T"] - summary["recency"]).astype("int64").items())
    ours = dict(found["scores"]["days"].items())
    if theirs != ours:
        other = next(pk for pk in ours if ours[pk] != theirs.get(pk))
        raise AssertionError(f"customer {other}: {ours[other]} days, by lifetimes {theirs.get(other)}")
    return taken


def _frame():
    import pandas as pd
    from django.db import connection

    text = io.BytesIO()
    with connection.cursor() as cursor, cursor.copy(ALL_ORDERS) as copy:
        for block in copy:
            text.write(block)
    text.seek(0)
    return pd.read_csv(text, names=["customer", "day", "net"], dtype="int64")


def _scores(orders, as_of: date):
    """Score in pandas what a run scores in SQL."""
    import numpy as np

    from analytics.rules import quantile_thresholds

    totals = orders.groupby("customer").agg(last=("day", "max"), f=("net", "size"), m=("net", "sum"))
    totals["days"] = (as_of - date(1970, 1, 1)).days - totals["last"]
    scored = totals[["days"]].copy()
    recency = quantile_thresholds(totals["days"], smaller_is_better=True)
    scored["r"] = 1 + sum((totals["days"] < step).astype(int) for step in recency)
    for name in ("f", "m"):
        values = totals[name].to_numpy()
        steps = quantile_thresholds(values.tolist())
        scored[name] = 1 + sum((values > step).astype(int) for step in np.array(steps))
    return scored


def _compare(shop: Shop, scored) -> None:
    from analytics.models import RfmScore

    stored = {
        customer: (r, f, m)
        for customer, r, f, m in RfmScore.objects.of(shop.main)
        .values_list("customer", "r", "f", "m")
        .iterator()
    }
    theirs = dict(zip(scored.index, zip(scored["r"], scored["f"], scored["m"], strict=True), strict=True))
    if stored != theirs:
        raise AssertionError("pandas scores somebody otherwise")
