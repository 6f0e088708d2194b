"""What holds for a source is what its words may be used for, how far it is believed, and for how long."""

from datetime import timedelta

import pytest
from django.urls import reverse

from customers.errors import SourceGivesNoConsent
from customers.models import Consent, Customer, Event, Order, SourceProfile
from customers.models.consent import ConsentState
from customers.services import (
    edit_source,
    forget_unheard_profiles,
    preview_segment,
    reachable_address,
    record_consent,
    record_external_events,
    record_order,
    upsert_customers,
)
from operations.models import JobRun
from operations.tasks import carry_out_job
from tests.factories import NOON, CustomerFactory, SourceFactory

pytestmark = pytest.mark.django_db
PROOF = {"form": "autumn"}


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.ERASURE_LEDGER, settings.MEDIA_ROOT = tmp_path / "ledger", tmp_path / "media"


def told(source: str, name: str, *, at=NOON, **fields) -> Customer:
    (outcome,) = upsert_customers([{"source": source, "source_id": name, **fields}], at=at)
    assert outcome.error is None
    return outcome.row


def consent(purpose: str, state: str = "GRANTED") -> dict:
    return {"channel": "email", "purpose": purpose, "state": state, "proof": PROOF}


def test_a_source_that_is_not_for_marketing_allows_none_and_may_refuse_it():
    source = SourceFactory(code="desk", purposes=["SERVICE"])
    customer = CustomerFactory()
    said = {"channel": "email", "address": "a@mail.example", "source": source, "at": NOON, "proof": PROOF}

    with pytest.raises(SourceGivesNoConsent):
        record_consent(customer, purpose="MARKETING", state="GRANTED", **said)
    record_consent(customer, purpose="SERVICE", state="GRANTED", **said)
    record_consent(customer, purpose="MARKETING", state="DENIED", **said)

    states = Consent.objects.order_by("purpose").values_list("purpose", "state")
    assert list(states) == [("MARKETING", "DENIED"), ("SERVICE", "GRANTED")]


def test_of_a_customer_the_consent_for_another_purpose_is_left_out_with_a_warning():
    SourceFactory(code="desk", purposes=["SERVICE"])
    item = {"source": "desk", "source_id": "1", "email": "a@mail.example", "consents": [consent("MARKETING")]}

    (outcome,) = upsert_customers([item], at=NOON)

    assert [warning.key for warning in outcome.warnings] == ["source_gives_no_consent"]
    assert reachable_address(outcome.row, "email") is None


def test_what_a_source_tells_that_is_not_for_profiling_counts_in_no_segment():
    SourceFactory(code="desk", purposes=["SERVICE"])
    events = [
        {"source": source, "external_id": name, "type": "visit.recorded", "occurred_at": NOON,
         "customer": {"source": source, "source_id": name}}
        for source, name in [("desk", "1"), ("shop", "2")]
    ]  # fmt: skip
    record_external_events(events, at=NOON)
    leaf = {
        "field": "event.visit.recorded",
        "operator": "happened",
        "value": {"match": {"mode": "atLeast", "threshold": 1}},
    }

    preview = preview_segment({"combinator": "and", "rules": [leaf]}, as_of=NOON + timedelta(days=1))

    assert preview.count == 1
    assert Event.objects.filter(type="visit.recorded").count() == 2


def test_when_a_source_is_believed_less_the_golden_records_follow():
    crm, shop = SourceFactory(code="crm", trust=80), SourceFactory(code="shop", trust=50)
    told("crm", "1", email="a@mail.example", city="Milano")
    customer = told("shop", "7", email="a@mail.example", city="Roma")
    customer.refresh_from_db()
    assert customer.city == "Milano"

    job = edit_source(crm, trust=10)
    carry_out_job(job.pk)

    customer.refresh_from_db()
    job.refresh_from_db()
    assert (customer.city, job.status, job.result) == ("Roma", "DONE", {"people": 1})
    assert edit_source(shop, name="The shop") is None


def test_when_a_source_is_no_longer_for_marketing_what_it_allowed_ends():
    shop = SourceFactory(code="shop")
    customer = told("shop", "1", email="a@mail.example", consents=[consent("MARKETING"), consent("SERVICE")])

    carry_out_job(edit_source(shop, purposes=["SERVICE"]).pk)

    states = dict(Consent.objects.filter(customer=customer).values_list("purpose", "state"))
    assert states == {"MARKETING": ConsentState.EXPIRED, "SERVICE": ConsentState.GRANTED}


def test_what_a_source_told_goes_when_it_was_not_heard_for_as_long_as_it_is_kept():
    SourceFactory(code="pixel", retention_days=30)
    gone = told("pixel", "gone", email="gone@mail.example", at=NOON - timedelta(days=40))
    known = told("pixel", "known", email="known@mail.example", at=NOON - timedelta(days=40))
    told("shop", "9", email="known@mail.example", at=NOON - timedelta(days=40))
    heard = told("pixel", "heard", email="heard@mail.example", at=NOON - timedelta(days=40))
    visits = [("gone", 40), ("known", 40), ("heard", 5)]
    record_external_events(
        [
            {"source": "pixel", "external_id": name, "type": "visit.recorded",
             "occurred_at": NOON - timedelta(days=days), "customer": {"source": "pixel", "source_id": name}}
            for name, days in visits
        ],
        at=NOON,
    )  # fmt: skip
    order = {"source": "pixel", "source_id": "o", "ordered_at": NOON - timedelta(days=35), "currency": "EUR"}
    lines = [{"sku": "A", "quantity": "1", "amount": 100}]
    record_order({**order, "lines": lines, "customer": {"source": "pixel", "source_id": "known"}}, at=NOON)

    forgotten = forget_unheard_profiles(at=NOON)

    assert forgotten == 2
    statuses = {one.pk: one.status for one in Customer.objects.filter(pk__in=[gone.pk, known.pk, heard.pk])}
    assert statuses == {gone.pk: "ERASED", known.pk: "ACTIVE", heard.pk: "ACTIVE"}
    assert list(Event.objects.filter(type="visit.recorded").values_list("external_id", flat=True)) == [
        "heard"
    ]
    assert Order.objects.get().customer is None
    assert SourceProfile.objects.get(source__code="shop").data["email"] == "known@mail.example"
    assert forget_unheard_profiles(at=NOON) == 0


def test_the_console_promises_the_job_that_follows_a_change_of_trust(admin_client):
    source = SourceFactory(code="crm", trust=80)
    form = {"name": "CRM", "kind": source.kind, "trust": 20, "lawful_basis": source.lawful_basis,
            "purposes": source.purposes, "retention_days": ""}  # fmt: skip

    admin_client.post(reverse("admin:customers_source_change", args=[source.pk]), form)

    source.refresh_from_db()
    job = JobRun.objects.get(kind="customers.source_changed")
    assert (source.trust, source.name, job.parameters) == (20, "CRM", {"source": source.pk})
