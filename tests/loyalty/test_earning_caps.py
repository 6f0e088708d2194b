from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection

from customers.models import Order
from customers.services import dispatch_events, record_event
from loyalty.models import DrawEntry, DrawParticipant, EarningCounter, PointsAccrual
from loyalty.services import claw_back_points, earn_on_event, earn_points, listening, points_of
from loyalty.services.caps import count_back, room_within_caps
from loyalty.services.earned_entries import entrants_of
from operations.services import check_invariants
from tests.factories import NOON, CustomerFactory, OrderFactory
from tests.loyalty.factories import make_rule
from tests.loyalty.games import open_draw

LATER = NOON + timedelta(days=3)


@pytest.mark.django_db(transaction=True)
def test_a_cap_of_everybody_together_is_not_passed_by_eight_at_once():
    make_rule(caps=[{"subject": "RULE", "period": "TOTAL", "points": 120}])
    orders = [OrderFactory() for _ in range(8)]  # Each would earn 50.

    threads = [Thread(target=_earn, args=[order]) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    given = sorted(PointsAccrual.objects.values_list("points", flat=True))
    assert given == [0, 0, 0, 0, 0, 20, 50, 50]
    assert EarningCounter.objects.get().units == 120


def _earn(order):
    try:
        earn_points(order, at=NOON)
    finally:
        connection.close()


@pytest.mark.django_db
def test_a_counter_that_says_something_else_than_the_orders_is_found():
    make_rule(caps=[{"subject": "CUSTOMER", "period": "TOTAL", "points": 120}])
    earn_points(OrderFactory(), at=NOON)
    before = check_invariants(at=NOON, only=["loyalty.earning_caps"]).broken

    EarningCounter.objects.update(units=49)

    assert before == 0
    assert check_invariants(at=NOON, only=["loyalty.earning_caps"]).broken == 1


@pytest.mark.django_db
def test_an_event_is_rewarded_through_the_queue_once_and_not_before_there_is_a_rule():
    anna = CustomerFactory()
    tell("review.written", anna, "before")
    make_rule(code="review", kind="PER_EVENT", event_type="review.written", points=20, per_amount=None)
    listening.forget_types()

    event = tell("review.written", anna, "after")
    dispatch_events(at=LATER)
    again = earn_on_event(event, at=LATER)

    listening.remember_types([])
    assert again == []
    assert points_of(anna, at=LATER).balance == 20


def tell(type, customer, key):
    return record_event(type, external_id=key, customer=customer, occurred_at=NOON)


@pytest.mark.django_db
def test_nobody_known_earns_nothing_by_an_event():
    make_rule(code="visit", kind="PER_EVENT", event_type="visit.recorded", points=5, per_amount=None)

    assert earn_on_event(tell("visit.recorded", CustomerFactory(status="ANONYMOUS"), "a"), at=NOON) == []
    assert earn_on_event(tell("visit.recorded", None, "b"), at=NOON) == []


@pytest.mark.django_db
def test_entries_in_a_contest_are_earned_and_returns_leave_what_the_rest_earned():
    draw = open_draw()
    make_rule(gives="DRAW_ENTRIES", points=1, per_amount=1000, draw=draw.code)
    order = OrderFactory(lines=[("A", 1, 5990, 0)])

    (accrual,) = earn_points(order, at=NOON)
    Order.objects.filter(pk=order.pk).update(refunded_amount=3000)
    claw_back_points(order, at=NOON)
    claw_back_points(order, at=NOON)

    assert (accrual.draw_entries, accrual.points, accrual.entry) == (5, 0, None)
    standing = DrawEntry.objects.filter(withdrawn_at__isnull=True)
    assert list(standing.values_list("entries", flat=True)) == [2]  # 29.90: two full tens.
    assert PointsAccrual.objects.get().draw_entries == 2


@pytest.mark.django_db
def test_what_the_rest_still_earns_stays_in_a_contest_that_takes_no_more_entries():
    """59.90 earned five; after 30.00 went back 29.90 earn two, though it takes no more since."""
    draw = open_draw()
    make_rule(gives="DRAW_ENTRIES", points=1, per_amount=1000, draw=draw.code)
    order = OrderFactory(lines=[("A", 1, 5990, 0)])
    earn_points(order, at=NOON)
    Order.objects.filter(pk=order.pk).update(refunded_amount=3000)

    claw_back_points(order, at=draw.closes_at + timedelta(hours=1))

    (kept,) = DrawEntry.objects.standing()
    assert (kept.entries, kept.occurred_at) == (2, NOON)
    assert DrawParticipant.objects.get().entries == PointsAccrual.objects.get().draw_entries == 2


@pytest.mark.django_db
def test_a_cap_of_each_customer_does_not_look_at_what_everybody_had_together():
    caps = [
        {"subject": "RULE", "period": "TOTAL", "points": 120},
        {"subject": "CUSTOMER", "period": "TOTAL", "points": 60},
    ]
    rule = make_rule(caps=caps)
    for _ in range(2):
        earn_points(OrderFactory(), at=NOON)  # 50 each: 20 are left for all, and 60 for somebody new.

    assert room_within_caps(rule, None, at=NOON) == 20
    count_back(rule, rule.current.terms, None, units=50, whole=True, at=NOON)
    assert room_within_caps(rule, None, at=NOON) == 60


@pytest.mark.django_db
def test_a_return_gives_room_back_once_where_points_and_times_are_capped():
    caps = [
        {"subject": "CUSTOMER", "period": "TOTAL", "points": 120},
        {"subject": "CUSTOMER", "period": "TOTAL", "times": 5},
    ]
    rule, anna = make_rule(caps=caps), CustomerFactory()
    for _ in range(2):
        earn_points(OrderFactory(customer=anna), at=NOON)

    count_back(rule, rule.current.terms, anna, units=50, whole=True, at=NOON)

    counter = EarningCounter.objects.get()
    assert (counter.units, counter.times) == (50, 1)


@pytest.mark.django_db
def test_the_page_of_a_rule_names_who_entered_a_contest_by_an_event():
    draw, anna = open_draw(), CustomerFactory()
    make_rule(kind="PER_EVENT", event_type="defect.reported", gives="DRAW_ENTRIES", points=2, draw=draw.code)

    accruals = earn_on_event(tell("defect.reported", anna, "a"), at=NOON)

    assert entrants_of(accruals) == {accruals[0].pk: anna}
