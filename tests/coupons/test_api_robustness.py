"""Hundreds of spoilt requests about incentives: each is refused with a sentence, none breaks anything."""

import random

import pytest

from tests.coupons.factories import coupon, customer, promotion, staff
from tests.customers.test_api_robustness import SAMPLE, SPOILT, places, spoil

pytestmark = pytest.mark.django_db

CART = {
    "source": "shop",
    "source_id": "A-1",
    "currency": "EUR",
    "store": "MI",
    "sales_channel": "web",
    "shipping_amount": 1,
    "lines": [{"line_id": "1", "sku": "A", "quantity": "1.5", "unit_price": 100, "tax_rate": "22"}],
}
SPENDING = {
    "customer": {"email": "a@mail.example"},
    "order": CART,
    "redeemables": [{"type": "coupon", "code": "STORY-1"}],
    "application": "ALL",
    "automatic": True,
}
BODIES = {
    "promotions": {
        "code": "A",
        "name": "A",
        "effect": {
            "kind": "PERCENT",
            "percent": "10",
            "target": "ITEMS",
            "amount_limit": 5,
            "items": {"skus": ["A"], "exclude": {"brands": ["B"]}},
        },
        "conditions": {
            "minimum_spend": {"amount": 1, "basis": "INITIAL", "scope": "ORDER"},
            "stores": ["MI"],
            "weekly_hours": [{"days": ["THU"], "from": "09:00", "until": "11:00"}],
        },
        "limits": [{"subject": "CUSTOMER", "uses": 1, "period": "DAY"}],
        "budget": {"metric": "DISCOUNT_AMOUNT", "cap": 1, "period": "DAY", "on_insufficient": "PARTIAL"},
        "stacking": {"category": "a", "rank": 1, "basis": "INITIAL", "max_in_category": 1},
        "coupon": {"pattern": "##########", "max_uses": 1, "valid_days": 1},
        "starts_at": "2026-01-01T10:00:00Z",
        "ends_at": "2026-02-01T10:00:00Z",
        "activate": False,
    },
    "promotions/SPRING/coupons": {
        "codes": ["WINTER-1"],
        "max_uses": 1,
        "holder": {"email": "a@mail.example"},
        "valid_until": "2030-01-01T10:00:00Z",
        "items": {"skus": ["A"]},
    },
    "promotions/SPRING/publications": {
        "customer": {"email": "a@mail.example"},
        "source_id": "1",
        "channel": "email",
    },
    "promotions/SPRING/stop": {"mode": "DRAIN", "reason": "a"},
    "validations": SPENDING | {"at": "2026-01-01T10:00:00Z"},
    "qualifications": SPENDING | {"include_near_miss": True},
    "redemptions": SPENDING,
    "apologies": {
        "customer": {"email": "a@mail.example"},
        "order": None,
        "lines": [{"sku": "A"}],
        "amount": 100,
        "reason": "late parcel",
        "channel": None,
        "agent": "agent",
    },
}


@pytest.mark.parametrize("url", sorted(BODIES))
def test_no_spoilt_request_breaks_anything(api, url):
    dice = random.Random(20261121)
    coupon(promotion(code="SPRING"), codes=["STORY-1"], max_uses=None)
    customer(email="a@mail.example")
    staff("agent")
    bodies = [
        spoil(BODIES[url], path, value)
        for path in places(BODIES[url])
        for value in dice.sample(SPOILT, SAMPLE)
    ]

    answers = [
        api.post(f"/api/v1/{url}", body, headers={"Idempotency-Key": f"key-{number}"})
        for number, body in enumerate(bodies)
    ]

    broken = [
        (answer.status_code, body)
        for answer, body in zip(answers, bodies, strict=True)
        if answer.status_code >= 500
    ]
    assert broken == []
    assert {answer.status_code for answer in answers} <= {200, 201, 202, 400, 404, 409, 422, 429}
    for answer in answers:
        if answer.status_code == 422:
            assert answer.json()["key"] and answer.json()["message"]


@pytest.mark.parametrize(
    "path",
    [
        "promotions/%00",
        "promotions/99999999999999999999",
        "promotions/²",
        "coupons/%F0%9F%9B%92",
        "coupons/x%00y",
        "coupons/" + "x" * 5000,
        "redemptions/²",
        "redemptions/1-99999999999999999999",
        "promotions?limit=0",
        "promotions?cursor=nonsense",
    ],
)
def test_no_spoilt_address_breaks_anything(api, path):
    answer = api.get(f"/api/v1/{path}")

    assert answer.status_code in {400, 404, 422}
    assert answer.json()["key"]
