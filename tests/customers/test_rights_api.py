import csv
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from customers.models import Customer, RightsRequest
from customers.services import export_customer, request_export
from customers.services.exports import cell_of
from operations.services import forget_files
from operations.tasks import carry_out_job
from tests.api import caller
from tests.customers.test_erasure import PERSON, leave_traces_everywhere, zdenka
from tests.factories import NOON, ApiClientFactory, UserFactory


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.ERASURE_LEDGER = tmp_path / "erasures.ndjson"
    settings.MEDIA_ROOT = tmp_path / "media"


def test_an_erasure_is_promised_as_a_job_and_then_the_id_is_gone(api, django_capture_on_commit_callbacks):
    customer = zdenka()
    with django_capture_on_commit_callbacks():
        answer = api.post(f"/api/v1/customers/{customer.public_id}/erasure")

    assert answer.status_code == 202
    assert api.get(f"/api/v1/jobs/{answer.json()['job']}").json()["status"] == "QUEUED"
    carry_out_job(int(answer.json()["job"]))
    job = api.get(f"/api/v1/jobs/{answer.json()['job']}").json()
    assert (job["status"], job["result"]["records"]) == ("DONE", 1)
    assert api.get(f"/api/v1/customers/{customer.public_id}").status_code == 410
    assert api.post(f"/api/v1/customers/{customer.public_id}/erasure").status_code == 410
    assert api.get(f"/api/v1/customers/{customer.public_id}/export").status_code == 410


def test_an_unknown_customer_cannot_be_erased(api):
    answer = api.post("/api/v1/customers/6f0ad2f0-0000-4000-8000-000000000000/erasure")

    assert (answer.status_code, answer.json()["key"]) == (404, "not_found")
    assert not RightsRequest.objects.exists()


def test_a_reason_too_long_is_told_and_nothing_is_promised(api):
    answer = api.post(f"/api/v1/customers/{zdenka().public_id}/erasure", {"reason": "x" * 301})

    assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (422, "/reason")
    assert not RightsRequest.objects.exists()


def test_who_may_only_read_does_not_erase(db):
    reader = caller(ApiClientFactory(scopes=["customers:read"]))

    assert reader.post(f"/api/v1/customers/{zdenka().public_id}/erasure").status_code == 403
    assert Customer.objects.get().status == "ACTIVE"


def test_an_export_tells_everything_and_is_noted(api):
    customer = zdenka()
    leave_traces_everywhere(customer)

    content = api.get(f"/api/v1/customers/{customer.public_id}/export").json()

    tables = content["tables"]
    assert content["id"] == str(customer.public_id)
    assert tables["customers.Customer"][0]["last_name"] == "Quirkova"
    assert {row["value"] for row in tables["customers.Identity"]} >= {"zdenka.quirk@mail.example"}
    assert tables["customers.ConsentRecord"][0]["proof"] == {"form": "proof-of-zdenka"}
    assert tables["customers.Order"][0]["source"] == "shop"
    assert tables["customers.OrderLine"][0]["product"] == "A"
    assert tables["coupons.LedgerEntry"][0]["delta"] == 50
    assert "content_hash" not in tables["customers.Order"][0]
    assert RightsRequest.objects.get().kind == "EXPORT"


def test_an_export_tells_nothing_of_anybody_else(db):
    zdenka()
    other = Customer.objects.create(first_name="Bob")

    assert [row["first_name"] for row in export_customer(other)["tables"]["customers.Customer"]] == ["Bob"]
    assert "Quirk" not in json.dumps(export_customer(other))


def test_a_file_is_written_as_a_job_with_inert_cells_and_deleted_after_a_week(
    db, django_capture_on_commit_callbacks
):
    customer = zdenka()
    Customer.objects.filter(pk=customer.pk).update(first_name="=cmd|'/C calc'!A0")
    with django_capture_on_commit_callbacks():
        request = request_export(customer, by=UserFactory(), at=NOON)

    carry_out_job(request.job_id)

    request.refresh_from_db()
    file = request.job.files.get().file
    with zipfile.ZipFile(file.path) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("customer.csv").decode())))
        whole = json.loads(archive.read("customer.json"))
    assert rows[0]["first_name"] == "'=cmd|'/C calc'!A0"
    assert whole["tables"]["customers.SourceProfile"][0]["external_id"] == PERSON["source_id"]
    assert forget_files(at=request.completed_at + timedelta(days=8)) == 1
    assert not Path(file.path).exists()


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), (-5, "-5"), (None, ""), ({"a": "è"}, '{"a": "è"}'), ("Anna", "Anna")],
)
def test_a_cell_never_runs(value, cell):
    assert cell_of(value) == cell
