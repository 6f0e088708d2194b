"""Files of orders imported as a worker does it, against COPY and one statement over one connection.

The floor is that of the orders over the API, with one client, because one worker takes a file. The import
also reads the file, validates, names what it does not know, keeps totals and the journal that lets it be
undone, and tells of each order.
"""

import csv
import io
import json
from collections.abc import Callable
from itertools import count

from benchmarks.ingest import STAGING, STATEMENT, _order, _stage
from benchmarks.measurement import Measurement, median_seconds
from benchmarks.population import SOURCE, buyers, known_profiles, population, skus

ORDERS, ROUNDS = 2_000, 3
TARGET = 1 / 0.6  # Six tenths of the floor's speed.
HEADER = ["order id", "date", "customer id", "sku", "quantity", "amount", "store"]
names = count()


def measure() -> list[Measurement]:
    """Return the floor, then a file of each format with the same number of orders."""
    buyers(2_000), known_profiles(2_000), skus()
    files = {"lines of JSON": ("ndjson", _json), "CSV": ("csv", _csv)}
    contenders: dict[str, Callable[[], None]] = {"floor": _floor()}
    for name, (ending, write) in files.items():
        contenders[name] = lambda ending=ending, write=write: _import(ending, write(_orders()))
    for contender in contenders.values():
        contender()
    seconds = median_seconds(contenders, rounds=ROUNDS)
    floor = seconds["floor"]
    found = [Measurement("floor: COPY and one statement, one client", floor, 1.0, note=_speed(floor))]
    return found + [
        Measurement(f"orders in {name}", seconds[name], seconds[name] / floor, TARGET, _speed(seconds[name]))
        for name in files
    ]


def _speed(seconds: float) -> str:
    return f"{ORDERS / seconds:,.0f} orders of three lines a second; {population()}"


def _orders() -> list[dict]:
    return [_order() for _ in range(ORDERS)]


def _json(orders: list[dict]) -> bytes:
    told = [{name: value for name, value in order.items() if name != "source"} for order in orders]
    return "\n".join(json.dumps(order) for order in told).encode()


def _csv(orders: list[dict]) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(HEADER)
    for order in orders:
        for line in order["lines"]:
            rows.writerow(
                [order["source_id"], order["ordered_at"], order["customer"]["source_id"], line["sku"],
                 line["quantity"], f"{line['unit_price'] / 100:.2f}", order["store"]]
            )  # fmt: skip
    return text.getvalue().encode()


def _import(ending: str, content: bytes) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from customers.imports.records import Options
    from customers.models import Source
    from customers.services import imports
    from operations.services import carry_out

    file = SimpleUploadedFile(f"bench-{next(names)}.{ending}", content)
    run = imports.create_import("orders", source=Source.objects.get(code=SOURCE), file=file, owner=None)
    options = Options.of(run.options)
    run = imports.map_import(
        run, options=options, mapping=run.mapping, values={}, mode="upsert", announce=False
    )
    run = imports.start_import(run, owner=None)
    carry_out(run.job)
    run.refresh_from_db()
    if run.report.get("created") not in (ORDERS, ORDERS * 3):
        raise AssertionError(run.report)
    run.upload.delete(save=False)


def _floor() -> Callable[[], None]:
    from django.db import connection

    from customers.models import Source

    ids = {
        "bench": Source.objects.get_or_create(code="bench", defaults={"name": "Bench"})[0].pk,
        "source": Source.objects.get(code=SOURCE).pk,
    }
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)

    def one_client() -> None:
        import psycopg

        orders = _orders()
        with psycopg.connect(**parameters) as own:
            for statement in STAGING:
                own.execute(statement)
            _stage(own, orders)
            own.execute(STATEMENT, ids)
            own.commit()

    return one_client
