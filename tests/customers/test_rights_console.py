"""The dialogs behind a customer's menu, the suppression list's page, a source that leaves."""

from datetime import date

import pytest
from django.urls import reverse

from customers.models import Consent, Customer, Purpose, RightsRequest, Suppression
from loyalty_site.roles import Role
from operations.models import JobRun
from operations.tasks import carry_out_job
from tests.console_data import staff
from tests.factories import ConsentFactory, CustomerFactory, SourceFactory, UserFactory


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.ERASURE_LEDGER, settings.MEDIA_ROOT = tmp_path / "ledger", tmp_path / "media"


@pytest.fixture
def supervisor(client, db):
    person = staff(Role.SUPERVISOR)
    client.force_login(person)
    return person


def dialog(right: str, customer: Customer) -> str:
    return f"/console/customers/rightsrequest/{right}/of/{customer.pk}/"


def test_an_erasure_needs_a_reason_and_a_tick_and_is_then_carried_out_as_a_job(client, supervisor):
    alice = CustomerFactory(first_name="Alice")

    page = client.get(dialog("erasure", alice)).content.decode()
    assert "Orders, points and coupons stay" in page
    client.post(dialog("erasure", alice), {"reason": "a letter"})
    assert not RightsRequest.objects.exists()
    client.post(dialog("erasure", alice), {"reason": "a letter", "sure": "on"})

    carry_out_job(JobRun.objects.get().pk)
    alice.refresh_from_db()
    assert (alice.status, alice.first_name) == ("ERASED", "")
    assert RightsRequest.objects.get().requested_by == supervisor
    assert client.get(dialog("erasure", alice)).status_code == 404
    assert (
        "Erasure" in client.get(f"/console/customers/customer/{alice.pk}/change/?tab=rights").content.decode()
    )


def test_an_export_is_fetched_from_the_tab_and_the_fetching_is_logged(client, supervisor):
    alice = CustomerFactory()
    client.post(dialog("export", alice), {"reason": ""})
    carry_out_job(JobRun.objects.get().pk)

    page = client.get(f"/console/customers/customer/{alice.pk}/change/?tab=rights").content.decode()
    request = RightsRequest.objects.get()
    assert f"/console/customers/rightsrequest/{request.pk}/file/" in page
    answer = client.get(f"/console/customers/rightsrequest/{request.pk}/file/")
    assert answer["Content-Type"] == "application/zip"
    assert supervisor.logentry_set.get().change_message == "fetched"


def test_a_restriction_is_shown_and_ended(client, supervisor):
    alice = CustomerFactory()
    page = f"/console/customers/customer/{alice.pk}/change/?tab=rights"

    client.post(dialog("restriction", alice), {"reason": "contested"})
    assert "Processing has been restricted" in client.get(page).content.decode()
    assert "End the restriction" in client.get(page).content.decode()
    client.post(dialog("release", alice), {"reason": "settled"})

    assert "Processing has been restricted" not in client.get(page).content.decode()


def test_an_objection_and_a_correction_from_the_page(client, supervisor):
    alice = ConsentFactory(customer__first_name="Alcie").customer

    client.post(dialog("objection", alice), {"purposes": ["MARKETING"], "reason": "by phone"})
    client.post(
        dialog("rectification", alice),
        as_shown(client, alice) | {"first_name": "Alice", "reason": "misspelt"},
    )
    refused = client.post(
        dialog("rectification", alice), as_shown(client, alice) | {"birth_date": "1980-02-31", "reason": "x"}
    )

    alice.refresh_from_db()
    assert alice.first_name == "Alice"
    assert {consent.state for consent in Consent.objects.all()} == {"OBJECTED"}
    assert refused.status_code == 200
    assert RightsRequest.objects.count() == 2


def as_shown(client, customer) -> dict[str, str]:
    """Return what the dialog's form holds as it opens."""
    form = client.get(dialog("rectification", customer)).context["form"]
    return {name: "" if form[name].value() is None else str(form[name].value()) for name in form.fields}


def test_the_dialog_shows_the_data_as_it_stands_and_nothing_changed_is_no_correction(client, supervisor):
    alice = CustomerFactory(last_name="Rossi", birth_date=date(1980, 12, 31), email="alcie@mail.example")

    shown = as_shown(client, alice)
    answer = client.post(dialog("rectification", alice), shown | {"reason": "x"})

    assert (shown["last_name"], shown["birth_date"], shown["country"]) == ("Rossi", "1980-12-31", "IT")
    assert "alcie@mail.example" in shown.values()
    assert answer.status_code == 200
    assert not RightsRequest.objects.exists()


def test_a_wrong_address_is_put_right_and_what_was_allowed_for_it_ends(client, supervisor):
    alice = CustomerFactory(email="alcie@mail.example")
    consent = ConsentFactory(customer=alice, address="alcie@mail.example")
    other = CustomerFactory(email="bob@mail.example")
    point = alice.identities.get(namespace="email")
    shown = as_shown(client, alice) | {"reason": "misspelt"}

    taken = client.post(dialog("rectification", alice), shown | {f"point-{point.pk}": "bob@mail.example"})
    client.post(
        dialog("rectification", alice),
        shown | {f"point-{point.pk}": "Alice@mail.example", "last_name": "Bianchi"},
    )

    consent.refresh_from_db()
    alice.refresh_from_db()
    assert "This belongs to another customer." in taken.content.decode()
    assert alice.identities.get(namespace="email").value == "alice@mail.example"
    assert other.identities.get(namespace="email").value == "bob@mail.example"
    assert (consent.state, alice.last_name) == ("EXPIRED", "Bianchi")
    told = RightsRequest.objects.order_by("pk").values_list("result", flat=True)
    assert list(told) == [{"field": "last_name"}, {"field": "email"}]


def test_the_record_of_rights_and_the_header_speak_to_the_reader(client, supervisor):
    alice = CustomerFactory()
    client.post(dialog("objection", alice), {"purposes": ["MARKETING"], "reason": "letter"})
    client.post(dialog("restriction", alice), {"reason": "letter"})

    record = client.get(reverse("admin:customers_rightsrequest_change", args=[first_request().pk]))
    header = client.get(reverse("admin:customers_customer_change", args=[alice.pk])).content.decode()

    assert f"purposes: {Purpose.MARKETING.label}" in record.content.decode()
    assert "Processing is restricted since" in header


def first_request() -> RightsRequest:
    return RightsRequest.objects.order_by("pk").first()


def test_an_agent_corrects_but_neither_exports_nor_erases(client, db):
    client.force_login(staff(Role.AGENT))
    alice = CustomerFactory()

    codes = {
        right: client.get(dialog(right, alice)).status_code
        for right in ("rectification", "export", "erasure")
    }

    assert codes == {"rectification": 200, "export": 403, "erasure": 403}
    page = client.get(f"/console/customers/customer/{alice.pk}/change/").content.decode()
    assert "Correct the data" in page and "Erase the person" not in page


def test_an_unknown_right_is_not_found(client, supervisor):
    assert client.get(dialog("nonsense", CustomerFactory())).status_code == 404


def test_the_suppression_list_is_asked_and_added_to_by_post(client, supervisor):
    ask = "/console/customers/suppression/ask/"

    before = client.post(
        ask, {"channel": "email", "address": "A@mail.example", "do": "look"}
    ).content.decode()
    client.post(ask, {"channel": "email", "address": "A@mail.example", "do": "suppress"})
    after = client.post(ask, {"channel": "email", "address": "a@mail.example", "do": "look"}).content.decode()
    wrong = client.post(ask, {"channel": "email", "address": "no address", "do": "look"})

    assert "Not on the list" in before and "On the list since" in after
    assert Suppression.objects.get().reason == "MANUAL"
    assert wrong.status_code == 200


def test_a_source_leaves_from_its_page(client, db):
    client.force_login(UserFactory(is_superuser=True))
    coop = SourceFactory(code="coop", kind="COOP")
    page = f"/console/customers/source/{coop.pk}/leave/"

    assert "Whoever only this source knew is erased" in client.get(page).content.decode()
    client.post(page, {})
    assert not JobRun.objects.exists()
    client.post(page, {"sure": "1"})

    coop.refresh_from_db()
    assert coop.left_at is not None
    assert JobRun.objects.get().kind == "customers.source_leaves"
    assert "This source left on" in client.get(page).content.decode()
