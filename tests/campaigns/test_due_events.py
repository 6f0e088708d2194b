"""Campaigns that wait for something to happen to a person."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from campaigns.drafts import VersionTerms
from campaigns.errors import MoveNotPossible
from campaigns.models import Campaign, Occasion
from campaigns.occasions import event_facts
from campaigns.services import (
    hear_event,
    plan_due_occasions,
    send_to_customer,
    start_campaign,
    stop_campaign,
    tend_runs,
)
from campaigns.services.listening import forget_types, remember_types
from customers.models import Event, PendingEvent, Segment
from customers.services import create_segment, record_event, refresh_segment
from customers.services.events import dispatch_events
from tests.campaigns.factories import draft, segment_of, subscriber
from tests.factories import OrderFactory, ProductFactory, UserFactory


@pytest.fixture(autouse=True)
def _listening():
    forget_types()
    yield
    remember_types([])


def waiting_for(rule, now, *, trigger="EVENT", segment=None, code="autumn", **terms) -> Campaign:
    terms = VersionTerms(trigger=trigger, trigger_rule=rule, **terms)
    campaign = start_campaign(draft(segment, now, terms=terms, code=code), at=now)
    forget_types()
    return campaign


def happened(type, customer, at, key="1", **fields):
    return record_event(type, external_id=f"{type}:{key}", customer=customer, occurred_at=at, **fields)


def test_an_event_is_answered_at_once_and_once(db, now):
    person = subscriber("anna@mail.example")
    campaign = waiting_for({"type": "visit.recorded"}, now)

    event = happened("visit.recorded", person, now)
    dispatch_events(at=now + timedelta(minutes=1))
    hear_event(event, at=now)
    plan_due_occasions(at=now)
    plan_due_occasions(at=now)

    message = campaign.messages.get()
    assert (message.customer, message.occurrence, message.state) == (person, f"event:{event.pk}", "PENDING")


def test_a_campaign_that_cannot_be_planned_holds_up_no_other(db, now):
    person = subscriber("anna@mail.example")
    fits = {"combinator": "and", "rules": [{"field": "customer.city", "operator": "=", "value": "Milano"}]}
    segment = create_segment(code="milano", name="Milano", rules=fits)
    broken = waiting_for({"type": "visit.recorded"}, now, segment=segment, code="broken")
    whole = waiting_for({"type": "visit.recorded"}, now, code="whole")
    hear_event(happened("visit.recorded", person, now), at=now)
    gone = {"combinator": "and", "rules": [{"field": "no.such_field", "operator": "=", "value": "Milano"}]}
    Segment.objects.filter(pk=segment.pk).update(rules=gone)

    tend_runs(at=now)

    assert (broken.messages.count(), whole.messages.count()) == (0, 1)
    assert Occasion.objects.get(campaign=broken).state == "WAITING"


def test_an_order_is_looked_into_with_one_statement(db, now, django_assert_num_queries):
    person = subscriber("anna@mail.example")
    order = OrderFactory(customer=person)
    told = happened("order.recorded", person, now, payload={"order": order.pk})
    event = Event.objects.select_related("store", "sales_channel", "source").get(pk=told.pk)

    with django_assert_num_queries(1):
        facts = event_facts(event)

    assert (facts["sku"], facts["brand"]) == (["SKU-A"], [])


def test_a_welcome_takes_the_fast_lane(db, now):
    person = subscriber("anna@mail.example")
    campaign = waiting_for({"type": "customer.created", "only_once": True}, now, lane="FAST")

    for key in ("1", "2"):
        happened("customer.created", person, now, key)
    dispatch_events(at=now + timedelta(minutes=1))
    tend_runs(at=now)

    assert [(message.lane, message.occurrence) for message in campaign.messages.all()] == [("FAST", "once")]


def test_events_that_nobody_waits_for_are_not_queued(db, now):
    person = subscriber("anna@mail.example")
    waiting_for({"type": "visit.recorded"}, now)

    happened("product.viewed", person, now)

    assert PendingEvent.objects.count() == 0


def test_conditions_look_into_the_event_and_its_order(db, now):
    person = subscriber("anna@mail.example")
    ProductFactory(sku="BOOTS", category="shoes")
    order = OrderFactory(customer=person, ordered_at=now, lines=[("BOOTS", 1, 9000, 0), ("SKU-A", 1, 100, 0)])
    shoes = waiting_for(
        {"type": "order.recorded", "where": [{"field": "category", "operator": "=", "value": "shoes"}]}, now
    )
    dear = waiting_for(
        {"type": "order.recorded", "where": [{"field": "amount", "operator": ">", "value": 10_000}]},
        now,
        code="dear",
    )

    event = happened("order.recorded", person, now, payload={"order": order.pk}, amount=9100)
    hear_event(event, at=now)
    tend_runs(at=now)

    assert (shoes.messages.count(), dear.messages.count()) == (1, 0)
    assert Occasion.objects.get().about["order"] == order.pk


def test_the_tenth_order_is_celebrated_and_no_other(db, now):
    person = subscriber("anna@mail.example")
    campaign = waiting_for({"type": "order.recorded", "nth": 3}, now)

    for number in range(5):
        at = now - timedelta(hours=5 - number)
        order = OrderFactory(customer=person, ordered_at=at)
        hear_event(happened("order.recorded", person, at, str(number), payload={"order": order.pk}), at=now)
    tend_runs(at=now)

    assert campaign.messages.count() == 1


def test_what_was_tried_and_then_bought_needs_no_reminder(db, now):
    buyer, thinker = (subscriber(f"{name}@mail.example", first_name=name) for name in ("buyer", "thinker"))
    tried = ProductFactory(sku="BIKE")
    rule = {"type": "product.tried", "delay_minutes": 3 * 24 * 60, "unless_bought": "same_product"}
    campaign = waiting_for(rule, now)
    for person in (buyer, thinker):
        hear_event(happened("product.tried", person, now, str(person.pk), product=tried), at=now)
    OrderFactory(customer=buyer, ordered_at=now + timedelta(days=1), lines=[("BIKE", 1, 90000, 0)])
    OrderFactory(customer=thinker, ordered_at=now + timedelta(days=1), lines=[("BELL", 1, 900, 0)])

    tend_runs(at=now + timedelta(days=2))
    assert campaign.messages.count() == 0
    tend_runs(at=now + timedelta(days=3, minutes=1))

    assert [message.customer for message in campaign.messages.all()] == [thinker]
    assert Occasion.objects.get(customer=buyer).state == "NOT_NEEDED"


def test_a_person_has_it_again_only_after_a_pause(db, now):
    person = subscriber("anna@mail.example")
    campaign = waiting_for({"type": "visit.recorded", "again_after_days": 7}, now - timedelta(days=20))

    for days in (20, 18, 12, 6, 1):
        at = now - timedelta(days=days)
        hear_event(happened("visit.recorded", person, at, str(days)), at=at)
    tend_runs(at=now)

    written = Occasion.objects.filter(campaign=campaign).order_by("due_at")
    assert [(now - one.due_at).days for one in written] == [20, 12, 1]


def test_what_happened_long_ago_is_history(db, now):
    person = subscriber("anna@mail.example")
    waiting_for({"type": "visit.recorded"}, now)

    hear_event(happened("visit.recorded", person, now - timedelta(days=30)), at=now)

    assert Occasion.objects.count() == 0


def test_a_rule_is_asked_about_the_person_of_the_event_now(db, now):
    segment = create_segment(
        code="milano",
        name="Milano",
        rules={
            "combinator": "and",
            "rules": [{"field": "customer.city", "operator": "=", "value": "Milano"}],
        },
    )
    campaign = waiting_for({"type": "visit.recorded"}, now, segment=segment)
    inside, outside = (
        subscriber(f"{city}@mail.example", first_name=city, city=city) for city in ("Milano", "Torino")
    )

    for person in (inside, outside):
        hear_event(happened("visit.recorded", person, now, str(person.pk)), at=now)
    tend_runs(at=now)

    assert [message.customer for message in campaign.messages.all()] == [inside]


def test_entering_a_segment_is_answered_once(db, now):
    person = subscriber("anna@mail.example")
    segment = segment_of([], code="vip")
    Segment.objects.filter(pk=segment.pk).update(
        kind="RULE",
        refreshed_at=now,
        rules={
            "combinator": "and",
            "rules": [{"field": "customer.city", "operator": "=", "value": "Milano"}],
        },
    )
    segment.refresh_from_db()
    campaign = waiting_for({"segment": "vip", "moves": "entered"}, now, trigger="SEGMENT")

    refresh_segment(segment, at=now + timedelta(minutes=1), announce=True)
    for seconds in (70, 75, 140):
        tend_runs(at=now + timedelta(seconds=seconds))

    assert [message.customer for message in campaign.messages.all()] == [person]


def test_a_pause_keeps_what_happens_for_later_and_a_stop_does_not(db, now):
    from campaigns.services import pause_campaign, resume_campaign

    person = subscriber("anna@mail.example")
    campaign = waiting_for({"type": "visit.recorded"}, now)
    pause_campaign(campaign, at=now)

    hear_event(happened("visit.recorded", person, now), at=now)
    tend_runs(at=now)
    assert campaign.messages.count() == 0
    resume_campaign(campaign, at=now)
    tend_runs(at=now)
    assert campaign.messages.count() == 1

    stop_campaign(campaign, at=now)
    hear_event(happened("visit.recorded", person, now, "2"), at=now)
    assert Occasion.objects.filter(campaign=campaign).count() == 1


def test_an_agent_sends_a_campaign_to_one_person_once_a_day(db, now):
    person = subscriber("anna@mail.example")
    agent = UserFactory(username="anna")
    campaign = waiting_for({}, now, trigger="MANUAL")

    first = send_to_customer(campaign, person, at=now, by=agent)
    again = send_to_customer(campaign, person, at=now, by=agent)

    assert first == again
    assert campaign.messages.count() == 1


def test_a_campaign_that_is_not_sent_by_hand_says_so(db, now):
    person = subscriber("anna@mail.example")
    campaign = waiting_for({"type": "visit.recorded"}, now)

    with pytest.raises(MoveNotPossible):
        send_to_customer(campaign, person, at=now)

    assert Occasion.objects.count() == 0


def test_somebody_outside_the_audience_gets_nothing_by_hand(db, now):
    person = subscriber("anna@mail.example")
    campaign = waiting_for({}, now, trigger="MANUAL", segment=segment_of([]))

    with pytest.raises(MoveNotPossible):
        send_to_customer(campaign, person, at=now)

    assert (Occasion.objects.count(), campaign.messages.count()) == (0, 0)


def test_a_merged_person_has_their_turn_once(db, now):
    from customers.services import merge_customers

    survivor, loser = (subscriber(f"{name}@mail.example", first_name=name) for name in ("one", "two"))
    campaign = waiting_for({"type": "customer.created", "only_once": True, "delay_minutes": 60}, now)
    for person in (survivor, loser):
        hear_event(happened("customer.created", person, now, str(person.pk)), at=now)

    merge_customers(survivor, [loser], reason="the same", at=now)
    tend_runs(at=now + timedelta(hours=2))

    assert [message.customer for message in campaign.messages.all()] == [survivor]


@pytest.mark.django_db(transaction=True)
def test_events_heard_at_once_give_one_turn_within_the_pause(now):
    person = subscriber("anna@mail.example")
    campaign = waiting_for({"type": "visit.recorded", "again_after_days": 7}, now)
    events = [happened("visit.recorded", person, now, str(number)) for number in range(6)]
    barrier = threading.Barrier(6)

    def hear(event) -> None:
        barrier.wait()
        with transaction.atomic():
            hear_event(event, at=now)
        connection.close()

    threads = [threading.Thread(target=hear, args=[event]) for event in events]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    planners = [
        threading.Thread(target=lambda: (plan_due_occasions(at=now), connection.close())) for _ in range(4)
    ]
    for thread in planners:
        thread.start()
    for thread in planners:
        thread.join()

    assert Occasion.objects.filter(campaign=campaign).count() == 1
    assert campaign.messages.count() == 1
