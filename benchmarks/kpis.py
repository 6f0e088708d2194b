"""Key figures over ten million purchases of a million customers, against a bare read of the same days.

The purchases stand as kept days, as `refresh_days` writes them, those of today as orders. The floor of the
key figures reads the two columns of the days that they need. pandas gets the columns in memory and counts
buyers and revenue by month; what both define is equal.
"""

from datetime import UTC, date, datetime, time, timedelta
from io import StringIO

from benchmarks.measurement import Measurement, Size, median_seconds, slowest_seconds

SIZE = Size(customers=1_000_000, orders=10_000_000)
DAYS = 1_096
ROUNDS = 3
CASES = 40
TODAY = datetime.now(UTC).date()
START = TODAY - timedelta(days=DAYS)
YEAR = (TODAY - timedelta(days=364), TODAY)
TODAYS_ORDERS = """
INSERT INTO customers_order (source_id, external_id, customer_id, ordered_at, status, currency, total_amount,
    shipping_amount, refunded_amount, content_hash, created_at)
SELECT source.id, 'today ' || number, 1 + floor({customers} * random())::int, timestamptz '{midnight}',
       'PAID', 'EUR', 100 + floor(20000 * random()), 0, 0, '', now()
FROM generate_series(1, {orders}) AS number, customers_source source WHERE source.code = 'bench'
"""


def measure(size: Size = SIZE) -> list[Measurement]:
    """Return the table of key figures, cohorts, the home page and the count of a day beside their floors."""
    _prepare(size)
    return [*_figures(size), *_cohorts(), *_home()]


def _figures(size: Size) -> list[Measurement]:
    from analytics.periods import Grain
    from analytics.services import kpis
    from analytics.windows import Scope

    web = Scope("CHANNEL", "web")
    seconds = median_seconds(
        {
            "floor": lambda: _read(*YEAR),
            "kpis": lambda: kpis(*YEAR, Grain.MONTH),
            "channel": lambda: kpis(*YEAR, Grain.MONTH, scope=web),
            "pandas": lambda: _pandas(*YEAR),
        },
        rounds=ROUNDS,
    )
    ours, theirs = kpis(*YEAR, Grain.MONTH), _pandas(*YEAR)
    whole = [each for each in ours if YEAR[0] <= each.starts_on and each.starts_on.month != TODAY.month]
    for each in whole:
        if theirs[each.period] != (each.buyers, each.net_amount):
            raise AssertionError(f"{each.period}: {theirs[each.period]} is not {each}")
    floor = seconds["floor"]
    return [
        Measurement("floor: the two columns of a year", floor, 1.0, note=f"{size.orders:,} purchases in all"),
        Measurement("key figures of a year by month", seconds["kpis"], seconds["kpis"] / floor, limit=1.0),
        Measurement("the same of one channel", seconds["channel"], seconds["channel"] / floor, limit=1.0),
        Measurement(
            "pandas on the same columns",
            seconds["pandas"],
            seconds["pandas"] / floor,
            note=f"buyers and revenue of {len(whole)} months equal",
        ),
    ]


def _cohorts() -> list[Measurement]:
    from analytics.services import monthly_cohorts

    seconds = median_seconds(
        {
            "floor": lambda: _read(START, TODAY),
            "cohorts": lambda: monthly_cohorts(36, until=TODAY),
        },
        rounds=ROUNDS,
    )
    floor = seconds["floor"]
    return [
        Measurement("floor: the two columns of three years", floor, 1.0),
        Measurement("cohorts, 36 x 36", seconds["cohorts"], seconds["cohorts"] / floor, limit=6.0),
    ]


def _home() -> list[Measurement]:
    from django.test import Client

    from operations.models import User

    visitor = Client(HTTP_HOST="127.0.0.1")
    user, _ = User.objects.get_or_create(
        username="bench", defaults={"is_staff": True, "is_superuser": True, "is_active": True}
    )
    visitor.force_login(user)
    visitor.get("/console/")

    def ask(days: int) -> None:
        answer = visitor.get(f"/console/?days={days}")
        if answer.status_code != 200:
            raise AssertionError(answer.status_code)

    cases = [(7, 30, 90, 30)[number % 4] for number in range(CASES)]
    bare = {"bare": lambda days: _read(TODAY - timedelta(days=2 * days), TODAY), "page": ask}
    seconds = slowest_seconds(bare, cases)
    return [
        Measurement("floor: the two columns of both periods", seconds["bare"], 1.0),
        Measurement("home page", seconds["page"], seconds["page"] / seconds["bare"], limit=0.3),
    ]


def _read(start: date, end: date) -> None:
    import psycopg
    from django.db import connection

    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(
            "SELECT customers, amounts FROM analytics_purchaseday"
            " WHERE product_line = '' AND day >= %s AND day < %s",
            [start, end],
            binary=True,
        ).fetchall()


def _pandas(start: date, end: date) -> dict[str, tuple[int, int]]:
    import pandas as pd

    from analytics.services.days import read_days

    bought = read_days(start, end + timedelta(days=1))
    frame = pd.DataFrame({"day": bought.days, "customer": bought.customers, "amount": bought.amounts})
    frame["month"] = pd.to_datetime(frame["day"], unit="D").dt.to_period("M").astype(str)
    each = frame.groupby(["month", "customer"])["amount"].agg(["size", "sum"])
    months = each.groupby("month")["sum"].agg(["size", "sum"])
    return {month: (int(row["size"]), int(row["sum"])) for month, row in months.iterrows()}


def _prepare(size: Size) -> None:
    """Write the days and the customers' first orders as they would be after three years."""
    import numpy as np
    from django.db import connection

    from analytics.models import PurchaseDay
    from customers.models import SalesChannel, Source

    Source.objects.create(code="bench", name="Bench")
    web, store = (SalesChannel.objects.create(code=code) for code in ("web", "store"))
    numbers = np.random.default_rng(1)
    first = np.full(size.customers + 1, DAYS, np.int32)
    each = size.orders // DAYS
    rows = []
    for place in range(DAYS):
        # Squared, so that some buy often and many seldom.
        customers = (1 + size.customers * numbers.random(each) ** 2).astype("<i4")
        amounts = numbers.integers(100, 20_000, each, dtype="<i8")
        channels = numbers.choice(np.array([web.pk, store.pk], "<i4"), each)
        np.minimum.at(first, customers, place)
        rows.append(
            PurchaseDay(
                day=START + timedelta(days=place),
                orders=each,
                net_amount=int(amounts.sum()),
                customers=customers.tobytes(),
                amounts=amounts.tobytes(),
                channels=channels.tobytes(),
                stores=bytes(4 * each),
                units=bytes(4 * each),
                counted_at=datetime.now(UTC),
            )
        )
        if len(rows) == 100:
            PurchaseDay.objects.bulk_create(rows)
            rows = []
    PurchaseDay.objects.bulk_create(rows)
    bought = np.flatnonzero(first < DAYS)
    lines = StringIO(
        "".join(
            f"{pk}\tALL\t\t1\t1\t{moment}\t{moment}\n"
            for pk, moment in zip(
                bought.tolist(),
                (f"{START + timedelta(days=int(day))} 12:00+00" for day in first[bought]),
                strict=True,
            )
        )
    )
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # There are no rows of customers.
        columns = "customer_id, scope, scope_value, orders, net_amount, first_order_at, last_order_at"
        with cursor.copy(f"COPY customers_rollup ({columns}) FROM STDIN") as copy:
            copy.write(lines.getvalue())
        midnight = datetime.combine(TODAY, time(0, 5), UTC)
        cursor.execute(TODAYS_ORDERS.format(customers=size.customers, orders=each // 2, midnight=midnight))
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE customers_rollup, customers_order, analytics_purchaseday")
