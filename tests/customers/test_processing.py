"""Rectification, restriction and objection; what they stop, and what survives a merge."""

from datetime import timedelta

import pytest

from analytics.models import RfmScore
from analytics.services import ensure_main_model, run_rfm
from customers.errors import AlreadyRestricted, CustomerErased, NotRestricted
from customers.models import Consent, Customer, RightsRequest, SegmentMembership, Trait
from customers.services import (
    create_segment,
    erase_customer,
    merge_customers,
    object_to,
    reachable_address,
    record_consent,
    rectify_customer,
    refresh_rollups,
    refresh_segment,
    release_processing,
    restrict_processing,
    search_customers,
    undo_merge,
    upsert_customers,
)
from operations.errors import InvalidInput
from tests.factories import NOON, ConsentFactory, CustomerFactory, OrderFactory, UserFactory

IN_MILAN = {"combinator": "and", "rules": [{"field": "customer.city", "operator": "=", "value": "Milano"}]}


def test_a_correction_holds_against_the_sources_and_is_recorded_without_its_value(db):
    agent = UserFactory()
    (outcome,) = upsert_customers(
        [{"source": "shop", "source_id": "1", "first_name": "Jhon", "last_name": "Doe"}], at=NOON
    )

    request = rectify_customer(
        outcome.row, field="first_name", value="John", reason="showed a passport", by=agent, at=NOON
    )
    upsert_customers([{"source": "shop", "source_id": "1", "first_name": "Jhon"}], at=NOON)

    outcome.row.refresh_from_db()
    assert outcome.row.first_name == "John"
    assert (request.kind, request.result, request.requested_by) == (
        "RECTIFICATION",
        {"field": "first_name"},
        agent,
    )


def test_a_field_that_is_none_is_refused_and_nothing_is_recorded(db):
    with pytest.raises(InvalidInput):
        rectify_customer(CustomerFactory(), field="status", value="ERASED", reason="", at=NOON)

    assert not RightsRequest.objects.exists()


def test_a_restricted_person_is_in_no_segment_and_gets_no_message_but_is_found(db):
    alice = ConsentFactory(customer__email="alice@mail.example").customer
    segment = create_segment(code="milan", name="Milan", rules=IN_MILAN)
    refresh_segment(segment, at=NOON)
    Trait.objects.create(customer=alice, code="pet", value="cat", computed_at=NOON)

    restrict_processing(alice, reason="contests the data", at=NOON)
    refresh_segment(segment, at=NOON + timedelta(hours=1))

    assert not SegmentMembership.objects.current().exists()
    assert reachable_address(alice, "email") is None
    assert not Trait.objects.exists()
    assert list(search_customers(email="alice@mail.example")) == [alice]


def test_after_the_release_everything_is_as_the_consents_say(db):
    alice = ConsentFactory(customer__email="alice@mail.example").customer
    restrict_processing(alice, reason="contests the data", at=NOON)

    release_processing(alice, reason="the data is right", at=NOON)

    assert reachable_address(alice, "email") == "alice@mail.example"
    assert sorted(RightsRequest.objects.values_list("kind", flat=True)) == ["RELEASE", "RESTRICTION"]


def test_restricting_twice_and_releasing_what_is_free_are_refused(db):
    alice = CustomerFactory()
    with pytest.raises(NotRestricted):
        release_processing(alice, reason="", at=NOON)
    restrict_processing(alice, reason="", at=NOON)
    with pytest.raises(AlreadyRestricted):
        restrict_processing(alice, reason="", at=NOON)

    assert RightsRequest.objects.count() == 1


def test_an_objection_to_offers_holds_at_every_contact_point(db):
    alice = CustomerFactory(email="alice@mail.example", phone="+393471234567")
    record_consent(alice, channel="email", purpose="MARKETING", state="GRANTED", proof={"form": 1}, at=NOON)

    object_to(alice, purposes=["MARKETING"], reason="by phone", at=NOON + timedelta(hours=1))

    assert sorted(Consent.objects.values_list("channel", "state")) == [
        ("email", "OBJECTED"),
        ("phone", "OBJECTED"),
        ("sms", "OBJECTED"),
    ]
    alice.refresh_from_db()
    assert alice.profiling == "ALLOWED"


def test_who_objects_to_profiling_is_not_scored_any_more_and_others_are(db):
    alice, bob = CustomerFactory(), CustomerFactory(email=None)
    for customer in (alice, bob):
        OrderFactory(customer=customer)
    refresh_rollups([alice.pk, bob.pk])
    model = ensure_main_model()
    model.minimum_population = 1
    model.save()
    run_rfm(model, as_of=NOON.date() + timedelta(days=1))
    assert RfmScore.objects.count() == 2

    object_to(bob, purposes=["PROFILING"], reason="a letter", at=NOON)

    assert [score.customer for score in RfmScore.objects.all()] == [alice]
    run_rfm(model, as_of=NOON.date() + timedelta(days=2))
    assert [score.customer for score in RfmScore.objects.all()] == [alice]


def test_a_merge_never_lifts_a_restriction_or_an_objection_and_its_undoing_gives_each_their_own(db):
    alice, bob = CustomerFactory(), CustomerFactory()
    restrict_processing(bob, reason="", at=NOON)
    object_to(bob, purposes=["PROFILING"], reason="", at=NOON)

    operation = merge_customers(alice, [bob], reason="one person", at=NOON)

    alice.refresh_from_db()
    assert (alice.restricted_at, alice.profiling) == (NOON, "OBJECTED")
    undo_merge(operation, at=NOON + timedelta(hours=1))
    alice.refresh_from_db()
    bob.refresh_from_db()
    assert (alice.restricted_at, alice.profiling) == (None, "ALLOWED")
    assert (bob.restricted_at, bob.profiling) == (NOON, "OBJECTED")


def test_nothing_can_be_asked_for_somebody_erased(db, settings, tmp_path):
    settings.ERASURE_LEDGER, settings.MEDIA_ROOT = tmp_path / "ledger", tmp_path
    alice = CustomerFactory()
    erase_customer(alice, at=NOON)

    for act in (restrict_processing, release_processing):
        with pytest.raises(CustomerErased):
            act(alice, reason="", at=NOON)
    assert Customer.objects.get().restricted_at is None
