"""Returns by line (incentives.md, R1-R4, scenario 11): all that comes back is all that was paid."""

from decimal import Decimal

import pytest

from coupons.engine import Cart, Line
from coupons.errors import AlreadyRolledBack
from coupons.models import BudgetPeriod, Coupon, RedemptionReturn
from coupons.services import redeem_stack, return_lines, roll_back_redemption
from customers.errors import ReturnConflict, ReturnNotPossible
from customers.models import Event
from customers.services import record_return
from operations.errors import InvalidInput
from tests.coupons.factories import NOW, amount, coupon, customer, order, promotion, spending

pytestmark = pytest.mark.django_db


def two_lines() -> Cart:
    """A: two of 30.00; B: one of 40.00 (scenario 11)."""
    return Cart(
        lines=(
            Line(line_id="A", unit_price=3000, quantity=Decimal(2)),
            Line(line_id="B", unit_price=4000, quantity=Decimal(1)),
        ),
        currency="EUR",
    )


@pytest.fixture
def stack():
    """10.00 off an order of 100.00, of a coupon with a budget."""
    code = coupon(promotion(amount(1000), budget={"metric": "DISCOUNT_AMOUNT", "cap": 5000}))
    return redeem_stack(spending(code, who=customer(), cart=two_lines(), source_id="O-1"), at=NOW)


def back(stack, source_id, **quantities):
    lines = {line_id: Decimal(str(units)) for line_id, units in quantities.items()}
    return return_lines(stack, source_id=source_id, lines=lines, at=NOW).row


def test_the_returns_of_all_units_sum_to_what_was_paid(stack):
    refunds = [back(stack, "R-1", A=1), back(stack, "R-2", A=1), back(stack, "R-3", B=1)]

    assert [one.refund_amount for one in refunds] == [2700, 2700, 3600]
    assert [one.cash_amount for one in refunds] == [2700, 2700, 3600]


def test_a_use_and_its_budget_come_back_with_the_last_unit_only(stack):
    back(stack, "R-1", A=2)
    assert (Coupon.objects.get().uses, BudgetPeriod.objects.get().used) == (1, 1000)
    assert not Event.objects.filter(type="coupon.rolled_back").exists()

    last = back(stack, "R-2", B=1)

    assert (Coupon.objects.get().uses, BudgetPeriod.objects.get().used) == (0, 0)
    stack.refresh_from_db()
    assert (stack.status, stack.redemptions.get().status) == ("RETURNED", "RETURNED")
    assert last.restores_usage
    assert Event.objects.filter(type="coupon.rolled_back").count() == 1
    assert Event.objects.filter(type="redemption.returned").count() == 2


def test_a_merchant_may_keep_uses_also_after_a_full_return(stack, settings):
    settings.RETURN_RESTORES_USAGE = "NEVER"

    back(stack, "R-1", A=2, B=1)

    stack.refresh_from_db()
    assert (stack.status, Coupon.objects.get().uses) == ("REDEEMED", 1)


def test_the_same_return_twice_is_one(stack):
    first = back(stack, "R-1", A=1)

    assert back(stack, "R-1", A=1) == first
    with pytest.raises(ReturnConflict):
        back(stack, "R-1", A=2)

    assert RedemptionReturn.objects.count() == 1


def test_more_than_is_left_does_not_come_back(stack):
    back(stack, "R-1", A=1)

    with pytest.raises(ReturnNotPossible, match="Line A: 2 would come back, 1 can"):
        back(stack, "R-2", B=1, A=2)

    assert RedemptionReturn.objects.count() == 1


def test_a_line_that_the_cart_has_not_is_a_mistake(stack):
    with pytest.raises(InvalidInput) as refused:
        back(stack, "R-1", A=1, C=1)

    assert [one.pointer for one in refused.value.details] == ["/lines/1/line_id"]
    assert not RedemptionReturn.objects.exists()


def test_nothing_returns_of_what_was_rolled_back(stack):
    roll_back_redemption(stack, at=NOW)

    with pytest.raises(AlreadyRolledBack):
        back(stack, "R-1", A=1)


def test_a_rollback_after_a_partial_return_gives_the_uses_back_once(stack):
    back(stack, "R-1", A=1)

    roll_back_redemption(stack, at=NOW)

    assert (Coupon.objects.get().uses, BudgetPeriod.objects.get().used) == (0, 0)


def test_a_rollback_after_everything_came_back_gives_no_use_back_again(stack):
    redeem_stack(spending(coupon(stack.redemptions.get().promotion)), at=NOW)
    back(stack, "R-1", A=2, B=1)

    roll_back_redemption(stack, at=NOW)

    assert stack.redemptions.get().coupon.uses == 0
    assert BudgetPeriod.objects.get().used == 1000
    assert Event.objects.filter(type="coupon.rolled_back").count() == 1


def test_the_goods_of_an_erased_customer_can_still_come_back(stack):
    stack.cart = {}
    stack.save()

    assert back(stack, "R-1", A=1).refund_amount == 2700


@pytest.fixture
def recorded(stack):
    """The order of the redeemed cart, as the shop told of it."""
    bought = order(stack.customer, number="O-1", total=9000)
    stack.order = bought
    stack.save()
    product = bought.lines.model._meta.get_field("product").remote_field.model.objects.create(sku="X")
    bought.lines.create(line_id="A", product=product, quantity=2, amount=6000, discount_amount=600)
    bought.lines.create(line_id="B", product=product, quantity=1, amount=4000, discount_amount=400)
    return bought


def test_the_orders_return_of_the_same_id_is_the_same_return(stack, recorded):
    fact = record_return(recorded, source_id="R-1", returned_at=NOW, quantities={"A": Decimal(1)}).row

    assert back(stack, "R-1", A=1).order_return == fact
    with pytest.raises(ReturnConflict):
        record_return(recorded, source_id="R-1", returned_at=NOW, quantities={"A": Decimal(2)})


def test_other_goods_than_the_orders_return_names_are_a_conflict(stack, recorded):
    record_return(recorded, source_id="R-1", returned_at=NOW, quantities={"A": Decimal(1)})

    with pytest.raises(ReturnConflict):
        back(stack, "R-1", B=1)

    assert not RedemptionReturn.objects.exists()
