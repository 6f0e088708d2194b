"""Prospects have a stage and a source, and become customers with their first order or registration."""

from datetime import timedelta

import pytest

from customers.errors import LeadNotMovable
from customers.models import Customer, Event, Lead, MergeOperation
from customers.services import (
    engage_leads,
    merge_customers,
    move_lead,
    record_external_events,
    record_orders,
    undo_merge,
    upsert_customers,
)
from customers.services.leads import register_prospect
from customers.services.references import key_of
from tests.factories import NOON, CustomerFactory, SourceFactory

pytestmark = pytest.mark.django_db

ALICE = {"email": "alice@mail.example"}


def prospect(**fields):
    lead, _ = register_prospect(key_of(ALICE), source=SourceFactory(code="fair"), at=NOON, **fields)
    return lead


def told():
    events = Event.objects.filter(type__startswith="lead.").order_by("pk")
    return list(events.values_list("type", "payload"))


def test_somebody_named_by_an_event_only_is_a_new_prospect_of_that_source():
    event = {"source": "site", "external_id": "1", "type": "visit.recorded", "occurred_at": NOON}
    record_external_events([event | {"customer": ALICE}], at=NOON)

    lead = Lead.objects.get()
    assert (lead.customer.status, lead.stage, lead.source.code, lead.became_at) == (
        Customer.Status.PROSPECT, "NEW", "site", NOON,
    )  # fmt: skip


def test_a_prospect_is_registered_once_and_what_is_empty_is_filled():
    first = prospect()
    again = prospect(origin="Eurobike", stage="QUALIFIED", first_name="Alice")

    assert again.pk == first.pk
    lead = Lead.objects.select_related("customer").get()
    assert (lead.origin, lead.stage, lead.source.code, lead.customer.first_name) == (
        "Eurobike", "QUALIFIED", "fair", "Alice",
    )  # fmt: skip
    assert [type for type, _ in told()] == ["lead.created", "lead.moved"]


def test_a_move_is_told_and_the_same_stage_is_none():
    lead = prospect(origin="Eurobike")

    moved = move_lead(lead, "LOST", reason="no budget", at=NOON + timedelta(days=1))
    again = move_lead(lead, "LOST", at=NOON + timedelta(days=2))

    assert (moved.stage, moved.reason, again.moved_at) == ("LOST", "no budget", NOON + timedelta(days=1))
    assert told()[-1] == (
        "lead.moved", {"lead_source": "Eurobike", "from": "NEW", "to": "LOST", "reason": "no budget"},
    )  # fmt: skip
    assert len(told()) == 2


def test_nobody_becomes_a_customer_by_hand():
    lead = prospect()

    with pytest.raises(LeadNotMovable):
        move_lead(lead, "CONVERTED", at=NOON)
    assert Lead.objects.get().stage == "NEW"


def order(**fields):
    usual = {
        "source": "shop", "source_id": "1", "customer": ALICE, "ordered_at": NOON, "currency": "EUR",
        "lines": [{"sku": "A", "quantity": 1, "amount": 1000}],
    }  # fmt: skip
    return usual | fields


def test_the_first_order_makes_a_customer():
    prospect()

    record_orders([order()], at=NOON + timedelta(hours=1))

    lead = Lead.objects.select_related("customer").get()
    assert (lead.customer.status, lead.stage) == (Customer.Status.ACTIVE, "CONVERTED")
    assert lead.converted_at == NOON + timedelta(hours=1)
    assert told()[-1][0] == "lead.converted"
    with pytest.raises(LeadNotMovable):
        move_lead(lead, "NEW", at=NOON)


def test_a_registration_makes_a_customer():
    prospect()

    upsert_customers([{"source": "shop", "source_id": "7", **ALICE}], at=NOON)
    upsert_customers([{"source": "shop", "source_id": "7", "city": "Milano", **ALICE}], at=NOON)

    assert (Lead.objects.get().stage, Customer.objects.get().status) == ("CONVERTED", "ACTIVE")
    assert [type for type, _ in told()].count("lead.converted") == 1


@pytest.mark.parametrize("kind", ["COOP", "THIRD_PARTY"])
def test_a_list_of_strangers_makes_prospects_and_converts_nobody(kind):
    SourceFactory(code="list", kind=kind)
    known = prospect().customer
    customer = CustomerFactory(email="carol@mail.example")

    upsert_customers(
        [
            {"source": "list", "source_id": "1", "city": "Bari", **ALICE},
            {"source": "list", "source_id": "2", "email": "bob@mail.example"},
            {"source": "list", "source_id": "3", "email": "carol@mail.example"},
            {"source": "list", "source_id": "4", "email": "dave@mail.example"},
            {"source": "shop", "source_id": "5", "email": "dave@mail.example"},
        ],
        at=NOON,
    )

    def status(email):
        return Customer.objects.get(identities__value=email).status

    known.refresh_from_db()
    customer.refresh_from_db()
    assert (known.status, known.city, customer.status) == ("PROSPECT", "Bari", "ACTIVE")
    assert (status("bob@mail.example"), status("dave@mail.example")) == ("PROSPECT", "ACTIVE")
    leads = Lead.objects.order_by("pk").values_list("customer__identities__value", "stage", "source__code")
    assert list(leads) == [("alice@mail.example", "NEW", "fair"), ("bob@mail.example", "NEW", "list")]
    assert "lead.converted" not in [type for type, _ in told()]


def test_who_did_something_is_engaged():
    prospect()
    assert engage_leads(at=NOON) == 0

    event = {"source": "site", "external_id": "1", "type": "product.viewed", "occurred_at": NOON}
    record_external_events([event | {"customer": ALICE}], at=NOON)

    assert (engage_leads(at=NOON), engage_leads(at=NOON)) == (1, 0)
    assert Lead.objects.get().stage == "ENGAGED"


def test_a_customer_is_no_prospect(api):
    record_orders([order()], at=NOON)

    refused = api.post("/api/v1/prospects", {"source": "fair", **ALICE})

    assert (refused.status_code, refused.json()["key"]) == (422, "not_a_prospect")
    assert not Lead.objects.exists()


def test_the_api_takes_and_moves_a_prospect(api):
    body = {"source": "fair", "lead_source": "Eurobike", "first_name": "Alice", **ALICE}

    made, again = api.post("/api/v1/prospects", body), api.post("/api/v1/prospects", body)
    path = f"/api/v1/prospects/{made.json()['id']}"
    moved = api.post(f"{path}/stage", {"stage": "QUALIFIED", "reason": "asked for an offer"})

    assert (made.status_code, again.status_code, moved.status_code) == (201, 200, 200)
    assert (made.json()["stage"], made.json()["lead_source"], made.json()["source"]) == (
        "NEW", "Eurobike", "fair",
    )  # fmt: skip
    assert api.get(path).json() == moved.json()
    assert moved.json()["stage"] == "QUALIFIED"
    assert api.post(f"{path}/stage", {"stage": "CONVERTED"}).status_code == 422
    assert api.post("/api/v1/prospects", {"source": "fair"}).status_code == 422
    both = body | {"identity": {"namespace": "device", "value": "d"}}
    assert api.post("/api/v1/prospects", both).status_code == 422


@pytest.mark.parametrize("prospect_stays", [True, False])
def test_a_prospect_merged_with_a_customer_has_arrived_until_the_merge_is_undone(prospect_stays):
    lead = prospect(stage="QUALIFIED")
    pair = [lead.customer, CustomerFactory()]
    before = told()

    merge_customers(*(pair if prospect_stays else pair[::-1])[:1], [pair[prospect_stays]], reason="", at=NOON)
    merged = Lead.objects.select_related("customer").get()
    undo_merge(MergeOperation.objects.get(), at=NOON)

    assert (merged.customer.status, merged.stage, merged.converted_at) == ("ACTIVE", "CONVERTED", NOON)
    again = Lead.objects.select_related("customer").get()
    assert (again.customer, again.customer.status, again.stage, again.converted_at) == (
        lead.customer, "PROSPECT", "QUALIFIED", None,
    )  # fmt: skip
    assert told() == before


def test_of_two_prospects_merged_nobody_has_arrived():
    lead = prospect(stage="QUALIFIED")
    other, _ = register_prospect(
        key_of({"email": "bob@mail.example"}), source=SourceFactory(code="ad"), at=NOON
    )

    merge_customers(other.customer, [lead.customer], reason="", at=NOON)

    assert [(one.customer, one.stage) for one in Lead.objects.all()] == [(other.customer, "NEW")]
    with pytest.raises(LeadNotMovable):
        move_lead(lead, "LOST", at=NOON)
