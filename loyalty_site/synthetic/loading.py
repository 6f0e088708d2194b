"""The load: COPY into tables whose indexes are laid aside, everything in one transaction."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_noop
from pyarrow import csv

from customers.models import (
    BusinessUnit,
    Consent,
    ConsentRecord,
    Customer,
    Event,
    EventKey,
    Identity,
    MonthlyRollup,
    Order,
    OrderLine,
    Product,
    Rollup,
    SalesChannel,
    ScopedRollup,
    Source,
    SourceProfile,
    Store,
)
from customers.services.bulk import can_freeze, copy_csv, reserve_range
from customers.services.events import own_source
from customers.services.partitions import maintain_partitions
from customers.services.rollups import rebuild_rollups
from loyalty_site.demo.journey.invention import CITIES
from loyalty_site.demo.progress import Progress
from loyalty_site.synthetic.people import invent_people
from loyalty_site.synthetic.plan import (
    BRANDS,
    BUSINESS_UNITS,
    PRODUCT_LINES,
    PRODUCTS_PER_LINE,
    SALES_CHANNELS,
    STORES,
    Directory,
    Plan,
)
from loyalty_site.synthetic.purchases import rows_of_orders
from loyalty_site.synthetic.records import ANSWERS, Rows, rows_of_people
from operations.errors import Refusal
from operations.indexes import indexes_laid_aside

TABLES = [
    Customer,
    SourceProfile,
    Identity,
    ConsentRecord,
    Consent,
    Order,
    OrderLine,
    Event,
    EventKey,
    Rollup,
    MonthlyRollup,
    ScopedRollup,
]
SOURCE = "synthetic-pos"
BLOCKS_AHEAD = 2


class AlreadyLoaded(Refusal):
    key = "already_loaded"
    message = "Synthetic data are already in this database; nothing was changed."


@dataclass(frozen=True)
class Loaded:
    """How many rows were written."""

    customers: int = 0
    orders: int = 0
    lines: int = 0
    events: int = 0


def load_synthetic(plan: Plan, *, progress: Progress) -> Loaded:
    """Write what the plan says and bring the planner's statistics up to date.

    Everybody else waits for the tables meanwhile. Raises AlreadyLoaded; nothing is written then.
    """
    progress.expect(plan.customers + plan.orders)
    with transaction.atomic():
        loaded = _load(plan, progress)
    progress.begin(gettext_noop("Statistics of the database"))
    tidy_up()
    return loaded


def _load(plan: Plan, progress: Progress) -> Loaded:
    directory = _write_names()
    maintain_partitions(at=plan.earliest, ahead=plan.months)
    counts = dict.fromkeys(TABLES, 0)
    with indexes_laid_aside(TABLES):
        frozen = {model for model in TABLES if can_freeze(model)}
        directory.customers = reserve_range(Customer, count=plan.customers)
        directory.profiles = reserve_range(SourceProfile, count=plan.customers)
        directory.consents = reserve_range(ConsentRecord, count=plan.customers * len(ANSWERS))
        directory.orders = reserve_range(Order, count=plan.orders)
        progress.begin(gettext_noop("Customers and consents"))
        _copy_all(_people(plan, directory), counts, frozen, progress, counted=Customer)
        progress.begin(gettext_noop("Orders"))
        _copy_all(_orders(plan, directory), counts, frozen, progress, counted=Order)
        progress.begin(gettext_noop("Totals by customer and month"))
        rebuild_rollups()
        progress.begin(gettext_noop("Indexes and foreign keys"))
    return Loaded(counts[Customer], counts[Order], counts[OrderLine], counts[Event])


def _people(plan: Plan, directory: Directory) -> Iterator[Rows]:
    for first, count in plan.customer_blocks():
        yield from rows_of_people(plan, directory, invent_people(plan, first, count))


def _orders(plan: Plan, directory: Directory) -> Iterator[Rows]:
    for first, count in plan.order_blocks():
        yield from rows_of_orders(plan, directory, first, count, settings.PROGRAMME_CURRENCY)


def _copy_all(
    tables: Iterator[Rows], counts: dict[type, int], frozen: set[type], progress: Progress, *, counted: type
) -> None:
    for rows, block in _ahead(tables):
        counts[rows.model] += copy_csv(rows.model, list(rows.columns), block, freeze=rows.model in frozen)
        if rows.model is counted:
            progress.add(len(rows.columns["id"]))


def _ahead(tables: Iterator[Rows]) -> Iterator[tuple[Rows, memoryview]]:
    """Yield the tables as CSV, made by another thread while the database is busy with those before."""

    def prepare() -> tuple[Rows, memoryview] | None:
        rows = next(tables, None)
        return rows and (rows, as_csv(rows))

    with ThreadPoolExecutor(max_workers=1) as workshop:
        coming = [workshop.submit(prepare) for _ in range(BLOCKS_AHEAD)]
        while (ready := coming.pop(0).result()) is not None:
            coming.append(workshop.submit(prepare))
            yield ready


def as_csv(rows: Rows) -> memoryview:
    """Return the rows as CSV without a header; an unknown value is an empty field."""
    table = pa.table(rows.columns)
    if rows.keep is not None:
        table = table.filter(pa.array(rows.keep))
    output = pa.BufferOutputStream()
    csv.write_csv(table, output, csv.WriteOptions(include_header=False))
    return memoryview(output.getvalue())


def _write_names() -> Directory:
    """Write the sources, products, places; return their ids."""
    if Source.objects.filter(code=SOURCE).exists():
        raise AlreadyLoaded
    kinds = Source.Kind
    pos = Source.objects.create(code=SOURCE, name="Tills (synthetic)", trust=60)
    shop = Source.objects.create(code="synthetic-shop", name="Web shop (synthetic)", trust=50)
    partner = Source.objects.create(
        code="synthetic-partner", name="Partner (synthetic)", kind=kinds.PARTNER, trust=20
    )
    products = Product.objects.bulk_create(_products())
    stores = Store.objects.bulk_create(_stores())
    return Directory(
        pos=pos.pk, shop=shop.pk, partner=partner.pk, own=own_source().pk,
        customers=0, profiles=0, orders=0, consents=0,
        products=np.array([product.pk for product in products]),
        prices=np.random.default_rng(1).integers(2, 120, len(products)) * 50 - 1,
        tax_rates=np.array([float(product.tax_rate) for product in products]),
        stores=np.array([store.pk for store in stores]),
        sales_channels=_places(SalesChannel, SALES_CHANNELS),
        business_units=_places(BusinessUnit, BUSINESS_UNITS),
    )  # fmt: skip


def _products() -> list[Product]:
    return [
        Product(
            sku=f"SYN-{number:05d}",
            name=f"{line} {number}",
            brand=BRANDS[number % len(BRANDS)],
            category=line,
            product_line=line,
            tax_rate=10 if line in ("Fresh food", "Bakery", "Dairy") else 22,
        )
        for number in range(len(PRODUCT_LINES) * PRODUCTS_PER_LINE)
        for line in [PRODUCT_LINES[number % len(PRODUCT_LINES)]]
    ]


def _stores() -> list[Store]:
    cities = [CITIES[number % len(CITIES)] for number in range(STORES)]
    return [
        Store(code=f"syn-{number:03d}", name=f"{city.name} {number}", country="IT", region=city.region,
              city=city.name, postcode=city.postcode)
        for number, city in enumerate(cities)
    ]  # fmt: skip


def _places(model: type, codes) -> np.ndarray:
    return np.array(
        [model.objects.get_or_create(code=code, defaults={"name": code.title()})[0].pk for code in codes]
    )


def tidy_up() -> None:
    """Leave the tables as a night's maintenance would: visible to index-only scans, sizes known."""
    if connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        for model in (*TABLES, Source, Product, Store):
            cursor.execute(f"VACUUM (ANALYZE) {connection.ops.quote_name(model._meta.db_table)}")
