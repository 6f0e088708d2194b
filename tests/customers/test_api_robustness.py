"""Hundreds of spoilt requests: each is refused with a sentence, none breaks anything."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.factories import CustomerFactory, OrderFactory

pytestmark = pytest.mark.django_db

CONSENT = {
    "channel": "email",
    "purpose": "MARKETING",
    "state": "GRANTED",
    "address": "a@mail.example",
    "proof": {"form": 1},
    "occurred_at": "2026-01-01T10:00:00Z",
    "text_version": "1",
}
LINE = {
    "line_id": "1",
    "sku": "A",
    "quantity": "1.5",
    "unit_price": 100,
    "discount_amount": 1,
    "tax_rate": "22",
}
BODIES = {
    "customers": {
        "source": "pos",
        "source_id": "1",
        "email": "a@mail.example",
        "phone": "347 123 4567",
        "loyalty_card": "1234",
        "tax_code": "RSSMRA80A01F205X",
        "first_name": "A",
        "birth_date": "1980-01-01",
        "language": "it",
        "timezone": "Europe/Rome",
        "country": "IT",
        "attributes": {"a": 1},
        "consents": [CONSENT],
    },
    "consents": CONSENT | {"email": "a@mail.example", "source": "web"},
    "products": {"sku": "A", "name": "A", "unit_cost": 1, "tax_rate": "22"},
    "stores": {"code": "A", "name": "A", "country": "IT"},
    "orders": {
        "source": "pos",
        "source_id": "1",
        "customer": {"email": "a@mail.example"},
        "ordered_at": "2026-01-01T10:00:00Z",
        "currency": "EUR",
        "sales_channel": "web",
        "store": "MI",
        "business_unit": "food",
        "lines": [LINE],
        "shipping_amount": 1,
        "status": "PAID",
    },
    "events": {
        "source": "shop",
        "external_id": "1",
        "type": "nps.answered",
        "occurred_at": "2026-01-01T10:00:00Z",
        "customer": {"source": "pos", "source_id": "1"},
        "sku": "A",
        "amount": 1,
        "currency": "EUR",
        "payload": {"score": 5},
    },
    "customers/search": {"email": "a@mail.example"},
    "orders/{order}/returns": {
        "source_id": "r",
        "returned_at": "2026-01-01T10:00:00Z",
        "lines": [{"line_id": "1", "quantity": 1}],
    },
}
SPOILT: list[Any] = [
    None, True, False, 0, -1, 2**31, 2**63, -(2**63) - 1, 10**400, 1.5, 1e308,
    "", " ", "x" * 5000, "\u202e", "🛒" * 50, "0", "-0", "1e5", "NaN", "Infinity", "1,5", "٣", "²", "\t", "%",
    "'; DROP TABLE", "\\", "a@b", "@", "+", "+39", "++39347", "12:00",
    "2026-01-01", "2026-13-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59", "2026-01-01T24:00:00Z", "2026-01-01T10:00:00+99:00",
    [], [[]], [None], [{}], {}, {"a": {"b": []}}, {"": ""}, ["x"] * 50,
]  # fmt: skip
SAMPLE = 3  # Values tried per place; all of them pass too, in minutes.


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    yield path
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, (*path, key))


def spoil(body: Any, path: tuple, value: Any) -> Any:
    if not path:
        return value
    spoilt = copy.deepcopy(body)
    whole = spoilt
    for key in path[:-1]:
        whole = whole[key]
    whole[path[-1]] = value
    return spoilt


@pytest.mark.parametrize("url", sorted(BODIES))
def test_no_spoilt_request_breaks_anything(api, url):
    dice = random.Random(20261121)
    order = OrderFactory(customer=CustomerFactory())
    address = f"/api/v1/{url.format(order=order.pk)}"
    spots = list(places(BODIES[url]))
    bodies = [spoil(BODIES[url], path, value) for path in spots for value in dice.sample(SPOILT, SAMPLE)]
    for body in list(bodies):
        first, second = dice.choice(spots[1:]), dice.choice(SPOILT)
        if isinstance(body, dict) and first[0] in body and len(first) == 1:
            bodies.append(spoil(body, first, second))

    answers = [(api.post(address, body), body) for body in bodies]
    bulks = [
        api.post(address, {"items": bodies[start : start + 100]}) for start in range(0, len(bodies), 100)
    ]

    broken = [(answer.status_code, body) for answer, body in answers if answer.status_code >= 500]
    assert broken == []
    assert all(answer.status_code < 500 for answer in bulks)
    assert {answer.status_code for answer, _ in answers} <= {200, 201, 207, 400, 404, 409, 410, 422}
    for answer, _ in answers:
        if answer.status_code == 422:
            assert answer.json()["key"] and answer.json()["message"]
