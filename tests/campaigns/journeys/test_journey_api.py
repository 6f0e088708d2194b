"""Journeys over the API: made, read back, started and counted."""

import pytest

from campaigns.models import Campaign
from campaigns.services import move_journeys, tend_runs
from tests.api import caller
from tests.campaigns.factories import NEWS, segment_of, subscriber
from tests.factories import ApiClientFactory

CAMPAIGNS = "/api/v1/campaigns"
STEPS = [
    {"id": "hello", "kind": "MESSAGE"},
    {"id": "wait", "kind": "WAIT", "amount": 2, "unit": "DAYS"},
    {"id": "again", "kind": "MESSAGE"},
]
GOAL = {"event": {"type": "order.recorded"}}


@pytest.fixture
def api(db):
    return caller(ApiClientFactory())


def body(**fields):
    contents = [{"step": step, "subject": step, "body": NEWS} for step in ("hello", "again")]
    return {
        "code": "way",
        "segment": "everybody",
        "contents": contents,
        "steps": STEPS,
        "goal": GOAL,
    } | fields


def test_a_journey_is_made_started_and_counted(api, now):
    segment_of([subscriber("a@mail.example"), subscriber("b@mail.example")])

    made = api.post(CAMPAIGNS, body())
    started = api.post(f"{CAMPAIGNS}/way/start")
    tend_runs(at=now.replace(year=now.year + 1))
    move_journeys(at=now.replace(year=now.year + 1))
    told = api.get(f"{CAMPAIGNS}/way/journey").json()

    assert (made.status_code, made.json()["steps"], made.json()["goal"]) == (201, STEPS, GOAL)
    assert started.json()["status"] == "RUNNING"
    assert told == {
        "campaign": "way",
        "version": 1,
        "goal": GOAL,
        "states": {"ON_THE_WAY": 2, "REACHED": 0, "FINISHED": 0, "CLOSED": 0},
        "steps": [
            {
                "id": "hello", "kind": "MESSAGE", "name": "Message", "here": 0, "reached_goal": 0,
                "ways": [{"way": "next", "to": "wait", "people": 2}],
            },
            {
                "id": "wait", "kind": "WAIT", "name": "Wait 2 days", "here": 2, "reached_goal": 0,
                "ways": [{"way": "next", "to": "again", "people": 0}],
            },
            {
                "id": "again", "kind": "MESSAGE", "name": "Message", "here": 0, "reached_goal": 0,
                "ways": [{"way": "next", "to": "END", "people": 0}],
            },
        ],
        "earlier_versions": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"steps": [*STEPS, {"id": "hello", "kind": "EXIT"}]}, "/steps/3/id"),
        ({"steps": [{"id": "hello", "kind": "MESAGE"}]}, "/steps/0/kind"),
        ({"goal": {"segment": "nobody"}}, "/goal/segment"),
        ({"steps": "hello"}, "/steps"),
        ({"steps": [7]}, "/steps/0"),
        ({"goal": "x"}, "/goal"),
        ({"steps": []}, "/goal"),
    ],
)
def test_a_mistake_is_told_with_its_place(api, now, fields, pointer):
    segment_of([])

    refused = api.post(CAMPAIGNS, body(**fields))

    assert refused.status_code == 422
    assert pointer in [one["pointer"] for one in refused.json()["details"]]
    assert not Campaign.objects.exists()


def test_a_campaign_without_steps_has_no_journey(api, now):
    segment_of([])
    contents = [{"subject": "a", "body": NEWS}]
    api.post(CAMPAIGNS, body(steps=[], goal={}, contents=contents))

    assert api.get(f"{CAMPAIGNS}/way").json()["steps"] == []
    assert api.get(f"{CAMPAIGNS}/way/journey").status_code == 404


def test_a_recipe_tells_its_steps(api):
    recipes = {one["code"]: one for one in api.get("/api/v1/campaign-recipes").json()["data"]}

    assert [step["kind"] for step in recipes["abandoned-cart-series"]["steps"]] == [
        "WAIT", "MESSAGE", "WAIT", "MESSAGE",
    ]  # fmt: skip
    assert recipes["birthday"]["steps"] == []
