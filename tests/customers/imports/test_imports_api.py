import pytest

from customers.models import Order, Source, SourceProfile
from customers.models.imports import ImportRun
from operations.tasks import carry_out_job
from tests.api import caller
from tests.factories import ApiClientFactory

pytestmark = pytest.mark.django_db
PEOPLE = "id,email,city\n1,a@mail.example,Milano\n2,nonsense,Bari\n"
ORDER = (
    '{"source_id": "o-1", "ordered_at": "2026-11-20T10:00:00+01:00", "currency": "EUR",'
    ' "lines": [{"sku": "A", "quantity": "2", "amount": 500}]}\n'
)


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


def send(api, content: str, query: str, kind: str = "text/csv", **headers):
    return api.generic("POST", f"/api/v1/imports?{query}", content.encode(), content_type=kind, **headers)


def test_a_file_is_taken_as_a_job_and_tells_what_became_of_its_records(api):
    answer = send(api, PEOPLE, "kind=customers&source=crm", "Text/CSV; charset=utf-8")

    assert answer.status_code == 202
    carry_out_job(int(answer.json()["job"]))
    told = api.get(f"/api/v1/imports/{answer.json()['id']}").json()
    assert (told["status"], told["created"], told["rejected"]) == ("DONE", 1, 1)
    assert [(each["column"], each["line"], each["count"]) for each in told["reasons"]] == [("email", 3, 1)]
    refused = api.get(f"/api/v1/imports/{answer.json()['id']}/errors")
    assert b"".join(refused.streaming_content).decode().splitlines()[1].startswith("3,email,invalid_input,")
    assert SourceProfile.objects.get().external_id == "1"
    assert api.get(f"/api/v1/jobs/{answer.json()['job']}").json()["result"]["created"] == 1


def test_orders_come_as_ndjson_and_a_dry_run_leaves_nothing(api):
    query = "kind=orders&source=pos"

    tried = send(api, ORDER, query + "&dry_run=true", "application/x-ndjson").json()
    carry_out_job(int(tried["job"]))
    assert api.get(f"/api/v1/imports/{tried['id']}").json()["created"] == 1
    assert not Order.objects.exists()

    taken = send(api, ORDER, query, "application/x-ndjson").json()
    carry_out_job(int(taken["job"]))
    assert Order.objects.get().external_id == "o-1"


def test_the_same_file_under_the_same_key_is_one_import(api):
    answers = [
        send(api, PEOPLE, "kind=customers&source=crm", HTTP_IDEMPOTENCY_KEY="monday") for _ in range(2)
    ]

    assert answers[0].json() == answers[1].json()
    assert ImportRun.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "content", "status", "key"),
    [
        ("kind=customers&source=crm", "email\na@mail.example\n", 422, "invalid_input"),
        ("kind=customers&source=crm", "", 422, "unreadable_file"),
        ("kind=wishes&source=crm", PEOPLE, 422, "invalid_input"),
        ("kind=customers", PEOPLE, 422, "invalid_input"),
        ("kind=customers&source=crm&colour=red", PEOPLE, 422, "invalid_input"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_not_kept(api, settings, query, content, status, key):
    answer = send(api, content, query)

    assert (answer.status_code, answer.json()["key"]) == (status, key)
    assert not ImportRun.objects.exists()
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


def test_a_body_over_the_limit_is_refused(api, monkeypatch):
    monkeypatch.setattr("customers.services.imports.MAXIMUM_BYTES", 10)

    answer = send(api, PEOPLE, "kind=customers&source=crm")

    assert (answer.status_code, answer.json()["key"]) == (413, "too_large")


def test_each_kind_needs_its_own_scope_and_only_the_sender_reads_the_import():
    sender, other = (caller(ApiClientFactory(scopes=["customers:write"])) for _ in range(2))

    refused = send(sender, ORDER, "kind=orders&source=pos", "application/x-ndjson")
    taken = send(sender, PEOPLE, "kind=customers&source=crm").json()

    assert (refused.status_code, refused.json()["key"]) == (403, "missing_scope")
    assert not Source.objects.filter(code="pos").exists()
    assert sender.get(f"/api/v1/imports/{taken['id']}").status_code == 200
    assert other.get(f"/api/v1/imports/{taken['id']}").status_code == 404
