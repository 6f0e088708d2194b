"""Returns, rollbacks and cancellations of the same purchase at the same moment."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection, transaction

from coupons.engine import Cart, Line
from coupons.models import BudgetPeriod, Redemption
from coupons.services import (
    Redeemable,
    issue_gift_card,
    link_return,
    redeem_stack,
    return_lines,
    roll_back_order,
    roll_back_redemption,
)
from customers.models import Event, Product
from customers.services import record_return
from operations.services import check_invariants
from tests.coupons.factories import NOW, amount, coupon, order, promotion, spending
from tests.coupons.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def cart_of_three() -> Cart:
    """Three units of 30.00 in one line."""
    return Cart(lines=(Line(line_id="1", unit_price=3000, quantity=Decimal(3)),), currency="EUR")


def test_the_same_line_returned_many_times_at_once_comes_back_as_often_as_it_was_bought():
    code = coupon(promotion(amount(1000)))
    stack = redeem_stack(spending(code, cart=cart_of_three()), at=NOW)
    giving = [
        lambda n=n: return_lines(stack, source_id=f"R-{n}", lines={"1": Decimal(1)}, at=NOW).status
        for n in range(12)
    ]

    outcomes = Counter(at_once(giving))

    assert outcomes == {201: 3, "return_not_possible": 9}
    assert sum(stack.returns.values_list("refund_amount", flat=True)) == 8000


def test_one_return_sent_many_times_at_once_is_one():
    stack = redeem_stack(spending(coupon(promotion(amount(1000))), cart=cart_of_three()), at=NOW)
    lines = {"1": Decimal(3)}

    outcomes = Counter(
        at_once([lambda: return_lines(stack, source_id="R", lines=lines, at=NOW).status for _ in range(12)])
    )

    assert outcomes == {201: 1, 200: 11}
    assert stack.redemptions.get().coupon.uses == 0


def test_returns_rollbacks_and_cancellations_of_one_order_give_back_once():
    budgeted = promotion(amount(1000), budget={"metric": "DISCOUNT_AMOUNT", "cap": 10000})
    code = coupon(budgeted, max_uses=None)
    stacks = [redeem_stack(spending(code, cart=cart_of_three(), source_id="A-1"), at=NOW)]
    stacks += [redeem_stack(spending(code, cart=cart_of_three()), at=NOW) for _ in range(3)]
    bought = order(None, number="A-1")

    def returning(stack, units, name):
        return lambda: return_lines(stack, source_id=name, lines={"1": Decimal(units)}, at=NOW).status

    def undoing(stack):
        return lambda: roll_back_redemption(stack, at=NOW).status

    works = [lambda: roll_back_order(bought, reason="cancelled", at=NOW) for _ in range(3)]
    for stack in stacks:
        works += [returning(stack, 3, "whole"), returning(stack, 1, "part"), undoing(stack), undoing(stack)]
    at_once(works)

    code.refresh_from_db()
    assert (code.uses, BudgetPeriod.objects.get().used) == (0, 0)
    assert not Redemption.objects.standing().exists()
    assert Event.objects.filter(type="coupon.rolled_back").count() == len(stacks)


def test_a_card_gets_its_money_back_once_from_returns_and_rollbacks_at_once():
    issued = issue_gift_card(amount=5000, currency="EUR", at=NOW, source_key="card")
    wish = replace(
        spending(cart=cart_of_three(), source_id="A-1"),
        redeemables=(Redeemable("gift_card", issued.code),),
    )
    stack = redeem_stack(wish, at=NOW)
    works = [
        lambda n=n: return_lines(stack, source_id=f"R-{n}", lines={"1": Decimal(1)}, at=NOW).status
        for n in range(6)
    ]

    at_once([*works, *(lambda: roll_back_redemption(stack, at=NOW).status for _ in range(6))])

    assert issued.card.available_at(NOW) == 5000
    assert check_invariants(at=NOW, only=["coupons"]).broken == 0


def test_a_return_and_the_order_s_return_at_the_same_instant_are_tied():
    bought = order(None, number="A-1", total=9000)
    article = Product.objects.create(sku="LAMP")
    bought.lines.create(line_id="1", product=article, quantity=3, amount=9000)
    stack = redeem_stack(spending(coupon(promotion()), cart=cart_of_three(), source_id="A-1"), at=NOW)
    stack.order = bought
    stack.save()

    def told_by_the_shop():
        try:
            outcome = record_return(bought, source_id="R-1", returned_at=NOW, quantities={"1": Decimal(1)})
            link_return(outcome.row)
            return outcome.row
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            mine = return_lines(stack, source_id="R-1", lines={"1": Decimal(1)}, at=NOW).row
            theirs = pool.submit(told_by_the_shop)
            time.sleep(0.5)  # It is linked before this transaction ends, or waits for it.
        theirs = theirs.result(timeout=10)

    mine.refresh_from_db()
    assert mine.order_return == theirs
