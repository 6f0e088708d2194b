import threading
import time
from datetime import UTC, date, datetime, timedelta
from threading import Thread

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from customers.errors import SegmentHasNoRules, SegmentTaken
from customers.models import Customer, Event, Segment, SegmentMembership, Suppression
from customers.rules import address_hash
from customers.segments.compiler import compile_rules
from customers.services import (
    create_segment,
    edit_segment,
    explain_membership,
    preview_segment,
    refresh_segment,
    refresh_segments,
    replace_members,
)
from operations.errors import InvalidInput
from tests.factories import NOON, ConsentFactory, CustomerFactory, OrderFactory

pytestmark = pytest.mark.django_db
CITY_IS_MILANO = {"field": "customer.city", "operator": "=", "value": "Milano"}


def all_of(*rules, **more):
    return {"combinator": "and", "rules": list(rules), **more}


def ordered(mode, threshold, **more):
    value = {"match": {"mode": mode, "threshold": threshold}, "window": {"last_days": 90}, **more}
    return {"field": "event.order.recorded", "operator": "happened", "value": value}


def count(*rules, as_of=NOON):
    return compile_rules(all_of(*rules), as_of=as_of).count()


def test_a_different_city_includes_people_without_one():
    for city, people in {"Milano": 40, "Roma": 35, "": 25}.items():
        CustomerFactory.create_batch(people, city=city, email=None)

    elsewhere = {"field": "customer.city", "operator": "!=", "value": "Milano"}

    assert count(elsewhere) == 60
    assert count(elsewhere, {"field": "customer.city", "operator": "notNull"}) == 35
    assert count({"field": "customer.city", "operator": "notIn", "value": ["Milano", "Roma"]}) == 25
    assert count({"field": "customer.city", "operator": "null"}) == 25


def test_a_preview_in_two_steps_finds_whom_the_rules_hold_in_one():
    for orders in range(5):
        customer = CustomerFactory(email=None, city="Milano" if orders % 2 else "")
        OrderFactory.create_batch(orders, customer=customer, ordered_at=NOON - timedelta(days=10))
    trees = [
        all_of(ordered("atLeast", 1), ordered("atMost", 3)),
        all_of(CITY_IS_MILANO, ordered("none", 0)),
        all_of(CITY_IS_MILANO, all_of(ordered("atMost", 1), ordered("none", 0), combinator="or")),
        all_of(ordered("atLeast", 9), ordered("none", 0)),
    ]

    found = [preview_segment(tree, as_of=NOON).count for tree in trees]
    opposite = [preview_segment(tree | {"not": True}, as_of=NOON).count for tree in trees]

    assert found == [compile_rules(tree, as_of=NOON).count() for tree in trees] == [3, 0, 1, 0]
    assert opposite == [2, 5, 4, 5]


def test_orders_are_counted_with_the_customers_who_have_none():
    for orders in [0, 0, 0, 1, 1, 2, 3, 3, 4, 7]:
        customer = CustomerFactory(email=None)
        OrderFactory.create_batch(orders, customer=customer, ordered_at=NOON - timedelta(days=10))
        OrderFactory(customer=customer, ordered_at=NOON - timedelta(days=91))
    OrderFactory.create_batch(3, customer=None)

    assert count(ordered("atLeast", 3)) == 4
    assert count(ordered("atMost", 2)) == 6
    assert count(ordered("exactly", 0)) == 3
    assert count(ordered("none", 0)) == 3
    assert count(ordered("exactly", 3)) == 2
    assert count(ordered("atLeast", 0)) == 10


@pytest.mark.parametrize(
    ("ordered_at", "inside"),
    [
        ("2026-03-28T23:00:00Z", True),
        ("2026-03-28T22:59:59Z", False),
        ("2026-03-29T21:59:59Z", True),
        ("2026-03-29T22:00:00Z", False),
    ],
)
def test_yesterday_is_a_calendar_day_of_the_programme(ordered_at, inside):
    OrderFactory(ordered_at=datetime.fromisoformat(ordered_at), customer=CustomerFactory(email=None))
    yesterday = ordered("atLeast", 1, window={"days_ago": [1, 1]})

    found = count(yesterday, as_of=datetime.fromisoformat("2026-03-30T00:30:00+02:00"))

    assert found == int(inside)


def test_conditions_inside_one_event_are_about_the_same_event():
    customer = CustomerFactory(email=None)
    OrderFactory(customer=customer, lines=[("TYRE", 1, 9000, 0)])
    OrderFactory(customer=customer, lines=[("MUG", 1, 500, 0)])
    tyres = {"field": "sku", "operator": "=", "value": "TYRE"}
    cheap = {"field": "amount", "operator": "<", "value": 1000}

    assert count(ordered("atLeast", 1, where=all_of(tyres))) == 1
    assert count(ordered("atLeast", 1, where=all_of(cheap))) == 1
    assert count(ordered("atLeast", 1, where=all_of(tyres, cheap))) == 0


def test_what_happened_after_the_moment_is_not_seen():
    OrderFactory(ordered_at=NOON, customer=CustomerFactory(email=None))

    assert count(ordered("atLeast", 1), as_of=NOON) == 1
    assert count(ordered("atLeast", 1), as_of=NOON - timedelta(seconds=1)) == 0
    assert count(ordered("atLeast", 1), as_of=date(2026, 11, 21)) == 1
    assert count(ordered("atLeast", 1), as_of=date(2026, 11, 20)) == 0


def test_cancelled_and_unpaid_orders_did_not_happen():
    OrderFactory(status="CANCELLED", customer=CustomerFactory(email=None))
    OrderFactory(status="PENDING", customer=CustomerFactory(email=None))

    assert count(ordered("atLeast", 1)) == 0


def test_only_live_customers_are_in_a_segment():
    CustomerFactory(status="PROSPECT", email=None)
    CustomerFactory(status="ERASED", email=None)

    assert count(CITY_IS_MILANO) == 1
    assert count({"field": "customer.city", "operator": "!=", "value": "Roma"}) == 1


def test_a_refresh_writes_who_entered_and_who_left():
    alice, bob = CustomerFactory(city="Milano"), CustomerFactory(city="Roma")
    segment = create_segment(code="milan", name="Milan", rules=all_of(CITY_IS_MILANO))

    first = refresh_segment(segment, at=NOON)
    again = refresh_segment(segment, at=NOON + timedelta(hours=1))
    Customer.objects.filter(pk=alice.pk).update(city="Roma")
    Customer.objects.filter(pk=bob.pk).update(city="Milano")
    second = refresh_segment(segment, at=NOON + timedelta(days=1))

    assert (first.entered, first.left, first.size) == (1, 0, 1)
    assert (again.entered, again.left, again.size) == (0, 0, 1)
    assert (second.entered, second.left, second.size) == (1, 1, 1)
    history = SegmentMembership.objects.order_by("id").values_list("customer", "entered_at", "left_at")
    assert list(history) == [
        (alice.pk, NOON, NOON + timedelta(days=1)),
        (bob.pk, NOON + timedelta(days=1), None),
    ]
    segment.refresh_from_db()
    assert (segment.size, segment.refreshed_at) == (1, NOON + timedelta(days=1))


def test_entering_and_leaving_are_events_only_when_announced():
    alice = CustomerFactory(city="Milano")
    segment = create_segment(code="milan", name="Milan", rules=all_of(CITY_IS_MILANO))
    refresh_segment(segment, at=NOON)
    assert Event.objects.count() == 0
    Customer.objects.update(city="Roma")

    refresh_segment(segment, at=NOON + timedelta(days=1), announce=True)

    left = Event.objects.get()
    assert (left.type, left.customer, left.payload) == ("segment.left", alice, {"segment": "milan"})


def test_editing_the_rules_tells_nobody():
    CustomerFactory(city="Roma")
    segment = create_segment(code="milan", name="Milan", rules=all_of(CITY_IS_MILANO))
    refresh_segment(segment, at=NOON)

    edit_segment(segment, name="Milan", rules=all_of(CITY_IS_MILANO | {"value": "Roma"}))
    change = refresh_segment(segment, at=NOON + timedelta(days=1), announce=True)

    assert change.entered == 1
    assert Event.objects.count() == 0
    assert SegmentMembership.objects.get().definition_version == 2


def test_members_are_replaced_by_ids_and_by_rows_of_another_table():
    alice, bob = CustomerFactory(), CustomerFactory()
    segment = create_segment(code="rfm--champions", name="Champions", kind=Segment.Kind.RFM)

    by_ids = replace_members(segment, [alice.pk, alice.pk], at=NOON)
    OrderFactory.create_batch(2, customer=bob)
    by_rows = replace_members(segment, bob.orders.all(), at=NOON + timedelta(days=1))
    nobody = replace_members(segment, Customer.objects.none(), at=NOON + timedelta(days=2))

    assert (by_ids.entered, by_ids.left, by_ids.size) == (1, 0, 1)
    assert (by_rows.entered, by_rows.left, by_rows.size) == (1, 1, 1)
    assert (nobody.entered, nobody.left, nobody.size) == (0, 1, 0)


def test_the_difference_is_one_statement_whatever_its_size():
    CustomerFactory.create_batch(30, email=None)
    segment = create_segment(code="all", name="All", rules=all_of())

    with CaptureQueriesContext(
        connection,
    ) as captured:
        refresh_segment(segment, at=NOON)

    assert sum("customers_segmentmembership" in query["sql"] for query in captured) == 1


@pytest.mark.django_db(transaction=True)
def test_two_refreshes_at_once_enter_everybody_once():
    CustomerFactory.create_batch(20, email=None)
    segment = create_segment(code="all", name="All", rules=all_of())
    changes = []

    def refresh():
        changes.append(refresh_segment(segment, at=NOON))
        connection.close()

    threads = [Thread(target=refresh) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(change.entered for change in changes) == [0, 0, 0, 0, 0, 20]
    assert SegmentMembership.objects.count() == 20


def test_segments_named_by_others_are_refreshed_first():
    CustomerFactory(city="Milano")
    named = create_segment(code="z-milan", name="Milan", rules=all_of(CITY_IS_MILANO))
    inside = {"field": "segment", "operator": "=", "value": named.code}
    create_segment(code="a-in-milan", name="In Milan", rules=all_of(inside))

    changes = refresh_segments(at=NOON)

    assert {code: change.size for code, change in changes.items()} == {"z-milan": 1, "a-in-milan": 1}


def test_a_segment_cannot_be_a_condition_of_itself():
    first = create_segment(code="first", name="First", rules=all_of(CITY_IS_MILANO))
    rule = {"field": "segment", "operator": "=", "value": "first"}
    create_segment(code="second", name="Second", rules=all_of(rule))

    with pytest.raises(InvalidInput) as refused:
        edit_segment(first, name="First", rules=all_of(rule | {"value": "second"}))

    assert refused.value.details[0].pointer == "/rules"
    first.refresh_from_db()
    assert first.rules == all_of(CITY_IS_MILANO)


def test_words_alone_leave_the_rules_that_somebody_wrote_meanwhile():
    stale = create_segment(code="milan", name="Milan", description="City", rules=all_of(CITY_IS_MILANO))
    rome = all_of(CITY_IS_MILANO | {"value": "Roma"})
    edit_segment(stale, rules=rome, active=False)

    edited = edit_segment(stale, name="Rome")

    assert (edited.name, edited.description, edited.active) == ("Rome", "City", False)
    assert (edited.rules, edited.version) == (rome, 2)


@pytest.mark.django_db(transaction=True)
def test_two_segments_cannot_name_each_other_at_once():
    segments = [create_segment(code=code, name=code, rules=all_of(CITY_IS_MILANO)) for code in "ab"]
    first_checked, refused = threading.Event(), []

    def name(segment, other):
        try:
            with transaction.atomic():
                rule = {"field": "segment", "operator": "=", "value": other}
                edit_segment(segment, rules=all_of(rule))
                first_checked.set()
                time.sleep(0.3)  # Not committed yet, while the other one would check.
        except InvalidInput:
            refused.append(segment.code)
        connection.close()

    threads = [Thread(target=name, args=[segments[0], "b"]), Thread(target=name, args=[segments[1], "a"])]
    threads[0].start()
    first_checked.wait(5)
    threads[1].start()
    for thread in threads:
        thread.join()

    assert refused == ["b"]


def test_a_code_is_used_once():
    create_segment(code="milan", name="Milan", rules=all_of())

    with pytest.raises(SegmentTaken):
        create_segment(code="milan", name="Another", rules=all_of())

    assert Segment.objects.get().name == "Milan"


def test_an_rfm_segment_is_not_refreshed_from_rules():
    segment = create_segment(code="all--champions", name="Champions", kind=Segment.Kind.RFM)

    with pytest.raises(SegmentHasNoRules):
        refresh_segment(segment, at=NOON)

    assert Segment.objects.get().refreshed_at is None


def test_a_preview_counts_who_can_be_reached_and_why_the_rest_cannot():
    CustomerFactory()
    ConsentFactory(state="WITHDRAWN")
    ConsentFactory.create_batch(2)
    gone = ConsentFactory()
    Suppression.objects.create(
        channel="email", address_hash=address_hash(gone.address), reason=Suppression.Reason.BOUNCED
    )

    preview = preview_segment(all_of(CITY_IS_MILANO), as_of=NOON)

    assert preview.count == 5
    email = preview.reachability["email"]
    assert (email.reachable, email.no_consent, email.suppressed) == (2, 2, 1)
    assert preview.reachability["sms"].reachable == 0
    assert [customer.pk for customer in preview.sample] == sorted(c.pk for c in Customer.objects.all())


def test_an_explanation_shows_what_is_true_of_one_customer():
    alice = CustomerFactory(city="Milano")
    OrderFactory.create_batch(2, customer=alice)
    rules = all_of(CITY_IS_MILANO, all_of(ordered("atLeast", 3), **{"not": True}))
    segment = create_segment(code="milan", name="Milan", rules=rules)

    explained = explain_membership(segment, alice, as_of=NOON)

    assert explained["met"] is True
    assert explained["member"] is False
    city, group = explained["rules"]
    assert (city["met"], city["actual"]) == (True, "Milano")
    assert (group["met"], group["rules"][0]["met"], group["rules"][0]["actual"]) == (True, False, 2)


def test_the_day_a_segment_was_entered_counts_when_looking_back():
    alice = CustomerFactory()
    segment = create_segment(code="chosen", name="Chosen", kind=Segment.Kind.MANUAL)
    replace_members(segment, [alice.pk], at=NOON)
    replace_members(segment, [], at=NOON + timedelta(days=2))
    inside = {"field": "segment", "operator": "in", "value": ["chosen"]}

    assert count(inside, as_of=NOON - timedelta(days=1)) == 0
    assert count(inside, as_of=NOON + timedelta(days=1)) == 1
    assert count(inside, as_of=datetime(2026, 12, 1, tzinfo=UTC)) == 0


def test_a_segment_whose_rules_are_no_longer_valid_does_not_stop_the_others():
    CustomerFactory(city="Milano")
    broken = create_segment(code="a-broken", name="Broken", rules=all_of(CITY_IS_MILANO))
    refresh_segment(broken, at=NOON)
    gone = all_of({"field": "customer.no_such_field", "operator": "=", "value": "x"})
    Segment.objects.filter(pk=broken.pk).update(rules=gone)
    create_segment(code="milano", name="Milano", rules=all_of(CITY_IS_MILANO))

    changes = refresh_segments(at=NOON + timedelta(days=1))

    assert {code: change.size for code, change in changes.items()} == {"milano": 1}
    broken.refresh_from_db()
    assert (broken.size, broken.refreshed_at) == (1, NOON)
