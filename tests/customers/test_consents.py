from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.errors import ConsentWithoutProof
from customers.models import Consent, ConsentRecord, Customer, Event, Suppression
from customers.services import (
    reachable_address,
    record_consent,
    record_external_consents,
    suppress,
    unsuppress,
)
from operations.errors import InvalidInput
from tests.factories import NOON, ConsentFactory, CustomerFactory

pytestmark = pytest.mark.django_db
JANUARY, MAY = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
PROOF = {"form": "web", "ip": "198.51.100.7"}


@pytest.fixture
def alice():
    return CustomerFactory(email="a@mail.example", phone="+393471234567")


def say(customer, state, occurred_at=NOON, **fields):
    arguments = {"channel": "email", "purpose": "MARKETING", "proof": PROOF if state == "GRANTED" else None}
    return record_consent(customer, state=state, occurred_at=occurred_at, at=NOON, **(arguments | fields))


def test_a_grant_is_kept_with_its_proof_and_told(alice):
    consent = say(alice, "GRANTED")

    assert (consent.state, consent.address, consent.changed_at) == ("GRANTED", "a@mail.example", NOON)
    assert consent.record.proof == PROOF
    event = Event.objects.get()
    assert (event.type, event.customer, event.occurred_at) == ("consent.changed", alice, NOON)
    assert event.payload == {"channel": "email", "purpose": "MARKETING", "state": "GRANTED"}


@pytest.mark.parametrize("proof", [None, {}])
def test_a_grant_without_proof_is_no_consent(alice, proof):
    with pytest.raises(ConsentWithoutProof):
        say(alice, "GRANTED", proof=proof)
    assert ConsentRecord.objects.count() == Event.objects.count() == 0


def test_the_later_statement_holds_even_when_it_arrives_first(alice):
    say(alice, "WITHDRAWN", MAY)
    consent = say(alice, "GRANTED", JANUARY)

    assert consent.state == "WITHDRAWN"
    assert ConsentRecord.objects.count() == 2
    assert Event.objects.count() == 1


def test_a_newer_proven_grant_on_the_same_address_holds(alice):
    say(alice, "WITHDRAWN", JANUARY)

    assert say(alice, "GRANTED", MAY).state == "GRANTED"
    assert reachable_address(alice, "email") == "a@mail.example"


def test_of_one_instant_the_more_restrictive_holds(alice):
    say(alice, "GRANTED", MAY)
    assert say(alice, "OBJECTED", MAY).state == "OBJECTED"
    assert say(alice, "PENDING", MAY).state == "OBJECTED"


def test_the_same_statement_twice_is_one_entry(alice):
    say(alice, "GRANTED", MAY)
    say(alice, "GRANTED", MAY)

    assert ConsentRecord.objects.count() == Event.objects.count() == 1


def test_contact_points_channels_and_purposes_stand_apart(alice):
    say(alice, "GRANTED", MAY)
    say(alice, "WITHDRAWN", NOON, address="B@Mail.example")
    say(alice, "DENIED", NOON, channel="sms")
    say(alice, "OBJECTED", NOON, purpose="PROFILING")

    assert sorted(Consent.objects.values_list("channel", "purpose", "address", "state")) == [
        ("email", "MARKETING", "a@mail.example", "GRANTED"),
        ("email", "MARKETING", "b@mail.example", "WITHDRAWN"),
        ("email", "PROFILING", "a@mail.example", "OBJECTED"),
        ("sms", "MARKETING", "+393471234567", "DENIED"),
    ]


def test_a_consent_needs_a_contact_point_and_a_past(alice):
    with pytest.raises(InvalidInput):
        say(CustomerFactory(email=None), "GRANTED")
    with pytest.raises(InvalidInput):
        say(alice, "GRANTED", NOON + timedelta(minutes=6))
    with pytest.raises(InvalidInput):
        say(alice, "GRANTED", address="no at sign")
    assert Consent.objects.count() == 0


def reached(channel="email", purpose="MARKETING"):
    return {c.pk: c.address for c in Customer.objects.reachable(channel, purpose)}


def test_who_granted_and_is_not_suppressed_is_reachable(alice):
    ConsentFactory(customer=alice)
    ConsentFactory(state="WITHDRAWN")
    ConsentFactory(customer__status="ERASED")
    suppressed = ConsentFactory()
    suppress("email", suppressed.address.upper(), reason="BOUNCED")
    CustomerFactory()

    assert reached() == {alice.pk: "a@mail.example"}
    assert reached("sms") == reached(purpose="PROFILING") == {}


def test_somebody_with_two_contact_points_is_reached_once_where_they_granted_last(alice):
    ConsentFactory(customer=alice, changed_at=JANUARY)
    ConsentFactory(customer=alice, address="b@mail.example", changed_at=MAY)

    assert reached() == {alice.pk: "b@mail.example"}


def test_a_suppression_is_kept_once_and_can_be_lifted(alice):
    ConsentFactory(customer=alice)
    suppress("email", "a@mail.example", reason="COMPLAINED")
    suppress("email", " A@mail.example", reason="MANUAL")

    assert Suppression.objects.get().reason == "COMPLAINED"
    assert reachable_address(alice, "email") is None
    assert unsuppress("email", "a@mail.example") is True
    assert unsuppress("email", "a@mail.example") is False
    assert reachable_address(alice, "email") == "a@mail.example"


@pytest.mark.parametrize(("reason", "left"), [("UNSUBSCRIBED", 0), ("COMPLAINED", 1)])
def test_consenting_anew_lifts_an_unsubscription_only(alice, reason, left):
    suppress("email", "a@mail.example", reason=reason)
    Suppression.objects.update(created_at=MAY)

    say(alice, "GRANTED", JANUARY)
    assert Suppression.objects.count() == 1

    say(alice, "GRANTED", NOON)
    assert Suppression.objects.count() == left


def test_many_consents_take_as_many_statements_as_few(db):
    def told(numbers: range) -> int:
        items = [
            {"email": f"c{n}@mail.example", "channel": "email", "purpose": "MARKETING", "state": "DENIED"}
            for n in numbers
        ]
        with CaptureQueriesContext(connection) as statements:
            record_external_consents(items, at=NOON)
        return len(statements)

    told(range(1))

    assert told(range(10, 40)) - told(range(1, 3)) < 5
