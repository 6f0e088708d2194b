"""POST /redemptions/{id}/returns: what comes back of a redeemed cart."""

import pytest

from coupons.models import RedemptionReturn
from customers.services import dispatch_events
from tests.coupons.factories import amount, coupon, promotion

pytestmark = pytest.mark.django_db


@pytest.fixture
def redeemed(api):
    """10.00 off A = 2 x 30.00 and B = 40.00 (scenario 11)."""
    coupon(promotion(amount(1000)), codes=["STORY-1"])
    cart = {
        "source": "shop",
        "source_id": "A-1",
        "currency": "EUR",
        "lines": [
            {"line_id": "A", "sku": "LAMP", "unit_price": 3000, "quantity": 2},
            {"line_id": "B", "sku": "DESK", "unit_price": 4000},
        ],
    }
    body = {"order": cart, "redeemables": [{"type": "coupon", "code": "STORY-1"}]}
    return api.post("/api/v1/redemptions", body, headers={"Idempotency-Key": "1"}).json()["id"]


def give_back(api, redeemed, *lines, source_id="R-1", key=None, **fields):
    named = [{"line_id": line_id, "quantity": quantity} for line_id, quantity in lines]
    return api.post(
        f"/api/v1/redemptions/{redeemed}/returns",
        {"source_id": source_id, "lines": named, **fields},
        headers={"Idempotency-Key": key or f"return {source_id}"},
    )


def test_a_return_answers_who_gets_how_much(api, redeemed):
    answer = give_back(api, redeemed, ("A", 1), policy="CASH_FIRST")

    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert body["returned_at"]
    assert {name: body[name] for name in body if name != "returned_at"} == {
        "id": str(RedemptionReturn.objects.get().pk),
        "source_id": "R-1",
        "policy": "CASH_FIRST",
        "currency": "EUR",
        "refund_amount": 2700,
        "cash_amount": 2700,
        "gift_card_amount": 0,
        "points_amount": 0,
        "points": 0,
        "usage_restored": False,
        "lines": [{"line_id": "A", "quantity": 1, "refund_amount": 2700}],
    }


def test_the_same_return_under_another_key_is_known(api, redeemed):
    first = give_back(api, redeemed, ("A", 1))
    again = give_back(api, redeemed, ("A", 1), key="another")
    other = give_back(api, redeemed, ("A", 2), key="a third")

    assert (again.status_code, again.json()) == (200, first.json())
    assert (other.status_code, other.json()["key"]) == (409, "conflict")


def test_what_came_back_so_far_is_listed(api, redeemed):
    rows = [give_back(api, redeemed, ("A", 1), source_id=f"R-{n}").json() for n in (1, 2)]

    answer = api.get(f"/api/v1/redemptions/{redeemed}/returns")

    assert (answer.status_code, answer.json()) == (200, {"data": rows, "next": None})
    assert api.get("/api/v1/redemptions/999/returns").status_code == 404


def test_a_replay_gets_the_same_bytes(api, redeemed):
    first = give_back(api, redeemed, ("A", 1))
    again = give_back(api, redeemed, ("A", 1))

    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"


def test_more_than_was_bought_is_refused(api, redeemed):
    answer = give_back(api, redeemed, ("A", 3))

    assert (answer.status_code, answer.json()["key"]) == (422, "return_not_possible")


@pytest.mark.parametrize(
    ("lines", "pointer"),
    [
        ([{"line_id": "C", "quantity": 1}], "/lines/0/line_id"),
        ([{"line_id": "A", "quantity": -1}], "/lines/0/quantity"),
        ([{"line_id": "A", "quantity": "NaN"}], "/lines/0/quantity"),
        ([{"line_id": "A", "quantity": "1e309"}], "/lines/0/quantity"),
        ([{"line_id": "A"}], "/lines/0/quantity"),
        ([{"line_id": "A", "quantity": 1, "size": 1}], "/lines/0/size"),
        ([{"line_id": "A", "quantity": 1}, {"line_id": "A", "quantity": 1}], "/lines"),
        ([], "/lines"),
    ],
)
def test_bad_lines_are_named(api, redeemed, lines, pointer):
    answer = api.post(
        f"/api/v1/redemptions/{redeemed}/returns",
        {"source_id": "R-1", "lines": lines},
        headers={"Idempotency-Key": "x"},
    )

    assert answer.status_code in (400, 422), answer.content
    if answer.status_code == 422:
        assert [one["pointer"] for one in answer.json()["details"]] == [pointer]
    assert not RedemptionReturn.objects.exists()


def test_an_unknown_redemption_is_not_found(api):
    answer = give_back(api, "999", ("A", 1))

    assert (answer.status_code, answer.json()["key"]) == (404, "not_found")


def test_a_key_is_required(api, redeemed):
    body = {"source_id": "R-1", "lines": [{"line_id": "A", "quantity": 1}]}
    answer = api.post(f"/api/v1/redemptions/{redeemed}/returns", body)

    assert (answer.status_code, answer.json()["key"]) == (400, "idempotency_key_missing")


ORDER = {
    "source": "shop",
    "source_id": "A-1",
    "customer": {"email": "anna@example.com"},
    "ordered_at": "2026-11-20T10:00:00+01:00",
    "currency": "EUR",
    "lines": [
        {"line_id": "A", "sku": "LAMP", "quantity": 2, "unit_price": 3000, "discount_amount": 600},
        {"line_id": "B", "sku": "DESK", "quantity": 1, "unit_price": 4000, "discount_amount": 400},
    ],
    "status": "PAID",
}


@pytest.mark.parametrize("order_first", [True, False])
def test_a_return_told_of_the_order_and_of_the_redemption_is_one(api, redeemed, order_first):
    order = api.post("/api/v1/orders", ORDER).json()["id"]
    dispatch_events()
    fact = {"source_id": "R-1", "lines": [{"line_id": "A", "quantity": 1}]}
    steps = [
        lambda: api.post(f"/api/v1/orders/{order}/returns", fact),
        lambda: give_back(api, redeemed, ("A", 1)),
    ]

    answers = [step() for step in (steps if order_first else reversed(steps))]
    dispatch_events()

    assert [answer.status_code for answer in answers] == [201, 201]
    assert [answer.json()["refund_amount"] for answer in answers] == [2700, 2700]
    row = RedemptionReturn.objects.get()
    assert row.order_return.external_id == "R-1"
