from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection, transaction

from coupons.models import Account, LedgerEntry, Lot
from customers.models import Event, Order
from customers.segments.compiler import compile_rules
from customers.services import dispatch_events, record_event
from customers.services.orders import cancel_order
from loyalty.errors import EarningRuleTaken
from loyalty.models import EarningRule, PointsAccrual
from loyalty.services import (
    adjust_points,
    backfill_points,
    claw_back_points,
    earn_points,
    edit_earning_rule,
    points_of,
)
from tests.factories import (
    NOON,
    CustomerFactory,
    OrderFactory,
    SalesChannelFactory,
    StoreFactory,
)
from tests.loyalty.factories import make_rule

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=3)


def returned(order, amount):
    Order.objects.filter(pk=order.pk).update(refunded_amount=amount)


def balance(customer):
    return points_of(customer, at=LATER).balance


def test_an_order_earns_a_point_per_full_euro_paid_for_goods():
    make_rule()
    order = OrderFactory(lines=[("A", 1, 5990, 590)], shipping_amount=700)

    (accrual,) = earn_points(order, at=NOON)

    assert (accrual.points, accrual.amount) == (54, 5400)
    assert balance(order.customer) == 54
    entry = LedgerEntry.objects.get()
    assert (entry.delta, entry.balance_after, entry.occurred_at) == (54, 54, NOON)


def test_a_multiplier_is_applied_before_the_one_rounding():
    make_rule(multipliers=[{"factor": "1.5", "sales_channels": ["web"]}])
    order = OrderFactory(lines=[("A", 1, 5990, 0)], sales_channel=SalesChannelFactory(code="web"))

    earn_points(order, at=NOON)

    assert balance(order.customer) == 89


def test_an_order_heard_of_again_earns_nothing_more():
    make_rule()
    order = OrderFactory()
    earn_points(order, at=NOON)

    assert earn_points(order, at=LATER) == []

    assert balance(order.customer) == 50
    assert PointsAccrual.objects.count() == LedgerEntry.objects.count() == 1


@pytest.mark.parametrize("fields", [{"customer": None}, {"currency": "USD"}, {"lines": [("A", 1, 99, 0)]}])
def test_nobody_foreign_money_and_small_change_earn_nothing(fields):
    make_rule()

    earn_points(OrderFactory(**fields), at=NOON)

    assert LedgerEntry.objects.count() == 0


def test_a_rule_switched_off_rewards_nothing():
    make_rule(active=False)

    assert earn_points(OrderFactory(), at=NOON) == []

    assert Account.objects.count() == 0


def test_returns_take_back_exactly_what_they_had_earned():
    make_rule()
    order = OrderFactory(lines=[("A", 1, 5990, 0)])
    earn_points(order, at=NOON)

    returned(order, 2950)
    first = claw_back_points(order, at=NOON)
    again = claw_back_points(order, at=NOON)
    returned(order, 5990)
    second = claw_back_points(order, at=LATER)

    assert (first, again, second) == (29, 0, 30)
    assert balance(order.customer) == 0
    assert list(LedgerEntry.objects.order_by("id").values_list("delta", flat=True)) == [59, -29, -30]


def test_a_cancelled_order_loses_all_its_points():
    make_rule()
    order = OrderFactory()
    earn_points(order, at=NOON)
    Order.objects.filter(pk=order.pk).update(status="CANCELLED")

    assert claw_back_points(order, at=LATER) == 50

    assert balance(order.customer) == 0


def test_a_return_heard_of_before_its_order_is_settled_when_the_order_earns():
    make_rule()
    order = OrderFactory()
    returned(order, 2000)

    assert claw_back_points(order, at=NOON) == 0
    earn_points(order, at=LATER)

    assert balance(order.customer) == 30


def test_points_spent_meanwhile_are_written_off_and_not_taken_twice():
    make_rule()
    order = OrderFactory()
    earn_points(order, at=NOON)
    adjust_points(order.customer, points=-40, reason="a gift", at=NOON)
    returned(order, 5000)

    assert claw_back_points(order, at=LATER) == 10

    adjust_points(order.customer, points=25, reason="sorry", at=LATER)
    assert claw_back_points(order, at=LATER) == 0
    assert balance(order.customer) == 25
    assert PointsAccrual.objects.get().clawed_back_points == 50


def test_what_is_taken_back_follows_the_version_that_earned_it():
    rule = make_rule()
    order = OrderFactory()
    earn_points(order, at=NOON)

    edit_earning_rule(
        rule, name=rule.name, active=True, points=10, per_amount=100, multipliers=[], valid_months=None
    )
    returned(order, 1000)
    claw_back_points(order, at=LATER)
    earn_points(OrderFactory(customer=order.customer), at=LATER)

    assert balance(order.customer) == 40 + 500
    assert EarningRule.objects.get().current.number == 2


def test_an_edit_of_the_name_is_no_new_version():
    rule = make_rule()

    edit_earning_rule(
        rule, name="Points", active=False, points=1, per_amount=100, multipliers=[], valid_months=None
    )

    rule.refresh_from_db()
    assert (rule.name, rule.active, rule.current.number) == ("Points", False, 1)


def test_a_code_is_used_once():
    make_rule()

    with pytest.raises(EarningRuleTaken):
        make_rule(points=9)

    assert EarningRule.objects.get().current.points == 1


def test_earning_and_losing_points_are_events():
    make_rule()
    order = OrderFactory()
    earn_points(order, at=NOON)
    returned(order, 5000)
    claw_back_points(order, at=LATER)

    payloads = Event.objects.filter(type="points.changed").order_by("id").values_list("payload", flat=True)

    assert list(payloads) == [
        {"points": 50, "balance": 50, "reason": "One point per euro", "order": order.pk},
        {"points": -50, "balance": 0, "reason": "One point per euro", "order": order.pk},
    ]


def test_a_paid_and_then_returned_order_is_settled_through_its_events():
    make_rule()
    order = OrderFactory()
    for type, payload in {"order.recorded": {}, "order.returned": {"return": 1}}.items():
        if type == "order.returned":
            returned(order, 5000)
        record_event(
            type,
            external_id=f"{type}:{order.pk}",
            customer=order.customer,
            occurred_at=NOON,
            payload={"order": order.pk} | payload,
        )
        dispatch_events(at=LATER)

    assert list(LedgerEntry.objects.order_by("id").values_list("delta", flat=True)) == [50, -50]
    assert PointsAccrual.objects.get().event.type == "order.recorded"


@pytest.mark.django_db(transaction=True)
def test_one_event_heard_by_eight_at_once_earns_once():
    make_rule()
    order = OrderFactory()

    together(lambda: earn_points(order, at=NOON), times=8)

    assert balance(order.customer) == 50
    assert PointsAccrual.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_return_heard_by_eight_at_once_takes_back_once():
    make_rule()
    order = OrderFactory(lines=[("A", 2, 9000, 0)])
    earn_points(order, at=NOON)
    returned(order, 4500)

    together(lambda: claw_back_points(order, at=NOON), times=8)

    assert balance(order.customer) == 45


def test_the_backfill_leaves_what_earning_one_by_one_would_have_left():
    rule = make_rule(
        valid_months=3,
        multipliers=[
            {"factor": "1.5", "sales_channels": ["web"]},
            {"factor": "2", "weekdays": ["SAT", "SUN"], "stores": ["milan"]},
        ],
    )
    web, milan = SalesChannelFactory(code="web"), StoreFactory(code="milan")
    customers = CustomerFactory.create_batch(3)
    for number in range(40):
        OrderFactory(
            customer=customers[number % 3],
            ordered_at=NOON - timedelta(hours=13 * number),
            lines=[("A", 1, 137 * number, 0)],
            sales_channel=web if number % 4 == 0 else None,
            store=milan if number % 3 == 0 else None,
            refunded_amount=100 if number == 20 else 0,
        )
    OrderFactory(customer=None)
    OrderFactory(customer=customers[0], status="CANCELLED")
    OrderFactory(customer=customers[0], currency="USD")
    OrderFactory(customer=customers[0], ordered_at=LATER + timedelta(days=1))

    due = Order.objects.filter(status="PAID", ordered_at__lte=LATER).order_by("ordered_at", "id")
    with transaction.atomic():
        for order in due:
            earn_points(order, at=order.ordered_at)
        one_by_one = _standing()
        transaction.set_rollback(True)

    written = backfill_points(at=LATER)
    again = backfill_points(at=LATER)

    assert (written, again) == (40, 0)
    assert _standing() == one_by_one
    assert rule.accruals.count() == 40


def together(work, *, times):
    def run():
        work()
        connection.close()

    threads = [Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _standing():
    """What stands in the accounts, without ids and without when the returned part was taken back."""
    return {
        "balances": list(Account.objects.order_by("customer").values_list("customer", "balance")),
        "lots": sorted(
            Lot.objects.values_list("account__customer", "earned", "remaining", "activates_at", "expires_at")
        ),
        "credits": sorted(
            LedgerEntry.objects.filter(kind="CREDIT").values_list(
                "account__customer", "delta", "source_key", "reason", "occurred_at"
            )
        ),
        "debits": list(LedgerEntry.objects.filter(kind="DEBIT").values_list("delta", flat=True)),
        "accruals": sorted(
            PointsAccrual.objects.values_list(
                "order", "amount", "factor", "points", "clawed_back_points", "version"
            )
        ),
    }


def test_rules_can_ask_for_the_balance():
    rich, poor = CustomerFactory(), CustomerFactory()
    adjust_points(rich, points=500, reason="welcome", at=NOON)
    rule = {"field": "points.balance", "operator": ">=", "value": 500}

    enough = compile_rules({"combinator": "and", "rules": [rule]}, as_of=NOON)
    few = compile_rules({"combinator": "and", "not": True, "rules": [rule]}, as_of=NOON)

    assert (list(enough), list(few)) == ([rich], [poor])


@pytest.mark.django_db(transaction=True)
def test_an_order_cancelled_while_it_earns_keeps_no_points():
    make_rule()
    order = OrderFactory(lines=[("A", 1, 9000, 0)])

    with transaction.atomic():
        cancel_order(Order.objects.get(pk=order.pk), at=NOON)
        earning = Thread(target=earn_and_close, args=[order])
        earning.start()
        earning.join(0.5)
        waits = earning.is_alive()
    earning.join()

    assert waits
    assert balance(order.customer) == 0


def earn_and_close(order):
    try:
        earn_points(order, at=NOON)
    finally:
        connection.close()
