"""What incentives cost, when customers swap points for coupons, pay with points, and send things back."""

from datetime import date

import pytest

from analytics.metrics import metric_value
from coupons.models import Account
from coupons.services import Redeemable, credit, open_account, redeem_stack, roll_back_redemption
from coupons.services.ledger import claw_back, debit
from tests.coupons.factories import NOW, amount, cart, coupon, customer, promotion, spending

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(settings):
    """She has 1000 points, each of which pays two cents."""
    settings.POINT_VALUE_AMOUNT = 2
    alice = customer()
    credit(open_account(alice), units=1_000, source_key="start", at=NOW)
    return alice


def cost() -> int:
    day = NOW.date()
    return metric_value("incentive_cost", start=date(day.year, day.month, 1), end=day)


def pay(alice, points: int):
    made = spending(prices=(10_000,), who=alice)
    return redeem_stack(
        made.__class__(**{**made.__dict__, "redeemables": (Redeemable("points", units=points),)}), at=NOW
    )


def test_a_coupon_bought_with_points_costs_what_it_takes_off(alice):
    debit(Account.objects.get(), units=500, source_key="adjusted:a coupon of 5.00", at=NOW)
    redeem_stack(spending(coupon(promotion(amount(500))), who=alice, cart=cart(10_000)), at=NOW)

    assert cost() == 500


def test_points_that_paid_cost_what_they_paid_and_those_taken_back_nothing(alice):
    pay(alice, 200)
    claw_back(Account.objects.get(), units=30, source_key="returned:1:30", at=NOW)

    assert cost() == 400


def test_points_that_came_back_cost_nothing(alice):
    stack = pay(alice, 200)

    roll_back_redemption(stack, at=NOW)

    assert (cost(), Account.objects.get().balance) == (0, 1_000)
