import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection

from customers.models import Customer, Event, EventConflict, Identity, QuarantinedEvent
from customers.services import record_external_events, upsert_customers
from tests.factories import NOON, CustomerFactory, ProductFactory

pytestmark = pytest.mark.django_db


def event(external_id="1", **fields):
    usual = {
        "source": "shop",
        "external_id": external_id,
        "type": "product.viewed",
        "occurred_at": NOON,
        "customer": {"email": "alice@mail.example"},
        "payload": {"page": "/tyres"},
    }
    return usual | fields


def record(*items):
    return record_external_events(list(items), at=NOON)


def keys(outcome):
    return [warning.key for warning in outcome.warnings]


def test_an_event_is_recorded_with_what_it_is_about():
    alice, tyre = CustomerFactory(email="alice@mail.example"), ProductFactory(sku="TYRE")

    (outcome,) = record(event(sku="TYRE", sales_channel="web", amount=1250, currency="EUR"))

    told = Event.objects.get(source__code="shop")
    assert (outcome.status, outcome.row, keys(outcome)) == (201, told, ["unknown_sales_channel"])
    assert (told.customer, told.product, told.amount, told.currency) == (alice, tyre, 1250, "EUR")
    assert (told.occurred_at, told.payload) == (NOON, {"page": "/tyres"})


def test_the_same_event_again_is_a_duplicate():
    (first,), (again,) = record(event()), record(event())

    assert (again.status, again.row, keys(again)) == (200, first.row, ["duplicate"])
    assert Event.objects.filter(source__code="shop").count() == 1


def test_another_amount_under_the_same_key_is_a_conflict_kept_once():
    (first,) = record(event(amount=100, currency="EUR"))

    other = record(event(amount=999, currency="EUR")) + record(event(amount=999, currency="EUR"))

    assert [outcome.status for outcome in other] == [409, 409]
    assert Event.objects.get(source__code="shop").amount == 100
    conflict = EventConflict.objects.get()
    assert (conflict.kind, conflict.external_id, conflict.payload["amount"]) == ("event", "1", 999)
    assert first.status == 201


def test_a_key_twice_in_one_call_is_judged_against_its_first():
    assert [outcome.status for outcome in record(event(), event(), event(amount=1))] == [201, 200, 409]


@pytest.mark.parametrize(
    ("changes", "pointer", "reason"),
    [
        ({"type": "moon.landed"}, "/type", "The type moon.landed is not known."),
        ({"type": "customer.created"}, "/type", "The type customer.created is not known."),
        ({"type": "social."}, "/type", "The type social. is not known."),
        (
            {"type": "nps.answered"},
            "/payload/score",
            "payload.score of nps.answered is a whole number from 0 to 10.",
        ),
        ({"type": "nps.answered", "payload": {"score": 11}}, "/payload/score", "payload.score of nps."),
        ({"occurred_at": NOON + timedelta(minutes=6)}, "/occurred_at", "This instant is in the future."),
    ],
)
def test_what_cannot_be_understood_is_set_aside_with_the_reason(changes, pointer, reason):
    bad, good = record(event("bad", **changes), event("good"))

    assert (bad.status, bad.error.details[0].pointer, good.status) == (422, pointer, 201)
    aside = QuarantinedEvent.objects.get()
    assert aside.reason.removeprefix(f"{pointer}: ").startswith(reason)
    assert (aside.payload["external_id"], aside.source.code) == ("bad", "shop")
    assert not Event.objects.filter(external_id="bad").exists()


@pytest.mark.parametrize("type", ["iot.filter_clogged", "social.shared", "order.recorded", "consent.changed"])
def test_the_families_of_events_are_known(type):
    (outcome,) = record(event(type=type))

    assert outcome.status == 201


def test_five_minutes_ahead_is_a_clock_that_differs():
    assert record(event(occurred_at=NOON + timedelta(minutes=5)))[0].status == 201


def test_somebody_unknown_becomes_a_prospect_and_a_device_stays_anonymous():
    by_mail, by_cookie, again = record(
        event("1"),
        event("2", customer=None, identity={"namespace": "cookie", "value": "c-1"}),
        event("3", customer=None, identity={"namespace": "cookie", "value": "c-1"}),
    )

    assert by_mail.row.customer.status == Customer.Status.PROSPECT
    assert by_cookie.row.customer.status == Customer.Status.ANONYMOUS
    assert again.row.customer == by_cookie.row.customer
    assert keys(by_mail) == ["unknown_customer"]


def test_a_shared_phone_identifies_nobody():
    upsert_customers(
        [{"source": "pos", "source_id": str(n), "phone": "02 1234567"} for n in range(2)], at=NOON
    )

    (outcome,) = record(event(customer=None, identity={"namespace": "phone", "value": "021234567"}))

    assert (outcome.row.customer, keys(outcome)) == (None, ["ambiguous_identity"])
    assert Identity.objects.count() == 2


def test_an_unknown_id_is_bad_input():
    (outcome,) = record(event(customer={"id": str(uuid.uuid4())}))

    assert (outcome.status, outcome.error.details[0].pointer) == (422, "/customer/id")


@pytest.mark.django_db(transaction=True)
def test_a_thousand_events_sent_three_times_the_last_in_parallel_are_a_thousand():
    batch = [event(str(n), customer={"source": "shop", "source_id": str(n % 50)}) for n in range(1000)]
    halves = [batch[:500], batch[500:]]
    assert [o.status for half in halves for o in record(*half)] == [201] * 1000
    assert [o.status for half in halves for o in record(*half)] == [200] * 1000
    barrier, statuses = threading.Barrier(4), []

    def call(items):
        try:
            barrier.wait()
            statuses.extend(outcome.status for outcome in record(*items))
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(half,)) for half in halves * 2]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert statuses == [200] * 2000
    assert Event.objects.filter(source__code="shop").count() == 1000
    assert (Customer.objects.count(), EventConflict.objects.count()) == (50, 0)


@pytest.mark.django_db(transaction=True)
def test_new_events_in_parallel_calls_are_recorded_once():
    batch = [
        event(str(n), customer={"source": "shop", "source_id": str(n % 50)}, sku=f"S{n % 9}")
        for n in range(300)
    ]
    barrier, statuses = threading.Barrier(4), []

    def call():
        try:
            barrier.wait()
            statuses.extend(outcome.status for outcome in record(*batch))
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert sorted(statuses) == [200] * 900 + [201] * 300
    assert Event.objects.filter(source__code="shop").count() == 300


def test_an_event_from_before_the_retention_is_refused_and_not_kept(settings):
    settings.EVENT_RETENTION_MONTHS = 12

    old, kept = record(event("old", occurred_at=NOON - timedelta(days=400)), event("kept"))

    assert (old.status, old.error.key, kept.status) == (422, "beyond_retention", 201)
    assert not QuarantinedEvent.objects.exists()
    assert list(Event.objects.filter(source__code="shop").values_list("external_id", flat=True)) == ["kept"]
