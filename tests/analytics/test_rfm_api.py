"""RFM over the partner API."""

from datetime import timedelta

import pytest

from analytics.models import RfmModel, RfmRun, RfmScore
from analytics.services import rfm_queue
from customers.models import Segment
from operations.models import JobRun
from tests.analytics.factories import buyer, purchase
from tests.api import caller
from tests.factories import NOON, ApiClientFactory, CustomerFactory

MODELS = "/api/v1/rfm-models"
RUNS = f"{MODELS}/all-orders/runs"

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(api):
    body = {"code": "all-orders", "name": "All orders", "minimum_population": 1}
    return api.post(MODELS, body).json()


def test_a_model_is_created_with_its_eleven_segments(api):
    answer = api.post(MODELS, {"code": "tyres", "name": "Tyres", "window_days": 730, "recency": "INVERTED"})

    assert answer.status_code == 201
    body = answer.json()
    assert body | {"id": "", "created_at": ""} == {
        "id": "",
        "code": "tyres",
        "name": "Tyres",
        "scope": {"kind": "ALL", "value": None},
        "window_days": 730,
        "season": None,
        "recency": "INVERTED",
        "replacement": None,
        "binning": "QUANTILE",
        "thresholds": None,
        "monetary": "SUM",
        "weights": [1, 1, 1],
        "segment_map": "ELEVEN",
        "minimum_population": 25,
        "commit_after_runs": 3,
        "commit_jump": 2,
        "schedule": "NIGHTLY",
        "created_at": "",
    }
    assert Segment.objects.get(code="tyres--cant-lose").name == "Tyres: Can't Lose"
    assert api.get(f"{MODELS}/{body['id']}").json() == api.get(f"{MODELS}/tyres").json() == body
    assert [one["code"] for one in api.get(MODELS).json()["data"]] == ["tyres"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "No code"}, "/code"),
        ({"code": "Not a code", "name": "x"}, "/code"),
        ({"code": "2026", "name": "x"}, "/code"),
        ({"code": "x", "name": "x", "scope": {"kind": "MOON"}}, "/scope/kind"),
        ({"code": "x", "name": "x", "scope": {"kind": "STORE", "value": "nowhere"}}, "/scope/value"),
        ({"code": "x", "name": "x", "window_days": 0}, "/window_days"),
        ({"code": "x", "name": "x", "weights": [0, 0, 0]}, "/weights"),
        ({"code": "x", "name": "x", "weights": [1, 1]}, "/weights"),
        ({"code": "x", "name": "x", "binning": "FIXED"}, "/thresholds"),
        (
            {
                "code": "x",
                "name": "x",
                "binning": "FIXED",
                "thresholds": {"r": [1, 2, 3, 4], "f": [1, 2, 3, 4], "m": [1, 2, 3, 4]},
            },
            "/thresholds",
        ),
    ],
)
def test_bad_input_names_its_place_and_creates_nothing(api, body, pointer):
    answer = api.post(MODELS, body)

    assert answer.status_code == 422
    assert answer.json()["key"] == "invalid_input"
    assert answer.json()["details"][0]["pointer"] == pointer
    assert not RfmModel.objects.exists()
    assert not Segment.objects.exists()


def test_a_replacement_window_needs_no_thresholds_of_recency(api):
    person = buyer(305)
    own = {"f": [2, 3, 4, 5], "m": [1000, 2000, 4000, 8000]}
    body = {"code": "tyres", "name": "Tyres", "binning": "FIXED", "thresholds": own}
    replacement = {"recency": "REPLACEMENT", "replacement": {"cycle_days": 300, "tolerance_days": 10}}

    refused = api.post(MODELS, body)
    created = api.post(MODELS, body | replacement)

    assert (refused.status_code, refused.json()["details"][0]["pointer"]) == (422, "/thresholds")
    assert (created.status_code, created.json()["thresholds"]) == (201, own)
    run = api.post(f"{MODELS}/tyres/runs", {"as_of": "2026-11-21"}).json()
    assert run["thresholds"] == own | {"r": [40, 30, 20, 10]}
    score = RfmScore.objects.get(customer=person)
    assert (score.r, score.f, score.m) == (5, 1, 4)


def test_a_taken_code_is_a_conflict(api, model):
    assert api.post(MODELS, {"code": "all-orders", "name": "Again"}).status_code == 409
    assert RfmModel.objects.count() == 1


def test_a_run_answers_with_thresholds_sums_and_segments(api, model):
    for days in (1, 100):
        buyer(days)

    answer = api.post(RUNS, {"as_of": "2026-11-21"})

    assert answer.status_code == 200
    run = answer.json()
    assert (run["status"], run["population"], run["as_of"]) == ("DONE", 2, "2026-11-21")
    assert run["thresholds"] == {"r": [100, 100, 1, 1], "f": [1, 1, 1, 1], "m": [5000, 5000, 5000, 5000]}
    assert run["score_sums"] == {"r": 4, "f": 2, "m": 2, "sum": 8}
    assert run["segments"] == {
        "Champions": 0,
        "Loyal": 0,
        "Potential Loyalist": 0,
        "New": 1,
        "Promising": 0,
        "Need Attention": 0,
        "About To Sleep": 0,
        "At Risk": 0,
        "Can't Lose": 0,
        "Hibernating": 0,
        "Lost": 1,
    }
    assert run["changed_rows"] == 2
    assert api.get(f"{RUNS}/{run['id']}").json() == run
    assert api.get(RUNS).json()["data"] == [run]
    assert api.post(RUNS, {"as_of": "2026-11-21"}).json()["changed_rows"] == 0


def test_the_same_idempotency_key_runs_once(api, model):
    buyer(1)

    first = api.post(RUNS, {"as_of": "2026-11-21"}, HTTP_IDEMPOTENCY_KEY="tonight")
    again = api.post(RUNS, {"as_of": "2026-11-21"}, HTTP_IDEMPOTENCY_KEY="tonight")

    assert first.content == again.content
    assert RfmRun.objects.count() == 1


def test_too_small_a_population_is_refused(api):
    api.post(MODELS, {"code": "all-orders", "name": "All orders"})
    buyer(1)

    answer = api.post(RUNS, {"as_of": "2026-11-21"})

    assert (answer.status_code, answer.json()["key"]) == (422, "population_too_small")
    assert not RfmScore.objects.exists()


@pytest.mark.parametrize("as_of", [None, "yesterday", "0001-01-01", "9999-12-31", 5])
def test_a_day_that_is_none_is_bad_input(api, model, as_of):
    answer = api.post(RUNS, {"as_of": as_of})

    assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (422, "/as_of")
    assert not RfmRun.objects.exists()


def test_a_long_run_is_queued_as_a_job(api, model, monkeypatch):
    monkeypatch.setattr(rfm_queue, "ORDERS_AT_ONCE", -2)

    answer = api.post(RUNS, {"as_of": "2026-11-21"})

    assert (answer.status_code, answer.json()["status"]) == (202, "RUNNING")
    job = JobRun.objects.get(pk=answer.json()["job"])
    assert (job.kind, job.status) == ("rfm_run", JobRun.Status.QUEUED)
    assert api.get(f"/api/v1/jobs/{job.pk}").json()["status"] == "QUEUED"


def test_a_customer_has_their_scores(api, model):
    alice, nobody = buyer(1), CustomerFactory()
    buyer(100)
    api.post(RUNS, {"as_of": "2026-11-21"})

    mine = api.get(f"{MODELS}/all-orders/scores", {"customer": str(alice.public_id)}).json()
    theirs = api.get(f"{MODELS}/all-orders/scores", {"customer": str(nobody.public_id)}).json()

    assert mine["data"] == [
        {
            "customer": str(alice.public_id),
            "r": 3,
            "f": 1,
            "m": 1,
            "sum": 5,
            "segment": "New",
            "last_order_on": "2026-11-20",
            "orders": 1,
            "net_amount": 5000,
        }
    ]
    assert theirs == {"data": [], "next": None}
    assert len(api.get(f"{MODELS}/all-orders/scores").json()["data"]) == 2
    assert api.get(f"{MODELS}/all-orders/scores", {"customer": "nobody"}).status_code == 404


def test_the_migration_says_who_moved_where(api, model):
    RfmModel.objects.update(commit_after_runs=1)
    buyer(1)
    bob = buyer(100)
    api.post(RUNS, {"as_of": "2026-11-21"})
    for hours in range(3):
        purchase(bob, at=NOON + timedelta(hours=hours))
    api.post(RUNS, {"as_of": "2026-11-28"})

    answer = api.get(f"{MODELS}/all-orders/migration", {"from": "2026-11-21", "to": "2026-11-28"})

    assert answer.status_code == 200
    moves = answer.json()["moves"]
    assert {"from": "Lost", "to": "Potential Loyalist", "customers": 1} in moves
    assert {"from": "New", "to": "Lost", "customers": 1} in moves
    assert len(moves) == 2
    assert answer.json()["before"]["as_of"] == "2026-11-21"


def test_an_unknown_model_is_not_found(api):
    for path in ("", "/runs", "/runs/1", "/scores", "/migration?from=2026-01-01&to=2026-02-01"):
        assert api.get(f"{MODELS}/none{path}").status_code == 404


def test_reading_does_not_allow_running():
    reader = caller(ApiClientFactory(scopes=["analytics:read"]))

    assert reader.get(MODELS).status_code == 200
    assert reader.post(MODELS, {"code": "x", "name": "x"}).status_code == 403
    assert not RfmModel.objects.exists()
