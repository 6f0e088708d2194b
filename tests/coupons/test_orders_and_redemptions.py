"""What was spent on a cart belongs to the order that is recorded afterwards, and goes with it."""

import pytest

from coupons.models import BudgetPeriod, Coupon, RedemptionStack
from customers.services import dispatch_events
from tests.coupons.factories import amount, coupon, promotion

pytestmark = pytest.mark.django_db


@pytest.fixture
def redeemed(api):
    """A coupon of a budget spent on the cart A-1 of the shop."""
    coupon(promotion(amount(1000), budget={"metric": "DISCOUNT_AMOUNT", "cap": 5000}), codes=["STORY-1"])
    cart = {
        "source": "shop",
        "source_id": "A-1",
        "currency": "EUR",
        "lines": [{"line_id": "1", "sku": "MILK", "unit_price": 10000}],
    }
    body = {"order": cart, "redeemables": [{"type": "coupon", "code": "STORY-1"}]}
    return api.post("/api/v1/redemptions", body, headers={"Idempotency-Key": "1"}).json()["id"]


def record(api, **fields):
    order = {
        "source": "shop",
        "source_id": "A-1",
        "customer": {"email": "anna@example.com"},
        "ordered_at": "2026-11-20T10:00:00+01:00",
        "currency": "EUR",
        "lines": [
            {"line_id": "1", "sku": "MILK", "quantity": 1, "unit_price": 10000, "discount_amount": 1000}
        ],
        "status": "PAID",
    }
    answer = api.post("/api/v1/orders", order | fields)
    assert answer.status_code == 201, answer.content
    dispatch_events()
    return answer.json()["id"]


def test_an_order_recorded_later_is_the_carts_order(api, redeemed):
    order = record(api)

    assert str(RedemptionStack.objects.get().order_id) == order


def test_an_order_of_another_source_is_not(api, redeemed):
    record(api, source="till")

    assert RedemptionStack.objects.get().order is None


@pytest.mark.parametrize("status", ["PAID", "PENDING"])
def test_cancelling_the_order_gives_back_what_was_spent(api, redeemed, status):
    order = record(api, status=status)

    assert api.post(f"/api/v1/orders/{order}/cancel").status_code == 200
    dispatch_events()

    assert api.get(f"/api/v1/redemptions/{redeemed}").json()["status"] == "ROLLED_BACK"
    assert Coupon.objects.get().uses == 0
    assert BudgetPeriod.objects.get().used == 0
