import threading
from decimal import Decimal

import pytest
from django.db import connection

from customers.errors import OrderNotPossible, ReturnConflict, ReturnNotPossible
from customers.models import Event, Order, Return, Rollup
from customers.services import record_return, refresh_rollups
from operations.errors import InvalidInput
from tests.factories import NOON, OrderFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    """Two at 30.00 and one at 40.00, ten euros off (incentives.md, scenario 11)."""
    order = OrderFactory(lines=[("A", 2, 6000, 600), ("B", 1, 4000, 400)])
    refresh_rollups([order.customer_id])
    return order


def give_back(order, source_id, **quantities):
    quantities = {name.removeprefix("line"): Decimal(str(value)) for name, value in quantities.items()}
    return record_return(order, source_id=source_id, returned_at=NOON, quantities=quantities)


def test_parts_refund_what_was_paid_for_them(order):
    refunds = [
        give_back(order, "r1", line1=1).row.refund_amount,
        give_back(order, "r2", line1=1).row.refund_amount,
        give_back(order, "r3", line2=1).row.refund_amount,
    ]

    order.refresh_from_db()
    assert refunds == [2700, 2700, 3600]
    assert (order.status, order.refunded_amount, order.net_amount) == ("REFUNDED", 9000, 0)
    assert Rollup.objects.count() == 0


def test_a_partial_return_lowers_the_revenue_and_is_told(order):
    row = give_back(order, "r1", line1=1).row

    order.refresh_from_db()
    assert (order.status, order.net_amount) == ("PAID", 6300)
    assert Rollup.objects.get().net_amount == 6300
    event = Event.objects.get()
    assert (event.type, event.amount, event.payload) == (
        "order.returned", 2700, {"order": order.pk, "return": row.pk},
    )  # fmt: skip


def test_the_same_return_again_is_the_first_one(order):
    first, again = give_back(order, "r1", line1=1), give_back(order, "r1", line1="1.000")

    assert (first.status, again.status) == (201, 200)
    assert first.row == again.row == Return.objects.get()
    assert Event.objects.count() == 1


def test_other_lines_under_the_same_id_contradict_it(order):
    give_back(order, "r1", line1=1)

    with pytest.raises(ReturnConflict):
        give_back(order, "r1", line1=2)
    assert Return.objects.get().refund_amount == 2700


def test_no_more_comes_back_than_was_bought(order):
    give_back(order, "r1", line1=1)

    with pytest.raises(ReturnNotPossible, match="Line 1: 2 would come back, 1 can"):
        give_back(order, "r2", line1=2, line2=1)
    assert Return.objects.count() == 1
    assert Order.objects.get().refunded_amount == 2700


def test_an_unknown_line_is_bad_input(order):
    with pytest.raises(InvalidInput):
        give_back(order, "r1", line9=1)


@pytest.mark.parametrize("status", ["PENDING", "CANCELLED"])
def test_only_what_was_paid_comes_back(order, status):
    Order.objects.update(status=status)

    with pytest.raises(OrderNotPossible):
        give_back(order, "r1", line1=1)
    assert Return.objects.count() == 0


def test_weighed_goods_come_back_by_weight():
    order = OrderFactory(lines=[("HAM", "0.333", 999, 0)])

    refunds = [
        give_back(order, "r1", line1="0.1").row.refund_amount,
        give_back(order, "r2", line1="0.233").row.refund_amount,
    ]

    assert refunds == [300, 699]


@pytest.mark.django_db(transaction=True)
def test_the_last_unit_comes_back_once():
    order = OrderFactory(lines=[("A", 1, 1000, 0)])
    barrier, refunds, refusals = threading.Barrier(4), [], []

    def call(number):
        try:
            barrier.wait()
            refunds.append(give_back(order, f"r{number}", line1=1).row.refund_amount)
        except ReturnNotPossible as refusal:
            refusals.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert (refunds, len(refusals)) == ([1000], 3)
