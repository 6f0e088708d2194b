"""Surveys over the partner API."""

import pytest

from analytics.models import Survey, SurveyResponse
from analytics.services.survey_answers import answer_survey
from customers.models import Customer, Segment, SegmentMembership
from tests.analytics.surveys import delivery_survey, nps_survey
from tests.api import caller
from tests.coupons import factories as coupons
from tests.factories import NOON, ApiClientFactory, CustomerFactory

SURVEYS = "/api/v1/surveys"
BODY = {
    "code": "delivery",
    "name": "Delivery",
    "kind": "SURVEY",
    "title": {"en": "Your delivery", "it": "La tua consegna"},
    "link_days": 14,
    "reward": {"points": 20},
    "questions": [
        {"kind": "SCALE", "text": {"en": "How fast?"}, "code": "speed", "required": True, "highest": 7},
        {
            "kind": "CHOICE",
            "text": {"en": "Packaging?", "it": "Imballo?"},
            "options": [{"en": "Good", "it": "Buono"}, {"en": "Damaged"}],
        },
    ],
}

pytestmark = pytest.mark.django_db


def test_a_survey_is_written_down_and_opened(api):
    answer = api.post(SURVEYS, BODY | {"open": True})

    assert answer.status_code == 201
    body = answer.json()
    assert (body["code"], body["status"], body["kind"], body["link_days"]) == (
        "delivery",
        "OPEN",
        "SURVEY",
        14,
    )
    assert body["reward"] == {"promotion": None, "points": 20}
    assert body["title"] == {"en": "Your delivery", "it": "La tua consegna"}
    assert body["questions"][0] == {
        "code": "speed",
        "kind": "SCALE",
        "text": {"en": "How fast?"},
        "required": True,
        "lowest": 1,
        "highest": 7,
        "low_label": {},
        "high_label": {},
        "options": [],
    }
    assert body["questions"][1]["options"] == [
        {"code": "good", "label": {"en": "Good", "it": "Buono"}},
        {"code": "damaged", "label": {"en": "Damaged"}},
    ]
    assert api.get(f"{SURVEYS}/delivery").json() == api.get(f"{SURVEYS}/{body['id']}").json() == body
    assert [one["code"] for one in api.get(SURVEYS).json()["data"]] == ["delivery"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"code": "2026"}, "/code"),
        ({"code": "nps"}, "/code"),
        ({"title": {}}, "/title"),
        ({"title": {"fr": "Bonjour"}}, "/title/fr"),
        ({"questions": []}, "/questions"),
        ({"questions": [{"kind": "SCALE", "text": {"en": " "}}]}, "/questions/0/text"),
        ({"questions": [{"kind": "RECOMMEND", "text": {"en": "?"}}]}, "/questions"),
        (
            {"questions": [{"kind": "CHOICE", "text": {"en": "?"}, "options": [{"en": "a"}]}]},
            "/questions/0/options",
        ),
        ({"reward": {"points": 1, "promotion": "x"}}, "/reward"),
        ({"reward": {"promotion": "nowhere"}}, "/reward/promotion"),
        ({"link_days": 0}, "/link_days"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_wrong_survey_is_refused_where_it_is_wrong(api, change, pointer):
    nps_survey()

    answer = api.post(SURVEYS, BODY | change)

    assert answer.status_code == 422
    assert [mistake["pointer"] for mistake in answer.json()["details"]] == [pointer]
    assert Survey.objects.count() == 1


def test_an_answer_of_a_till_is_taken_once_and_rewarded(api):
    promotion = coupons.promotion(coupon={"pattern": "THX-##########", "max_uses": 1}, at=NOON)
    nps_survey(reward_promotion=promotion)
    alice = CustomerFactory()
    body = {
        "customer": {"id": str(alice.public_id)},
        "answers": {"recommend": 9, "reason": "Quick"},
        "source_id": "7",
    }

    first, again = api.post(f"{SURVEYS}/nps/answers", body), api.post(f"{SURVEYS}/nps/answers", body)
    other = api.post(f"{SURVEYS}/nps/answers", body | {"answers": {"recommend": 1}, "source_id": "8"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    told = first.json()
    assert (told["survey"], told["customer"], told["score"]) == ("nps", str(alice.public_id), 9)
    assert (told["origin"], told["source_id"], told["comment"]) == ("API", "7", "Quick")
    assert told["reward"]["status"] == "GIVEN"
    assert told["reward"]["coupon"].startswith("THX-")
    assert (other.status_code, other.json()["key"]) == (409, "already_answered")
    listed = api.get(f"{SURVEYS}/nps/answers").json()["data"]
    assert [one["id"] for one in listed] == [told["id"]]


def test_nobodys_answer_is_taken_and_somebody_unknown_becomes_a_prospect(api):
    nps_survey()

    nobody = api.post(f"{SURVEYS}/nps/answers", {"answers": {"recommend": 4}, "customer": None})
    new = {"answers": {"recommend": 10}, "customer": {"email": "new@mail.example"}, "touchpoint": "till 4"}
    prospect = api.post(f"{SURVEYS}/nps/answers", new)

    assert (nobody.status_code, nobody.json()["customer"], nobody.json()["reward"]) == (201, None, None)
    assert prospect.json()["touchpoint"] == "till 4"
    assert Customer.objects.get(public_id=prospect.json()["customer"]).status == "PROSPECT"


@pytest.mark.parametrize(
    ("body", "status", "key", "pointer"),
    [
        ({"answers": {}}, 422, "invalid_input", "/answers"),
        ({"answers": {"recommend": 11}}, 422, "invalid_input", "/answers/recommend"),
        ({"answers": {"recommend": "9"}}, 422, "invalid_input", "/answers/recommend"),
        ({"answers": {"recommend": 10**30}}, 422, "invalid_input", "/answers/recommend"),
        ({"answers": {"recommend": 9, "x": 1}}, 422, "invalid_input", "/answers/x"),
        ({"answers": {"recommend": 9, "reason": {"a": 1}}}, 422, "invalid_input", "/answers/reason"),
        ({"answers": [9]}, 422, "invalid_input", "/answers"),
        ({"answers": {"recommend": 9}, "language": "fr"}, 422, "invalid_input", "/language"),
        ({"answers": {"recommend": 9}, "customer": {"id": "nobody"}}, 404, "not_found", ""),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(api, body, status, key, pointer):
    nps_survey()

    answer = api.post(f"{SURVEYS}/nps/answers", body)

    assert (answer.status_code, answer.json()["key"]) == (status, key)
    assert [mistake["pointer"] for mistake in answer.json()["details"]] == ([pointer] if pointer else [])
    assert not SurveyResponse.objects.exists()


def test_a_refused_answer_leaves_no_prospect_behind(api):
    nps_survey()
    body = {"customer": {"email": "new@mail.example"}, "answers": {"recommend": 11}}

    answer = api.post(f"{SURVEYS}/nps/answers", body)

    assert answer.status_code == 422
    assert not Customer.objects.exists()


def test_a_survey_that_cannot_be_opened_is_not_written_down_either(api):
    answer = api.post(SURVEYS, BODY | {"open": True, "closes_at": "2020-01-01T00:00:00Z"})

    assert answer.status_code in (409, 422)
    assert not Survey.objects.exists()


def test_a_text_that_no_database_takes_is_refused(api):
    nps_survey()

    answer = api.post(f"{SURVEYS}/nps/answers", {"answers": {"recommend": 9, "reason": "a\x00b"}})

    assert answer.status_code in (400, 422)
    assert not SurveyResponse.objects.exists()


def test_a_link_for_messages_of_another_system(api, client):
    survey, alice = nps_survey(), CustomerFactory(language="en")

    answer = api.post(f"{SURVEYS}/nps/links", {"customer": {"id": str(alice.public_id)}})

    assert answer.status_code == 201
    page = client.get(answer.json()["url"].removeprefix("http://127.0.0.1:8000"))
    assert page.status_code == 200
    assert api.post(f"{SURVEYS}/nps/close").json()["status"] == "CLOSED"
    closed = api.post(f"{SURVEYS}/nps/links", {"customer": {"id": str(alice.public_id)}})
    assert (closed.status_code, closed.json()["key"]) == (422, "survey_closed")
    assert api.post(f"{SURVEYS}/nps/open").json()["status"] == "OPEN"
    assert Survey.objects.get() == survey


def test_the_results_of_25_promoters_15_passives_and_10_detractors(api):
    survey = nps_survey()
    for score, count in ((10, 25), (7, 15), (0, 10)):
        for _ in range(count):
            answer_survey(survey, {"recommend": score}, customer=None, at=NOON)

    body = api.get(f"{SURVEYS}/nps/results?from=2026-11-01&to=2026-11-30").json()

    assert body["nps"] == {
        "score": 30, "low": 8.35, "high": 51.65,
        "answers": 50, "promoters": 25, "passives": 15, "detractors": 10,
    }  # fmt: skip
    assert body["questions"][0]["mean"] == 7.1
    assert body["questions"][0]["counts"][7] == {"value": 7, "count": 15}
    assert api.get(f"{SURVEYS}/nps/results?to=2026-11-20").json()["answers"] == 0


def test_the_results_of_a_segment(api):
    survey, alice = delivery_survey(), CustomerFactory()
    segment = Segment.objects.create(code="best", name="Best", kind="MANUAL")
    SegmentMembership.objects.create(segment=segment, customer=alice, entered_at=NOON)
    answer_survey(survey, {"speed": 5, "bought": ["food", "drinks"]}, customer=alice, at=NOON)
    answer_survey(survey, {"speed": 1}, customer=CustomerFactory(), at=NOON)

    body = api.get(f"{SURVEYS}/delivery/results?segment=best").json()

    assert (body["answers"], body["nps"]) == (1, None)
    bought = next(one for one in body["questions"] if one["code"] == "bought")
    assert (bought["answered"], [one["count"] for one in bought["counts"]]) == (1, [1, 1, 0])
    assert api.get(f"{SURVEYS}/delivery/results?segment=nowhere").status_code == 422
    assert api.get(f"{SURVEYS}/nowhere/results").status_code == 404


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("analytics:read", {("get", ""), ("get", "/nps"), ("get", "/nps/answers"), ("get", "/nps/results")}),
        ("analytics:run", {("post", ""), ("post", "/nps/open"), ("post", "/nps/close")}),
        ("events:write", {("post", "/nps/answers"), ("post", "/nps/links")}),
    ],
)
def test_each_call_needs_its_scope(scope, allowed):
    nps_survey()
    client = caller(ApiClientFactory(scopes=[scope]))
    calls = {("get", ""), ("get", "/nps"), ("get", "/nps/answers"), ("get", "/nps/results"), ("post", "")}
    calls |= {("post", f"/nps/{name}") for name in ("open", "close", "links", "answers")}

    answered = {
        (method, path): (client.get(SURVEYS + path) if method == "get" else client.post(SURVEYS + path, {}))
        for method, path in calls
    }

    assert {call for call, answer in answered.items() if answer.status_code != 403} == allowed
