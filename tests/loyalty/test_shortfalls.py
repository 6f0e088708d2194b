"""Points that a return should take back and that were spent meanwhile (incentives.md, R5)."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from coupons.services import ledger
from customers.models import Order
from customers.services import merge_customers
from loyalty.models import PointsShortfall
from loyalty.services import claw_back_points, debt_of, earn_points, points_of
from loyalty.services.balances import points_accounts
from operations.services import check_invariants
from tests.factories import NOON, CustomerFactory, OrderFactory
from tests.loyalty.factories import make_rule

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=3)


def spent_and_returned(customer, *, spend=40):
    """An order of 50.00 earns 50 points; some are spent, then everything comes back."""
    order = OrderFactory(customer=customer)
    earn_points(order, at=NOON)
    account = ledger.open_account(customer)
    ledger.debit(account, units=spend, source_key=f"reward {order.pk}", at=NOON)
    Order.objects.filter(pk=order.pk).update(refunded_amount=5000, status="REFUNDED")
    return claw_back_points(order, at=NOON)


def balance(customer):
    return points_of(customer, at=LATER).balance


@pytest.fixture
def anna():
    make_rule()
    return CustomerFactory()


@pytest.mark.parametrize(("policy", "owed", "rows"), [("ZERO_FLOOR", 0, 0), ("WRITE_OFF", 0, 1)])
def test_what_was_spent_is_forgotten_or_written_off(settings, anna, policy, owed, rows):
    settings.POINTS_SHORTFALL = policy

    assert spent_and_returned(anna) == 10
    earn_points(OrderFactory(customer=anna), at=LATER)

    assert (balance(anna), debt_of(anna)) == (50, owed)
    assert PointsShortfall.objects.filter(points=40, settled_points=0).count() == rows


def test_a_debt_leaves_nothing_below_zero_and_is_taken_from_the_next_earnings(settings, anna):
    settings.POINTS_SHORTFALL = "DEBT"

    spent_and_returned(anna)
    assert (balance(anna), debt_of(anna)) == (0, 40)

    earn_points(OrderFactory(customer=anna, lines=[("A", 1, 3000, 0)]), at=LATER)
    assert (balance(anna), debt_of(anna)) == (0, 10)

    earn_points(OrderFactory(customer=anna, lines=[("A", 1, 3000, 0)]), at=LATER)
    assert (balance(anna), debt_of(anna)) == (20, 0)
    assert check_invariants(at=LATER, only=["loyalty", "coupons.balances", "coupons.lots"]).broken == 0


def test_points_given_by_hand_pay_no_debt(settings, anna):
    settings.POINTS_SHORTFALL = "DEBT"
    spent_and_returned(anna)

    ledger.credit(ledger.open_account(anna), units=100, source_key="a present", at=NOON)
    earn_points(OrderFactory(customer=anna, lines=[("A", 1, 1500, 0)]), at=LATER)

    assert (balance(anna), debt_of(anna)) == (100, 25)


def test_all_accounts_of_a_merged_customer_are_locked_at_once_in_the_order_of_their_keys(anna):
    earn_points(OrderFactory(customer=anna), at=NOON)
    survivor = CustomerFactory()
    earn_points(OrderFactory(customer=survivor), at=NOON)
    merge_customers(survivor, losers=[anna], reason="the same person", at=NOON)
    ids = sorted(points_accounts(survivor).values_list("pk", flat=True))

    with CaptureQueriesContext(connection) as queries:
        earn_points(OrderFactory(customer=survivor), at=LATER)

    locks = [q["sql"] for q in queries if "FOR NO KEY UPDATE" in q["sql"] and "coupons_account" in q["sql"]]
    locked = re.search(r"IN \(([\d, ]+)\) ORDER BY", locks[0])
    assert locked and sorted(map(int, locked[1].split(", "))) == ids
    assert len(ids) == 2


def test_a_debt_goes_with_its_customer_into_a_merge(settings, anna):
    settings.POINTS_SHORTFALL = "DEBT"
    spent_and_returned(anna)
    survivor = CustomerFactory()
    merge_customers(survivor, losers=[anna], reason="the same person", at=NOON)

    earn_points(OrderFactory(customer=survivor), at=LATER)

    assert (balance(survivor), debt_of(survivor)) == (10, 0)
