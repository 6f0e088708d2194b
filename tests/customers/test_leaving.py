"""Co-op sources: they never make anybody contactable, and what they told leaves in one job."""

import pytest
from django.db import OperationalError

from customers.errors import SourceGivesNoConsent, SourceLeft
from customers.models import (
    Consent,
    Customer,
    Event,
    EventConflict,
    Identity,
    Order,
    Rollup,
    Source,
    SourceProfile,
)
from customers.services import (
    leave_source,
    leaving,
    reachable_address,
    record_consent,
    record_external_consents,
    record_external_events,
    record_order,
    record_orders,
    upsert_customers,
)
from operations.models import JobRun
from operations.services import abandoned_jobs
from operations.tasks import carry_out_job
from tests.factories import NOON, SourceFactory, UserFactory

GRANT = {"channel": "email", "purpose": "MARKETING", "state": "GRANTED", "proof": {"list": "co-op"}}


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.ERASURE_LEDGER, settings.MEDIA_ROOT = tmp_path / "ledger", tmp_path / "media"


@pytest.fixture
def coop(db) -> Source:
    return SourceFactory(code="coop", kind="COOP")


def told(source: str, name: str, **fields) -> Customer:
    (outcome,) = upsert_customers([{"source": source, "source_id": name, **fields}], at=NOON)
    assert outcome.error is None
    return outcome.row


def test_a_grant_told_by_a_coop_is_left_out_with_a_warning_and_the_rest_is_taken(coop):
    (outcome,) = upsert_customers(
        [
            {
                "source": "coop",
                "source_id": "1",
                "email": "a@mail.example",
                "city": "Bari",
                "consents": [GRANT],
            }
        ],
        at=NOON,
    )

    assert [warning.key for warning in outcome.warnings] == ["source_gives_no_consent"]
    assert outcome.row.city == "Bari"
    assert reachable_address(outcome.row, "email") is None


@pytest.mark.parametrize("state", ["GRANTED", "PENDING"])
def test_a_consent_from_a_coop_is_refused_and_nothing_is_entered(coop, state):
    item = {"email": "a@mail.example", "source": "coop", **GRANT, "state": state}

    (outcome,) = record_external_consents([item], at=NOON)

    assert isinstance(outcome.error, SourceGivesNoConsent)
    assert not Consent.objects.exists()


def test_a_refusal_from_a_coop_counts(coop):
    item = {"email": "a@mail.example", "source": "coop", **GRANT, "state": "OBJECTED", "proof": None}

    record_external_consents([item], at=NOON)

    assert Consent.objects.get().state == "OBJECTED"


def leave(source: Source) -> dict:
    job = leave_source(source, at=NOON)
    carry_out_job(job.pk)
    job.refresh_from_db()
    assert job.status == "DONE", job.error
    return job.result


def test_who_only_the_source_knew_is_erased_and_others_lose_what_it_told(coop):
    alone = told("coop", "1", email="alone@mail.example", first_name="Una")
    shared = told("shop", "9", email="both@mail.example", first_name="Bea")
    assert told("coop", "2", email="both@mail.example", city="Bari", phone="+393471234567") == shared
    shared.refresh_from_db()
    assert shared.city == "Bari"

    result = leave(coop)

    alone.refresh_from_db()
    shared.refresh_from_db()
    assert (result["people"], result["erased"]) == (2, 1)
    assert (alone.status, alone.first_name) == ("ERASED", "")
    assert (shared.status, shared.first_name, shared.city) == ("ACTIVE", "Bea", "")
    assert [identity.value for identity in Identity.objects.all()] == ["both@mail.example"]
    assert {profile.external_id[:5] for profile in SourceProfile.objects.filter(source=coop)} == {"left:"}


def test_its_events_and_conflicts_go_and_its_orders_become_anonymous_sales(coop):
    shared = told("shop", "9", email="both@mail.example")
    order = {
        "customer": {"source": "shop", "source_id": "9"},
        "ordered_at": NOON,
        "currency": "EUR",
        "lines": [{"sku": "A", "quantity": "1", "amount": 5000}],
    }
    theirs = record_order({"source": "coop", "source_id": "o-1", **order}, at=NOON)
    ours = record_order({"source": "shop", "source_id": "o-2", **order}, at=NOON)
    visit = {"type": "visit.recorded", "occurred_at": NOON, "customer": order["customer"], "payload": {}}
    record_external_events(
        [
            {"source": "coop", "external_id": "e-1", **visit},
            {"source": "shop", "external_id": "e-1", **visit},
        ],
        at=NOON,
    )
    record_external_events(
        [{"source": "coop", "external_id": "e-1", **visit, "amount": 1, "currency": "EUR"}], at=NOON
    )
    assert EventConflict.objects.count() == 1

    result = leave(coop)

    assert result["events"] == 1
    assert [event.source.code for event in Event.objects.filter(type="visit.recorded")] == ["shop"]
    assert not EventConflict.objects.exists()
    assert Order.objects.get(pk=theirs.pk).customer is None
    assert Order.objects.get(pk=ours.pk).customer == shared
    assert Rollup.objects.get(customer=shared, scope="ALL").net_amount == 5000


def test_a_grant_by_the_source_ends_and_a_refusal_stays(db):
    partner = SourceFactory(code="partner", kind="PARTNER")
    alice = told("shop", "9", email="a@mail.example", phone="+393471234567")
    for channel, state in [("email", "GRANTED"), ("sms", "DENIED")]:
        record_consent(
            alice, channel=channel, purpose="MARKETING", state=state, source=partner, proof={"x": 1}, at=NOON
        )

    leave(partner)

    states = dict(Consent.objects.values_list("channel", "state"))
    assert states == {"email": "EXPIRED", "sms": "DENIED"}


def test_of_a_source_that_left_nothing_is_taken_any_more_and_it_leaves_once(coop):
    leave_source(coop, at=NOON)

    with pytest.raises(SourceLeft):
        leave_source(coop, at=NOON)
    assert JobRun.objects.count() == 1


def test_an_order_event_that_a_source_tells_in_its_own_way_hinders_nothing(coop):
    shared = told("shop", "9", email="both@mail.example")
    customer = {"source": "shop", "source_id": "9"}
    theirs = record_order(
        {
            "source": "coop",
            "source_id": "o-1",
            "customer": customer,
            "ordered_at": NOON,
            "currency": "EUR",
            "lines": [{"sku": "A", "quantity": "1", "amount": 5000}],
        },
        at=NOON,
    )
    for name, order in [("e-1", "A-17"), ("e-2", theirs.pk)]:
        event = {"type": "order.recorded", "occurred_at": NOON, "payload": {"order": order}}
        record_external_events(
            [{"source": "shop", "external_id": name, "customer": customer, **event}], at=NOON
        )

    leave(coop)

    kept = Event.objects.filter(customer=shared, type="order.recorded").order_by("external_id")
    assert [(event.source.code, event.external_id) for event in kept] == [("shop", "e-1"), ("shop", "e-2")]
    assert Order.objects.get(pk=theirs.pk).customer is None


def test_when_its_job_failed_a_source_can_be_asked_to_leave_again(client, coop):
    told("coop", "1", email="c@mail.example")
    failed = leave_source(coop, at=NOON)
    JobRun.objects.filter(pk=failed.pk).update(status="FAILED")
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    url = f"/console/customers/source/{coop.pk}/leave/"
    assert 'name="sure"' in client.get(url).content.decode()

    client.post(url, {"sure": "1"})

    again = JobRun.objects.exclude(pk=failed.pk).get()
    carry_out_job(again.pk)
    again.refresh_from_db()
    assert (again.status, again.result["erased"]) == ("DONE", 1)
    assert 'name="sure"' not in client.get(url).content.decode()
    with pytest.raises(SourceLeft):
        leave_source(coop, at=NOON)


def test_only_what_is_told_by_a_source_that_left_is_refused_in_a_bulk(coop):
    leave_source(coop, at=NOON)
    theirs, ours = {"source": "coop", "source_id": "1"}, {"source": "shop", "source_id": "1"}
    visit = {"type": "visit.recorded", "occurred_at": NOON}
    order = {"ordered_at": NOON, "currency": "EUR", "lines": [{"sku": "A", "quantity": "1", "amount": 5000}]}
    consent = {"channel": "post", "purpose": "MARKETING", "state": "DENIED"}

    people = upsert_customers([theirs, ours], at=NOON)
    events = record_external_events(
        [
            {"source": "coop", "external_id": "1", "type": "visit.recorded", "occurred_at": NOON},
            {"source": "coop", "external_id": "2", "type": "nonsense", "occurred_at": NOON},
            {"source": "shop", "external_id": "3", "customer": theirs, **visit},
            {"source": "shop", "external_id": "4", "customer": ours, **visit},
        ],
        at=NOON,
    )
    orders = record_orders(
        [
            {**theirs, "customer": ours, **order},
            {"source": "shop", "source_id": "2", "customer": theirs, **order},
            {"source": "shop", "source_id": "3", "customer": ours, **order},
        ],
        at=NOON,
    )
    consents = record_external_consents(
        [{"customer": one, "source": source, **consent}
         for one, source in [(theirs, "shop"), (ours, "coop"), (ours, "shop")]],
        at=NOON,
    )  # fmt: skip

    def keys(outcomes):
        return [outcome.error and outcome.error.key for outcome in outcomes]

    assert keys(people) == ["source_left", None]
    assert keys(events) == ["source_left"] * 3 + [None]
    assert keys(orders) == ["source_left"] * 2 + [None]
    assert keys(consents) == ["source_left"] * 2 + [None]
    assert [one.pk for one in Customer.objects.all()] == [people[1].row.pk]
    assert Order.objects.count() == Consent.objects.count() == 1


def test_a_leaving_that_was_killed_goes_on_where_it_was(coop, monkeypatch):
    for number in range(3):
        told("coop", str(number), email=f"c{number}@mail.example")
    monkeypatch.setattr(leaving, "PEOPLE", 1)
    let_go, calls = leaving.let_go, []

    def killed_at_the_second(*arguments, **named):
        calls.append(arguments)
        if len(calls) == 2:
            raise OperationalError("The server is gone.")
        return let_go(*arguments, **named)

    monkeypatch.setattr(leaving, "let_go", killed_at_the_second)
    job = leave_source(coop, at=NOON)
    with pytest.raises(OperationalError):
        carry_out_job(job.pk)
    assert Customer.objects.filter(status="ERASED").count() == 1
    assert abandoned_jobs() == [job.pk]

    carry_out_job(job.pk)

    job.refresh_from_db()
    assert (job.status, job.done, job.result["people"]) == ("DONE", 3, 3)
    assert Customer.objects.filter(status="ERASED").count() == 3


def test_who_is_known_by_an_id_alone_leaves_with_the_source(coop):
    stub = {"source": "coop", "source_id": "nobody-else-knows-me"}
    record_external_events(
        [{"source": "coop", "external_id": "e", "type": "visit.recorded", "occurred_at": NOON,
          "customer": stub}],
        at=NOON,
    )  # fmt: skip

    carry_out_job(leave_source(coop, at=NOON).pk)

    profile = SourceProfile.objects.get()
    assert (profile.external_id, profile.customer.status) == (f"left:{profile.pk}", "ERASED")
