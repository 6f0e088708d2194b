"""Undoing a stack: everything is as if it never was, exactly once."""

import pytest

from coupons.errors import AlreadyRolledBack
from coupons.models import BudgetPeriod, LimitCounter
from coupons.services import find_stack, link_order, redeem_stack, roll_back_order, roll_back_redemption
from customers.models import Event
from tests.coupons.factories import NOW, amount, coupon, customer, order, promotion, spending

pytestmark = pytest.mark.django_db


@pytest.fixture
def stack():
    """Two coupons of one promotion with limits and budgets, spent by Anna."""
    rich = promotion(
        amount(3000),
        limits=[{"subject": "CUSTOMER", "uses": 5}, {"subject": "PROMOTION", "uses": 5, "period": "WEEK"}],
        budget={"metric": "DISCOUNT_AMOUNT", "cap": 100000},
    )
    anna = customer(email="anna@example.com")
    wish = spending(coupon(rich), coupon(rich), who=anna, source_id="A-1")
    return redeem_stack(wish, at=NOW)


def test_uses_counters_and_budgets_come_back(stack):
    assert set(LimitCounter.objects.values_list("used", flat=True)) == {2}
    assert BudgetPeriod.objects.get().used == 6000

    done = roll_back_redemption(stack, reason="changed their mind", at=NOW)

    assert (done.status, done.rollback_reason) == ("ROLLED_BACK", "changed their mind")
    assert [one.coupon.uses for one in stack.redemptions.all()] == [0, 0]
    assert set(LimitCounter.objects.values_list("used", flat=True)) == {0}
    assert BudgetPeriod.objects.get().used == 0
    assert Event.objects.filter(type="coupon.rolled_back").count() == 2


def test_a_stack_is_rolled_back_once(stack):
    roll_back_redemption(stack, at=NOW)

    with pytest.raises(AlreadyRolledBack):
        roll_back_redemption(stack, at=NOW)

    assert [one.coupon.uses for one in stack.redemptions.all()] == [0, 0]


def test_a_stack_is_found_by_its_own_id_and_by_those_of_its_redemptions(stack):
    assert find_stack(str(stack.pk)) == stack
    assert find_stack(f"{stack.pk}-2") == stack
    assert find_stack("x") is None
    assert find_stack("9" * 30) is None


def test_an_order_recorded_later_is_the_stacks_order(stack):
    recorded = order(stack.customer, number="A-1")

    assert link_order(recorded) == 1

    stack.refresh_from_db()
    assert stack.order == recorded


def test_cancelling_the_order_rolls_its_redemptions_back_once(stack):
    recorded = order(stack.customer, number="A-1")

    assert roll_back_order(recorded, reason="cancelled", at=NOW) == 1
    assert roll_back_order(recorded, reason="cancelled", at=NOW) == 0

    stack.refresh_from_db()
    assert stack.status == "ROLLED_BACK"


def test_another_sources_order_of_the_same_number_is_not_touched(stack):
    other = order(stack.customer, number="A-1")
    other.source.code = "elsewhere"
    other.source.save()

    assert roll_back_order(other, reason="cancelled", at=NOW) == 0
