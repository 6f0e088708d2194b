"""Redeeming one coupon on a cart of three lines, against a floor application and PostgreSQL alone.

Each at 1, 8 and 32 clients on distinct codes, on one hot code and on one hot budget. The floor application
(`benchmarks/floor`) keeps the same guarantees with nothing else: once through the ORM, once with one
data-modifying statement. PostgreSQL alone is pgbench with a lock, an update and an insert. Ours is
`POST /redemptions` under the production server's settings, with a customer, a trace, limits and events.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path

from benchmarks.load import Load, post_all
from benchmarks.measurement import ROUNDS, Measurement
from benchmarks.servers import web_server

REQUESTS = 240
CLIENTS = (1, 8, 32)
KINDS = ("distinct codes", "one hot code", "one hot budget")
KEY = "floor"
OVER_THE_ORM, SHARE_OF_THE_STATEMENT, VALIDATIONS = 1.2, 0.5, 1.5
BUYERS = 500
LINES = [
    {"line_id": str(place), "sku": sku, "quantity": 1, "unit_price": price}
    for place, (sku, price) in enumerate([("MILK", 3330), ("BREAD", 3330), ("TEA", 3340)], start=1)
]
numbers = count()


@dataclass(frozen=True)
class Contender:
    """A server, where it takes a redemption, and who asks."""

    name: str
    port: int
    path: str
    key: str
    codes: Callable[[str, int], list[str]]


def measure() -> list[Measurement]:
    """Return the rates of every contender; a ratio is how many times slower than the floor's statement."""
    with ExitStack() as stack:
        contenders = _contenders(stack)
        loads = _loads(contenders)
        found = []
        for kind in KINDS:
            statements = {}
            for clients in CLIENTS:
                mine = {who: loads[who, kind, clients] for who in _names()}
                found += _measurements(kind, clients, mine)
                statements[clients] = _rate(mine[_names()[0]])
            found += _alone(kind, statements)
        return found + _crowd(contenders[-1])


def _rate(loads: list[Load]) -> float:
    return statistics.median(load.rate for load in loads)


def _names() -> list[str]:
    return ["floor, one statement", "floor, ORM", "POST /redemptions"]


def _contenders(stack: ExitStack) -> list[Contender]:
    from operations.models import ApiClient

    _make_floor_tables(stack)
    floor = stack.enter_context(web_server("benchmarks.floor.wsgi"))
    ours = stack.enter_context(web_server())
    _, key = ApiClient.objects.create_key(name="bench", scopes=["all"], requests_per_minute=10_000_000)
    _make_buyers()
    sql, orm, product = _names()
    return [
        Contender(sql, floor, "/sql", KEY, _floor_codes),
        Contender(orm, floor, "/orm", KEY, _floor_codes),
        Contender(product, ours, "/api/v1/redemptions", key, _own_codes),
    ]


def _loads(contenders: list[Contender]) -> dict[tuple[str, str, int], list[Load]]:
    """Let every contender take its turn in every round, after one that nobody counts."""
    loads: dict[tuple[str, str, int], list[Load]] = {}
    for round_number in range(ROUNDS + 1):
        for kind in KINDS:
            for clients in CLIENTS:
                for contender in contenders:
                    load = post_all(contender.port, _requests(contender, kind), clients=clients)
                    if set(load.statuses) != {"200"}:
                        raise AssertionError(f"{contender.name}, {kind}: {load.statuses}")
                    if round_number:
                        loads.setdefault((contender.name, kind, clients), []).append(load)
    return loads


def _requests(contender: Contender, kind: str, path: str = "") -> list[dict]:
    return [_request(contender, code, path) for code in contender.codes(kind, REQUESTS)]


def _request(contender: Contender, code: str, path: str = "") -> dict:
    number = next(numbers)
    body = {
        "customer": {"source": "bench", "source_id": str(number % BUYERS)},
        "order": {"source": "bench", "source_id": f"order-{number}", "currency": "EUR", "lines": LINES},
        "redeemables": [{"type": "coupon", "code": code}],
    }
    headers = {"Authorization": f"Api-Key {contender.key}", "Idempotency-Key": uuid.uuid4().hex}
    return {"path": path or contender.path, "headers": headers, "body": json.dumps(body)}


def _measurements(kind: str, clients: int, loads: dict[str, list[Load]]) -> Iterator[Measurement]:
    rates = {who: _rate(mine) for who, mine in loads.items()}
    statement, orm, _ = (rates[who] for who in _names())
    for who in _names():
        latencies = sorted(latency for load in loads[who] for latency in load.latencies)
        p99 = latencies[int(len(latencies) * 0.99)] * 1000
        note = f"{rates[who]:,.0f}/s, p99 {p99:.0f} ms"
        if who == _names()[-1]:
            note += f"; {rates[who] / orm:.2f} x the ORM floor (asked: {OVER_THE_ORM})"
        yield Measurement(
            f"{kind}, {clients} clients: {who}",
            1 / rates[who],
            statement / rates[who],
            1 / SHARE_OF_THE_STATEMENT if who == _names()[-1] else None,
            note,
        )


def _crowd(contender: Contender) -> list[Measurement]:
    """Ask with fifty clients at once, and compare dry runs with redemptions."""
    found = []
    rates = {}
    for what, path in (("validations", "/api/v1/validations"), ("redemptions", contender.path)):
        loads = [
            post_all(contender.port, _requests(contender, KINDS[0], path), clients=50) for _ in range(ROUNDS)
        ]
        rates[what] = _rate(loads)
        latencies = sorted(latency for load in loads for latency in load.latencies)
        p95 = latencies[int(len(latencies) * 0.95)]
        limit = 0.1 if what == "validations" else 0.2
        note = f"{rates[what]:,.0f}/s; p95 of 50 clients"
        if what == "redemptions":
            note += f"; validations {rates['validations'] / rates[what]:.2f} x (asked: {VALIDATIONS})"
        found.append(Measurement(f"50 clients: {what}", p95, 1.0, None, note, limit))
    return found


def _make_floor_tables(stack: ExitStack) -> None:
    from django.db import connection

    from benchmarks.floor import models

    with connection.schema_editor() as editor:
        for table in models.TABLES:
            editor.create_model(table)

    def drop() -> None:
        with connection.schema_editor() as editor:
            for table in reversed(models.TABLES):
                editor.delete_model(table)

    stack.callback(drop)
    models.Client.objects.create(key_hash=sha256(KEY.encode()).hexdigest())
    models.Buyer.objects.bulk_create(models.Buyer(source_id=str(number)) for number in range(BUYERS))


def _floor_codes(kind: str, wanted: int) -> list[str]:
    from benchmarks.floor.models import Budget, Coupon, Promotion

    promotion = Promotion.objects.create(percent=10)
    if kind == "one hot budget":
        Budget.objects.create(promotion=promotion, cap=10**12)
    hot = kind == "one hot code"
    coupons = Coupon.objects.bulk_create(
        Coupon(promotion=promotion, code=f"F{next(numbers)}", max_uses=wanted if hot else 1)
        for _ in range(1 if hot else wanted)
    )
    return [coupon.code for coupon in coupons] * (wanted if hot else 1)


def _own_codes(kind: str, wanted: int) -> list[str]:
    from django.utils import timezone

    from coupons.services import create_promotion, issue_coupons

    at, hot = timezone.now(), kind == "one hot code"
    number = next(numbers)
    promotion = create_promotion(
        code=f"bench-{number}",
        name=f"Bench {number}",
        effect={"kind": "PERCENT", "percent": "10"},
        budget={"metric": "DISCOUNT_AMOUNT", "cap": 10**12} if kind == "one hot budget" else None,
        coupon={"code": f"BENCH-{number}", "max_uses": wanted} if hot else {"max_uses": 1},
        activate=True,
        at=at,
    )
    if hot:
        return [f"BENCH-{number}"] * wanted
    return [coupon.code for coupon in issue_coupons(promotion, count=wanted, at=at)]


def _make_buyers() -> None:
    from django.utils import timezone

    from customers.models import Customer, Source, SourceProfile

    source, _ = Source.objects.get_or_create(code="bench", defaults={"name": "Bench"})
    people = Customer.objects.bulk_create(Customer(first_name="Anna") for _ in range(BUYERS))
    SourceProfile.objects.bulk_create(
        SourceProfile(source=source, external_id=str(number), customer=customer, observed_at=timezone.now())
        for number, customer in enumerate(people)
    )


def _alone(kind: str, statement_rates: dict[int, float]) -> list[Measurement]:
    """Return what pgbench reaches with the statements that a redemption cannot do without."""
    program = shutil.which("pgbench")
    if program is None:
        return []
    found = []
    for clients in CLIENTS:
        rate = statistics.median(_pgbench(program, kind, clients) for _ in range(ROUNDS))
        found.append(
            Measurement(
                f"{kind}, {clients} clients: PostgreSQL alone",
                1 / rate,
                statement_rates[clients] / rate,
                None,
                f"{rate:,.0f}/s by pgbench",
            )
        )
    return found


def _pgbench(program: str, kind: str, clients: int) -> float:
    """Return transactions a second: lock, use, insert, and the budget where it is hot."""
    from django.db import connection

    from benchmarks.floor.models import Budget, Buyer, Coupon, Promotion

    promotion = Promotion.objects.create(percent=10)
    Budget.objects.create(promotion=promotion, cap=10**15)
    many = 1 if kind == "one hot code" else 1_000
    coupons = Coupon.objects.bulk_create(
        Coupon(promotion=promotion, code=f"P{next(numbers)}", max_uses=10**9) for _ in range(many)
    )
    first, last, buyer = coupons[0].pk, coupons[-1].pk, Buyer.objects.first().pk
    script = [
        f"\\set coupon random({first}, {last})",
        "BEGIN;",
        "SELECT uses, max_uses FROM floor_coupon WHERE id = :coupon FOR UPDATE;",
        "UPDATE floor_coupon SET uses = uses + 1 WHERE id = :coupon AND uses < max_uses;",
        'INSERT INTO floor_redemption (coupon_id, buyer_id, "order", discount_amount, redeemed_at)'
        f" VALUES (:coupon, {buyer}, gen_random_uuid()::text, 1000, now());",
    ]
    if kind == "one hot budget":
        where = f"promotion_id = {promotion.pk} AND used + 1000 <= cap"
        script.append(f"UPDATE floor_budget SET used = used + 1000 WHERE {where};")
    settings = connection.settings_dict
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "redeem.sql"
        path.write_text("\n".join([*script, "COMMIT;"]))
        command = [program, "--no-vacuum", "--protocol", "prepared", "--file", str(path), "--time", "2"]
        command += ["--client", str(clients), "--jobs", "2" if clients > 1 else "1"]
        command += ["--host", settings["HOST"], "--port", str(settings["PORT"] or 5432)]
        command += ["--username", settings["USER"], settings["NAME"]]
        password = {"PGPASSWORD": settings["PASSWORD"]} if settings["PASSWORD"] else {}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | password)
    return float(re.search(r"tps = ([0-9.]+)", done.stdout).group(1))
