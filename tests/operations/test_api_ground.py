"""What every call of the partner API has in common, shown on the smallest of them."""

from io import BytesIO

import pytest
import time_machine
from django.test import Client
from rest_framework.exceptions import ParseError
from rest_framework.test import APIRequestFactory

from operations.api.parsers import StrictJSONParser
from operations.api.problems import mistakes
from operations.api.throttling import _Shares
from operations.api.views import JobView
from operations.counters import count
from operations.models import ApiClient
from operations.services import queue_job

pytestmark = pytest.mark.django_db


def client_with(*scopes: str, **fields) -> Client:
    _, key = ApiClient.objects.create_key(name="till", scopes=list(scopes), **fields)
    return Client(headers={"Authorization": f"Api-Key {key}"})


def test_without_a_key_the_answer_is_401_and_says_how_to_authenticate(client):
    response = client.get("/api/v1/jobs/1")

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Api-Key"
    assert response.json()["key"] == "not_authenticated"


def test_a_wrong_key_is_401():
    response = Client(headers={"Authorization": "Api-Key wrong.key"}).get("/api/v1/jobs/1")

    assert response.status_code == 401


def test_a_revoked_key_is_401():
    api = client_with("all", revoked=True)

    assert api.get("/api/v1/jobs/1").status_code == 401


def test_a_missing_scope_is_403_and_names_it():
    class Guarded(JobView):
        required_scope = "analytics:run"

    _, key = ApiClient.objects.create_key(name="till", scopes=["orders:write"])
    request = APIRequestFactory().get("/", headers={"Authorization": f"Api-Key {key}"})

    response = Guarded.as_view()(request, pk=1)

    assert response.status_code == 403
    assert response.data["key"] == "missing_scope"
    assert "analytics:run" in response.data["message"]


def test_an_unknown_path_is_404_in_the_one_error_format(client):
    response = client.get("/api/v1/nothing/here")

    assert (response.status_code, response.json()["key"]) == (404, "not_found")


def test_an_unknown_id_is_404_in_the_one_error_format():
    response = client_with("orders:write").get("/api/v1/jobs/1")

    problem = response.json()
    assert response.status_code == 404
    assert (problem["key"], problem["details"]) == ("not_found", [])
    assert problem["message"] and problem["request_id"]


def test_a_job_is_read_by_its_id():
    till, key = ApiClient.objects.create_key(name="till", scopes=["orders:write"])
    job = queue_job("load", title="Load", total=10, client=till)

    response = Client(headers={"Authorization": f"Api-Key {key}"}).get(f"/api/v1/jobs/{job.pk}")

    assert response.json() == {
        "id": str(job.pk),
        "kind": "load",
        "status": "QUEUED",
        "done": 0,
        "total": 10,
        "result": None,
        "error": "",
    }


def test_a_job_of_somebody_else_is_404():
    other = ApiClient.objects.create_key(name="shop", scopes=["all"])[0]
    jobs = [queue_job("load", title="Load", client=client) for client in (other, None)]
    api = client_with("all")

    answers = [api.get(f"/api/v1/jobs/{job.pk}") for job in jobs]

    assert [(answer.status_code, answer.json()["key"]) for answer in answers] == [(404, "not_found")] * 2


def test_more_requests_than_the_client_may_make_are_429_with_retry_after():
    api = client_with("all", requests_per_minute=2)

    with time_machine.travel("2026-11-21T12:00:10Z", tick=False):
        answers = [api.get("/api/v1/jobs/1") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert answers[-1]["Retry-After"] == "51"
    assert answers[-1].json()["key"] == "rate_limited"


def test_of_a_large_limit_a_process_takes_some_at_once_and_never_passes_it(monkeypatch):
    asked = []

    def counting(key, units, *, seconds):
        asked.append(units)
        return count(key, units, seconds=seconds)

    monkeypatch.setattr("operations.api.throttling.count", counting)
    client, _key = ApiClient.objects.create_key(name="till", scopes=["all"], requests_per_minute=6_005)
    processes = [_Shares(), _Shares()]

    passed = sum(processes[number % 2].take(client, minute=1) for number in range(6_100))
    next_minute = [one.take(client, minute=2) for one in processes]

    assert passed == 6_005
    assert set(asked) == {3}
    assert len(asked) < 6_100 / 2
    assert next_minute == [True, True]


def test_probes_answer_without_a_key(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok", "away": []}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b'"\\ud800"',
        b'"a\\u0000b"',
        b'"a\x00b"',
        b"[" * 100_000,
    ],
)
def test_what_is_ambiguous_or_cannot_be_stored_is_not_json(body):
    with pytest.raises(ParseError):
        StrictJSONParser().parse(BytesIO(body))


def test_escapes_of_whole_characters_are_json():
    assert StrictJSONParser().parse(BytesIO(b'"\\u00e8 \\ud83d\\ude00"')) == "è 😀"


def test_mistakes_carry_json_pointers():
    detail = {
        "lines": [{}, {"quantity": ["At least 0."]}],
        "non_field_errors": ["Empty."],
        "a/b": ["x"],
    }

    found = [(m.pointer, m.message) for m in mistakes(detail)]

    assert found == [("/lines/1/quantity", "At least 0."), ("", "Empty."), ("/a~1b", "x")]


def test_the_log_of_a_request_names_no_address(caplog):
    response = Client(REMOTE_ADDR="203.0.113.9").get("/api/v1/jobs/1")

    assert response.json()["request_id"] in caplog.text
    assert "203.0.113.9" not in caplog.text
