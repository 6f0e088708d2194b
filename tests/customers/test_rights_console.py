"""The dialogs behind a customer's menu, the suppression list's page, a source that leaves."""

import pytest

from customers.models import Consent, Customer, RightsRequest, Suppression
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
        dialog("rectification", alice), {"field": "first_name", "value": "Alice", "reason": "misspelt"}
    )
    refused = client.post(
        dialog("rectification", alice), {"field": "birth_date", "value": "31/02/1980", "reason": "x"}
    )

    alice.refresh_from_db()
    assert alice.first_name == "Alice"
    assert {consent.state for consent in Consent.objects.all()} == {"OBJECTED"}
    assert refused.status_code == 200
    assert RightsRequest.objects.count() == 2


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
