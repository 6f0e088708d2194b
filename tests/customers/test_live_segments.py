"""Segments that follow what happens within moments, what only time changes, what triggers nothing."""

from datetime import timedelta

import pytest
from django.db import transaction

from customers.models import ChangedCustomers, Customer, Event, Segment, SegmentMembership, SegmentOverride
from customers.segments.compiler import compile_rules
from customers.services import (
    create_segment,
    exclude_customer,
    forget_decision,
    include_customer,
    merge_customers,
    overlap_of,
    record_event,
    refresh_segment,
    refresh_segments,
    replace_members,
    undo_merge,
)
from customers.services.live_segments import follow_changes, sweep_segments
from tests.factories import NOON, CustomerFactory, OrderFactory, UserFactory

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MILAN = {"combinator": "and", "rules": [{"field": "customer.city", "operator": "=", "value": "Milano"}]}


def visited(times=1, **window):
    value = {"match": {"mode": "atLeast", "threshold": times}, "window": window or {"last_days": 3}}
    leaf = {"field": "event.visit.recorded", "operator": "happened", "value": value}
    return {"combinator": "and", "rules": [leaf]}


def visit(customer, at=NOON):
    record_event("visit.recorded", external_id=f"{customer.pk}-{at}", occurred_at=at, customer=customer)


def live(rules, code="visitors"):
    segment = create_segment(code=code, name=code, rules=rules, refresh=Segment.Refresh.LIVE)
    refresh_segment(segment, at=NOON - DAY)
    return segment


def members(segment):
    return set(SegmentMembership.objects.current().filter(segment=segment).values_list("customer", flat=True))


def told():
    events = Event.objects.filter(type__startswith="segment.").order_by("pk")
    return list(events.values_list("type", "customer"))


def test_a_live_segment_follows_what_happens():
    alice, _bob = CustomerFactory(), CustomerFactory()
    segment = live(visited())
    visit(alice)

    assert follow_changes(at=NOON + MINUTE) == 1

    segment.refresh_from_db()
    assert (members(segment), segment.size) == ({alice.pk}, 1)
    assert told() == [("segment.entered", alice.pk)]
    assert segment.refreshed_at == NOON - DAY
    assert follow_changes(at=NOON + 2 * MINUTE) == 0


def test_nothing_is_noted_while_no_segment_is_live():
    create_segment(code="nightly", name="Nightly", rules=visited())

    visit(CustomerFactory())

    assert ChangedCustomers.objects.count() == 0


def test_a_note_goes_with_the_transaction_of_what_happened():
    live(visited())

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        visit(CustomerFactory())
        raise ZeroDivisionError

    assert ChangedCustomers.objects.count() == 0


def test_time_alone_takes_people_out_at_midnight():
    alice = CustomerFactory()
    segment = live(visited())
    visit(alice)
    follow_changes(at=NOON)
    refresh_segment(segment, at=NOON)

    same_day = sweep_segments(at=NOON + timedelta(hours=5))
    later = sweep_segments(at=NOON + 4 * DAY)

    assert same_day == {}
    assert (later["visitors"].left, members(segment)) == (1, set())
    assert told() == [("segment.entered", alice.pk), ("segment.left", alice.pk)]


def test_a_rule_that_counts_hours_is_swept_within_the_day():
    alice = CustomerFactory()
    step = {"field": "event.order.recorded", "negated": True, "within": {"hours": 2}}
    leaf = {"field": "event.visit.recorded", "operator": "sequence", "value": {"then": [step]}}
    segment = live({"combinator": "and", "rules": [leaf]})
    visit(alice)
    follow_changes(at=NOON)
    refresh_segment(segment, at=NOON)

    assert sweep_segments(at=NOON + 10 * MINUTE) == {}
    assert sweep_segments(at=NOON + timedelta(hours=1))["visitors"].size == 0
    assert sweep_segments(at=NOON + timedelta(hours=2))["visitors"].entered == 1


def test_a_segment_named_by_another_is_followed_first():
    alice = CustomerFactory()
    inner = live(visited(), code="z-visitors")
    inside = {"field": "segment", "operator": "=", "value": "z-visitors"}
    outer = live({"combinator": "and", "rules": [inside]}, code="a-visitors")
    visit(alice)

    follow_changes(at=NOON + MINUTE)

    assert members(inner) == members(outer) == {alice.pk}


def test_a_merge_moves_people_into_segments_without_a_word():
    alice, twin = CustomerFactory(), CustomerFactory()
    segment = create_segment(code="regulars", name="Regulars", rules=visited(2))
    for one in (alice, twin):
        visit(one)
    refresh_segment(segment, at=NOON)

    operation = merge_customers(alice, [twin], reason="test", at=NOON + MINUTE)
    follow_changes(at=NOON + 2 * MINUTE)
    merged = members(segment)
    undo_merge(operation, at=NOON + 3 * MINUTE)
    follow_changes(at=NOON + 4 * MINUTE)

    assert merged == {alice.pk}
    assert members(segment) == set()
    assert told() == []


def test_one_segment_that_fails_stops_no_other(monkeypatch):
    alice = CustomerFactory()
    broken, sound = live(visited(), code="broken"), live(visited(), code="sound")
    Segment.objects.filter(pk=broken.pk).update(rules={"combinator": "and", "rules": ["nonsense"]})
    visit(alice)

    follow_changes(at=NOON + MINUTE)
    nightly = refresh_segments(at=NOON + 2 * MINUTE)

    broken.refresh_from_db()
    assert "The rules are not valid." in broken.problem
    assert (members(sound), list(nightly)) == ({alice.pk}, ["sound"])


def test_decisions_by_hand_survive_every_refresh():
    alice, bob = CustomerFactory(city="Milano"), CustomerFactory(city="Roma")
    user = UserFactory()
    segment = create_segment(code="milan", name="Milan", rules=MILAN)
    refresh_segment(segment, at=NOON)

    exclude_customer(segment, alice, at=NOON + MINUTE, reason="asked us", by=user)
    include_customer(segment, bob, at=NOON + MINUTE)
    at_once = members(segment)
    change = refresh_segment(segment, at=NOON + DAY)

    assert at_once == members(segment) == {bob.pk}
    assert (change.entered, change.left, change.size) == (0, 0, 1)
    history = SegmentMembership.objects.order_by("pk").values_list(
        "customer", "entered_because", "left_because"
    )
    assert list(history) == [(alice.pk, "RULE", "BY_HAND"), (bob.pk, "BY_HAND", "")]
    decision = SegmentOverride.objects.get(customer=alice)
    assert (decision.kind, decision.reason, decision.decided_by) == ("EXCLUDE", "asked us", user)
    assert told() == [("segment.left", alice.pk), ("segment.entered", bob.pk)]


def test_a_decision_can_be_changed_and_taken_back():
    alice = CustomerFactory(city="Milano")
    segment = create_segment(code="milan", name="Milan", rules=MILAN)
    refresh_segment(segment, at=NOON)
    exclude_customer(segment, alice, at=NOON)

    include_customer(segment, alice, at=NOON + MINUTE)
    included = members(segment)
    Customer.objects.update(city="Roma")
    refresh_segment(segment, at=NOON + DAY)
    kept = members(segment)
    forget_decision(segment, alice, at=NOON + 2 * DAY)

    assert included == kept == {alice.pk}
    assert members(segment) == set()
    segment.refresh_from_db()
    assert segment.size == 0


def test_a_segment_by_hand_is_made_of_decisions():
    alice, bob = CustomerFactory(), CustomerFactory()
    segment = create_segment(code="vip", name="VIP", kind=Segment.Kind.MANUAL)

    include_customer(segment, alice, at=NOON)
    include_customer(segment, bob, at=NOON)
    forget_decision(segment, bob, at=NOON + MINUTE)

    segment.refresh_from_db()
    assert (members(segment), segment.size) == ({alice.pk}, 1)


def test_of_two_merged_customers_the_exclusion_wins_and_comes_back():
    alice, twin = CustomerFactory(city="Milano"), CustomerFactory(city="Milano")
    segment = create_segment(code="milan", name="Milan", rules=MILAN)
    refresh_segment(segment, at=NOON)
    include_customer(segment, alice, at=NOON)
    exclude_customer(segment, twin, at=NOON)

    operation = merge_customers(alice, [twin], reason="test", at=NOON + MINUTE)
    refresh_segment(segment, at=NOON + 2 * MINUTE)
    merged = members(segment)
    undo_merge(operation, at=NOON + 3 * MINUTE)
    refresh_segment(segment, at=NOON + 4 * MINUTE)

    assert merged == set()
    assert members(segment) == {alice.pk}
    assert dict(SegmentOverride.objects.values_list("customer", "kind")) == {
        alice.pk: "INCLUDE",
        twin.pk: "EXCLUDE",
    }


def test_the_overlap_of_two_segments():
    people = [one.pk for one in CustomerFactory.create_batch(10, email=None)]
    first = create_segment(code="first", name="First", kind="MANUAL")
    second = create_segment(code="second", name="Second", kind="MANUAL")
    replace_members(first, people[:6], at=NOON)
    replace_members(second, people[4:9], at=NOON)

    overlap = overlap_of(first, second)

    assert (overlap.first, overlap.second, overlap.both) == (6, 5, 2)
    assert (overlap.first_only, overlap.second_only, overlap.either) == (4, 3, 9)
    assert overlap.share == 2 / 9
    assert overlap_of(first, create_segment(code="none", name="None", kind="MANUAL")).both == 0


def test_looking_at_a_few_customers_answers_as_looking_at_all():
    people = CustomerFactory.create_batch(6, email=None)
    for number, one in enumerate(people):
        OrderFactory.create_batch(number, customer=one, ordered_at=NOON - DAY)
    value = {"match": {"mode": "atMost", "threshold": 2}}
    leaf = {"field": "event.order.recorded", "operator": "happened", "value": value}
    figure = {"function": "sum", "of": "amount", "operator": "<", "value": 15000}
    spent = {"field": "event.order.recorded", "operator": "aggregate", "value": figure}
    rules = {"combinator": "and", "rules": [leaf, spent]}

    among = [one.pk for one in people[1:5]]
    every = set(compile_rules(rules, as_of=NOON).values_list("pk", flat=True))
    some = set(compile_rules(rules, as_of=NOON, among=among).values_list("pk", flat=True))

    assert every == {one.pk for one in people[:3]}
    assert some == every & set(among)
