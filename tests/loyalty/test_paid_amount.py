"""Points count on what was paid for goods: not with points, and not for gift cards (incentives.md, P6)."""

from dataclasses import replace

import pytest

from coupons.services import Redeemable, issue_gift_card, ledger, link_order, redeem_stack
from customers.models import Order
from loyalty.services import backfill_points, claw_back_points, earn_points, points_of
from tests.coupons.factories import spending
from tests.factories import NOON, OrderFactory
from tests.loyalty.factories import make_rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    """50.00 of goods, of which 500 points paid 5.00, and a gift card of 20.00."""
    make_rule()
    order = OrderFactory(lines=[("A", 1, 5000, 0), ("CARD", 1, 2000, 0)])
    ledger.credit(ledger.open_account(order.customer), units=500, source_key="gift", at=NOON)
    wish = spending(who=order.customer, prices=(7000,), source=order.source.code, source_id=order.external_id)
    redeem_stack(replace(wish, redeemables=(Redeemable("points", units=500),)), at=NOON)
    link_order(order)
    card_line = order.lines.get(product__sku="CARD").line_id
    issue_gift_card(
        amount=2000, currency="EUR", at=NOON, source_key="sold", bought_on=order, line_id=card_line
    )
    return order


def test_points_and_gift_cards_do_not_earn(order):
    (accrual,) = earn_points(order, at=NOON)

    assert (accrual.amount, accrual.points) == (4500, 45)


def test_the_past_earns_the_same(order):
    backfill_points(at=NOON)

    assert points_of(order.customer, at=NOON).balance == 45


def test_what_comes_back_takes_its_share_of_what_earned(order):
    earn_points(order, at=NOON)

    Order.objects.filter(pk=order.pk).update(refunded_amount=3500)
    assert claw_back_points(order, at=NOON) == 23
    Order.objects.filter(pk=order.pk).update(refunded_amount=7000, status="REFUNDED")
    assert claw_back_points(order, at=NOON) == 22
