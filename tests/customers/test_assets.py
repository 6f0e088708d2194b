"""An article with a serial number has one owner at a time; what it tells is the owner's at that instant."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from customers.errors import OwnedAlready
from customers.models import Asset, AssetOwnership, Event, QuarantinedEvent
from customers.services import record_external_events, register_asset
from tests.factories import NOON, CustomerFactory, ProductFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def alice():
    return CustomerFactory(email="alice@mail.example")


@pytest.fixture
def bob():
    return CustomerFactory(email="bob@mail.example")


def own(customer, serial="WM-1", *, since=NOON):
    return register_asset(serial, owner=customer, owned_from=since, at=NOON)


def spans():
    rows = AssetOwnership.objects.order_by("owned_from")
    return [(row.customer_id, row.owned_from, row.owned_until) for row in rows]


def tell(external_id, at, type="iot.measured", **fields):
    item = {"source": "cloud", "external_id": external_id, "type": type, "occurred_at": at}
    payload = {"serial": "wm-1"} | fields.pop("payload", {})
    (outcome,) = record_external_events([item | {"payload": payload} | fields], at=NOON + 30 * DAY)
    return outcome


def owner_of(external_id):
    return Event.objects.get(source__code="cloud", external_id=external_id).customer


def test_an_article_is_handed_over(alice, bob):
    first = own(alice)
    again = own(alice, " wm-1 ")
    own(bob, since=NOON + 5 * DAY)

    assert (first.status, again.status, first.row) == (201, 200, again.row)
    assert spans() == [(alice.pk, NOON, NOON + 5 * DAY), (bob.pk, NOON + 5 * DAY, None)]
    told = Event.objects.filter(asset=first.row).values_list("type", "customer")
    assert sorted(told) == [
        ("asset.assigned", alice.pk), ("asset.assigned", bob.pk), ("asset.released", alice.pk),
    ]  # fmt: skip


def test_an_owner_of_earlier_times_comes_before_the_one_known(alice, bob):
    own(bob)
    own(alice, since=NOON - 5 * DAY)

    assert spans() == [(alice.pk, NOON - 5 * DAY, NOON), (bob.pk, NOON, None)]


def test_the_same_owner_since_an_earlier_day_is_one_ownership(alice):
    own(alice)
    own(alice, since=NOON - 5 * DAY)

    assert spans() == [(alice.pk, NOON - 5 * DAY, None)]


def test_nobody_may_own_it_any_more(alice):
    own(alice)
    own(None, since=NOON + DAY)

    assert spans() == [(alice.pk, NOON, NOON + DAY)]


def test_two_owners_from_one_instant_are_refused(alice, bob):
    own(alice)

    with pytest.raises(OwnedAlready):
        own(bob)
    assert spans() == [(alice.pk, NOON, None)]


def test_the_database_refuses_two_owners_at_once(alice, bob):
    asset = own(alice).row

    with pytest.raises(IntegrityError, match="one_owner_of_an_asset_at_a_time"), transaction.atomic():
        AssetOwnership.objects.create(asset=asset, customer=bob, owned_from=NOON + DAY)


def test_what_a_product_tells_is_its_owners_at_that_instant(alice, bob):
    own(alice)
    own(bob, since=NOON + 5 * DAY)

    tell("before", NOON - DAY)
    tell("first", NOON)
    tell("last", NOON + 5 * DAY - timedelta(microseconds=1))
    tell("next", NOON + 5 * DAY)

    owners = [owner_of(name) for name in ("before", "first", "last", "next")]
    assert owners == [None, alice, alice, bob]


def test_a_source_that_takes_somebody_else_for_the_owner_is_told(alice, bob):
    own(alice)

    outcome = tell("1", NOON + DAY, customer={"email": "bob@mail.example"})

    assert owner_of("1") == alice
    assert [warning.key for warning in outcome.warnings] == ["not_the_owner"]


def test_an_unknown_serial_becomes_an_asset_and_stays_with_whom_the_source_names(bob):
    outcome = tell("1", NOON, customer={"email": "bob@mail.example"})

    assert [warning.key for warning in outcome.warnings] == ["unknown_asset"]
    assert (Asset.objects.get().serial, owner_of("1")) == ("WM-1", bob)
    assert not AssetOwnership.objects.exists()


def test_what_it_told_before_the_owner_was_known_becomes_theirs(alice, bob):
    tell("early", NOON - DAY)
    tell("later", NOON + DAY)
    assert owner_of("later") is None

    own(alice)

    assert (owner_of("early"), owner_of("later")) == (None, alice)
    own(bob, since=NOON + timedelta(hours=1))
    assert owner_of("later") == bob


def test_who_registers_a_product_owns_it_from_then_on(alice):
    ProductFactory(sku="WM")

    told = tell("r", NOON, "product.registered", sku="WM", customer={"email": "alice@mail.example"})
    tell("1", NOON + DAY, payload={"metric": "cycles", "value": 3})

    assert [warning.key for warning in told.warnings] == ["unknown_asset"]
    assert spans() == [(alice.pk, NOON, None)]
    assert Asset.objects.get().product.sku == "WM"
    assert owner_of("1") == alice


def test_a_registration_that_contradicts_another_is_recorded_with_a_warning(alice, bob):
    own(alice)

    outcome = tell("r", NOON, "product.registered", customer={"email": "bob@mail.example"})

    assert (outcome.status, outcome.warnings[-1].key) == (201, "owned_already")
    assert spans() == [(alice.pk, NOON, None)]
    assert not QuarantinedEvent.objects.exists()


def test_the_api_registers_and_shows_what_somebody_owns(api, alice):
    body = {
        "serial": "wm 1",
        "customer": {"id": str(alice.public_id)},
        "sku": "WM",
        "owned_from": "2026-01-01T00:00Z",
    }

    made = api.post("/api/v1/assets", body)

    assert (made.status_code, made.json()["serial"], made.json()["sku"]) == (201, "WM1", "WM")
    assert made.json()["owners"][0]["customer"] == str(alice.public_id)
    assert api.get("/api/v1/assets/WM1").json() == made.json()
    owned = api.get(f"/api/v1/customers/{alice.public_id}/assets").json()["data"]
    assert [asset["serial"] for asset in owned] == ["WM1"]
    assert api.get("/api/v1/assets/none").status_code == 404
    refused = api.post("/api/v1/assets", body | {"serial": "  "})
    assert refused.status_code == 422
