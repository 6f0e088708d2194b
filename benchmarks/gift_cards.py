"""Paying with gift cards over HTTP, beside pretix.

Ours is a whole redemption: a cart of one line for 0.30, the card as its means of payment. pretix books the
same amount on a card of its own (`/giftcards/ID/transact/`). Both under an idempotency key, at 8 and 32
clients, on distinct cards and on one hot card. Without `PRETIX_PYTHON` (benchmarks/peer.py) only ours runs.
"""

import json
import statistics
import uuid
from collections.abc import Callable

from benchmarks.load import Load, post_all
from benchmarks.measurement import ROUNDS, Measurement
from benchmarks.peer import Peer, pretix
from benchmarks.servers import web_server

REQUESTS, CARDS = 96, 96
CLIENTS = (8, 32)
KINDS = ("distinct cards", "one hot card")
TARGET = 1 / 3
PEER, OURS = "pretix, a debit", "POST /redemptions, paid by card"


def measure() -> list[Measurement]:
    """Return the rates; a ratio is how many times slower than pretix (ours alone: than distinct cards)."""
    from operations.models import ApiClient

    _, key = ApiClient.objects.create_key(name="bench", scopes=["all"], requests_per_minute=10_000_000)
    with pretix(CARDS) as peer, web_server() as port:
        codes = _codes()
        contenders: dict[str, Callable[[str, int], Load]] = {}
        if peer is not None:
            contenders[PEER] = lambda kind, clients: _checked(peer.port, _debits(peer, kind), clients)
        contenders[OURS] = lambda kind, clients: _checked(port, _redemptions(key, codes, kind), clients)
        rates = _rates(contenders)
    found = []
    for kind in KINDS:
        for clients in CLIENTS:
            floor = rates[next(iter(contenders)), kind, clients]
            found += [
                Measurement(
                    f"{kind}, {clients} clients: {who}",
                    1 / rates[who, kind, clients],
                    floor / rates[who, kind, clients],
                    TARGET if who == OURS and peer else None,
                    f"{rates[who, kind, clients]:,.0f}/s",
                )
                for who in contenders
            ]
    return found


def _rates(contenders: dict[str, Callable[[str, int], Load]]) -> dict[tuple[str, str, int], float]:
    rates: dict[tuple[str, str, int], list[float]] = {}
    for round_number in range(ROUNDS + 1):
        for kind in KINDS:
            for clients in CLIENTS:
                for who, contender in contenders.items():
                    load = contender(kind, clients)
                    if round_number:  # The first one warms up.
                        rates.setdefault((who, kind, clients), []).append(load.rate)
    return {place: statistics.median(mine) for place, mine in rates.items()}


def _checked(port: int, requests: list[dict], clients: int) -> Load:
    load = post_all(port, requests, clients=clients)
    if set(load.statuses) != {"200"}:
        raise AssertionError(load.statuses)
    return load


def _debits(peer: Peer, kind: str) -> list[dict]:
    return [
        {
            "path": f"/api/v1/organizers/bench/giftcards/{_pick(peer.cards, kind, number)}/transact/",
            "headers": {"Authorization": f"Token {peer.token}", "X-Idempotency-Key": uuid.uuid4().hex},
            "body": json.dumps({"value": "-0.30"}),
        }
        for number in range(REQUESTS)
    ]


def _redemptions(key: str, codes: list[str], kind: str) -> list[dict]:
    line = {"line_id": "1", "sku": "MILK", "quantity": 1, "unit_price": 30}
    return [
        {
            "path": "/api/v1/redemptions",
            "headers": {"Authorization": f"Api-Key {key}", "Idempotency-Key": uuid.uuid4().hex},
            "body": json.dumps(
                {
                    "order": {
                        "source": "bench",
                        "source_id": uuid.uuid4().hex,
                        "currency": "EUR",
                        "lines": [line],
                    },
                    "redeemables": [{"type": "gift_card", "code": _pick(codes, kind, number)}],
                }
            ),
        }
        for number in range(REQUESTS)
    ]


def _pick(cards: list[str], kind: str, number: int) -> str:
    return cards[number % len(cards)] if kind == KINDS[0] else cards[0]


def _codes() -> list[str]:
    from django.utils import timezone

    from coupons.services import issue_gift_card

    return [
        issue_gift_card(
            amount=100_000_000, currency="EUR", source_key=f"bench:{uuid.uuid4().hex}", at=timezone.now()
        ).code
        for _ in range(CARDS)
    ]
