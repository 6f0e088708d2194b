"""Orders, events and customers over the API in bulks of 500 from 4 clients, against COPY and one statement.

The floor is what the database cannot do without: the same orders of three lines by COPY into staging, then
one statement that finds customers and articles and writes orders and lines, over 4 connections. The API also
reads JSON, validates, names what it does not know, keeps totals, tells of each order, and answers by item.
"""

import http.client
import json
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from benchmarks.measurement import Measurement, median_seconds
from benchmarks.population import SOURCE, buyers, known_profiles, population, skus
from benchmarks.servers import web_server

CLIENTS, BULK, BULKS_EACH, ROUNDS = 4, 500, 2, 3
ITEMS = CLIENTS * BULK * BULKS_EACH
TARGET = 4.0  # A quarter of the floor's speed.
STAGING = [
    """
    CREATE TEMP TABLE staged_order (source_id text, profile text, ordered_at timestamptz, currency text,
        store text, total bigint)
    """,
    "CREATE TEMP TABLE staged_line (source_id text, line_id text, sku text, quantity numeric, amount bigint)",
]
STATEMENT = """
WITH written AS (
    INSERT INTO customers_order (source_id, external_id, source_profile_id, customer_id, ordered_at, status,
        currency, store_id, total_amount, shipping_amount, refunded_amount, content_hash, created_at)
    SELECT %(bench)s, staged.source_id, profile.id, profile.customer_id, staged.ordered_at, 'PAID',
           staged.currency, store.id, staged.total, 0, 0, '', now()
    FROM staged_order staged
    JOIN customers_sourceprofile profile
      ON profile.source_id = %(source)s AND profile.external_id = staged.profile
    LEFT JOIN customers_store store ON store.code = staged.store
    ON CONFLICT (source_id, external_id) DO NOTHING
    RETURNING id, external_id)
INSERT INTO customers_orderline (order_id, line_id, product_id, quantity, amount, discount_amount)
SELECT written.id, line.line_id, product.id, line.quantity, line.amount, 0
FROM written JOIN staged_line line ON line.source_id = written.external_id
JOIN customers_product product ON product.sku = line.sku
"""
numbers = count(time.time_ns())
dice = random.Random(1)


def measure() -> list[Measurement]:
    """Return the floor, then each kind over the API, all of the same number of items."""
    from operations.models import ApiClient

    buyers(2_000)
    with web_server() as port:
        _, key = ApiClient.objects.create_key(name="bench", scopes=["all"])
        contenders: dict[str, Callable[[], None]] = {"floor": _floor()}
        for kind, item in (("orders", _order), ("events", _event), ("customers", _customer)):
            contenders[kind] = lambda kind=kind, item=item: _post_all(port, key, kind, item)
        seconds = median_seconds(_prepared(contenders), rounds=ROUNDS)
    names = {
        "floor": "floor: COPY and one statement, orders of three lines",
        "orders": "orders of three lines over the API",
        "events": "events over the API",
        "customers": "new customers with a consent over the API",
    }
    return [
        Measurement(
            names[kind],
            seconds[kind],
            seconds[kind] / seconds["floor"],
            TARGET if kind in ("orders", "events") else None,
            f"{ITEMS / seconds[kind]:,.0f} a second; {population()}",
        )
        for kind in names
    ]


def _prepared(contenders: dict[str, Callable]) -> dict[str, Callable]:
    """Send one bulk of each kind before the clock runs: connections, caches, compiled code."""
    for contender in contenders.values():
        contender()
    return contenders


def _order() -> dict:
    number = next(numbers)
    lines = [{"sku": dice.choice(skus()), "quantity": 1, "unit_price": 199 + place} for place in range(3)]
    return {
        "source": "bench", "source_id": str(number), "ordered_at": _now(), "currency": "EUR",
        "customer": {"source": SOURCE, "source_id": dice.choice(known_profiles(2_000))},
        "sales_channel": "store", "store": "syn-001", "lines": lines,
    }  # fmt: skip


def _event() -> dict:
    return {
        "source": "bench", "external_id": str(next(numbers)), "type": "product.viewed", "occurred_at": _now(),
        "customer": {"source": SOURCE, "source_id": dice.choice(known_profiles(2_000))},
        "sku": dice.choice(skus()), "sales_channel": "web",
    }  # fmt: skip


def _customer() -> dict:
    number = next(numbers)
    consent = {"channel": "email", "purpose": "MARKETING", "state": "GRANTED", "proof": {"form": "bench"}}
    return {
        "source": "bench", "source_id": str(number), "email": f"anna.{number}@mail.example",
        "first_name": "Anna", "last_name": "Rossi", "city": "Milano", "country": "IT", "consents": [consent],
    }  # fmt: skip


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _post_all(port: int, key: str, kind: str, item: Callable[[], dict]) -> None:
    bodies = [
        [json.dumps({"items": [item() for _ in range(BULK)]}) for _ in range(BULKS_EACH)]
        for _ in range(CLIENTS)
    ]
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda mine: _post(port, key, kind, mine), bodies))


def _post(port: int, key: str, kind: str, bodies: list[str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    for body in bodies:
        connection.request("POST", f"/api/v1/{kind}", body, headers)
        answer = connection.getresponse()
        results = json.loads(answer.read())["results"]
        if any(result["status"] != 201 for result in results):
            raise AssertionError(next(result for result in results if result["status"] != 201))
    connection.close()


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

    def one_client(bulks: list[list[dict]]) -> None:
        import psycopg

        with psycopg.connect(**parameters) as own:
            for statement in STAGING:
                own.execute(statement)
            own.commit()
            for orders in bulks:
                _stage(own, orders)
                own.execute(STATEMENT, ids)
                own.execute("TRUNCATE staged_order, staged_line")
                own.commit()

    def all_clients() -> None:
        bulks = [[[_order() for _ in range(BULK)] for _ in range(BULKS_EACH)] for _ in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(one_client, bulks))

    return all_clients


def _stage(own, orders: list[dict]) -> None:
    with own.cursor().copy("COPY staged_order FROM STDIN") as copy:
        for order in orders:
            total = sum(line["unit_price"] for line in order["lines"])
            copy.write_row(
                (
                    order["source_id"],
                    order["customer"]["source_id"],
                    order["ordered_at"],
                    "EUR",
                    "syn-001",
                    total,
                )
            )
    with own.cursor().copy("COPY staged_line FROM STDIN") as copy:
        for order in orders:
            for place, line in enumerate(order["lines"]):
                copy.write_row(
                    (order["source_id"], str(place + 1), line["sku"], line["quantity"], line["unit_price"])
                )
