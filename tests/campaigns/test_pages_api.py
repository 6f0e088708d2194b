"""Placements and landing pages over the API."""

import pytest

from campaigns.models import LandingPage, Placement
from coupons.models import Promotion
from tests.api import caller
from tests.campaigns.factories import draft, offer, segment_of, subscriber
from tests.factories import ApiClientFactory

API = "/api/v1"


@pytest.fixture
def api(db):
    return caller(ApiClientFactory())


def test_a_placement_is_made_shown_held_and_ended(api, now):
    segment_of([subscriber("anna@mail.example")])
    offer(now)
    body = {
        "code": "autumn", "slot": "popup", "segment": "everybody", "promotion": "ten", "most_showings": 3,
        "contents": [{"body": "<p>{{ coupon.code }}</p>", "title": "Autunno", "language": "it"}],
        "activate": True,
    }  # fmt: skip

    made = api.post(f"{API}/placements", body)
    seen = api.post(f"{API}/placements/popup/render", {"customer": {"email": "anna@mail.example"}}).json()
    held = api.post(f"{API}/placements/autumn/pause").json()["status"]
    empty = api.post(f"{API}/placements/popup/render", {"customer": {"email": "anna@mail.example"}})
    ended = api.post(f"{API}/placements/autumn/stop").json()["status"]
    back = api.post(f"{API}/placements/autumn/activate")

    assert (made.status_code, made.json()["status"], made.json()["segment"]) == (201, "ACTIVE", "everybody")
    assert made.json()["contents"] == [
        {"language": "it", "title": "Autunno", "body": "<p>{{ coupon.code }}</p>"}
    ]
    assert seen["coupon"]["code"] in seen["html"]
    assert (held, ended, back.status_code) == ("PAUSED", "STOPPED", 409)
    assert empty.status_code == 204 or empty.json().get("placement") is None
    assert api.get(f"{API}/placements/autumn").json()["status"] == "STOPPED"
    assert [one["code"] for one in api.get(f"{API}/placements").json()["data"]] == ["autumn"]
    assert api.post(f"{API}/placements", body).status_code == 409


def test_a_landing_page_is_made_opened_and_closed(api, now):
    draft(segment_of([]), now, code="season")
    offer(now)
    body = {
        "code": "summer", "promotion": "ten", "campaign": "season", "title": {"it": "Estate", "en": "Summer"},
        "first_count": 5, "countries": ["IT", "CH"], "open": True,
    }  # fmt: skip

    made = api.post(f"{API}/landing-pages", body)
    closed = api.post(f"{API}/landing-pages/summer/close").json()
    opened = api.post(f"{API}/landing-pages/summer/open").json()

    told = made.json()
    assert (made.status_code, told["status"], told["left"], told["countries"]) == (
        201,
        "OPEN",
        5,
        ["IT", "CH"],
    )
    assert (told["url"], told["campaign"]) == ("http://127.0.0.1:8000/o/summer", "season")
    assert (closed["status"], opened["status"]) == ("CLOSED", "OPEN")
    assert api.get(f"{API}/landing-pages/summer").json()["title"] == {"it": "Estate", "en": "Summer"}
    assert [one["code"] for one in api.get(f"{API}/landing-pages").json()["data"]] == ["summer"]


@pytest.mark.parametrize(
    ("path", "fields", "pointer"),
    [
        ("placements", {"contents": []}, "/contents"),
        ("placements", {"contents": [{"body": "{{ nobody }}"}]}, "/contents/0/body"),
        ("placements", {"segment": "nobody"}, "/segment"),
        ("placements", {"slot": "a b"}, "/slot"),
        ("placements", {"ends_at": "2020-01-01T00:00:00Z", "starts_at": "2021-01-01T00:00:00Z"}, "/ends_at"),
        ("placements", {"most_showings": 0}, "/most_showings"),
        ("landing-pages", {"title": {}}, "/title"),
        ("landing-pages", {"title": {"fr": "Été"}}, "/title/fr"),
        ("landing-pages", {"title": "Summer"}, "/title"),
        ("landing-pages", {"promotion": "nobody"}, "/promotion"),
        ("landing-pages", {"countries": ["it"]}, "/countries/0"),
        ("landing-pages", {"first_cuont": 7}, "/first_cuont"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_nothing_is_made(api, now, path, fields, pointer):
    offer(now)
    bodies = {
        "placements": {"code": "autumn", "slot": "popup", "contents": [{"body": "<p>Ciao</p>"}]},
        "landing-pages": {"code": "summer", "promotion": "ten", "title": {"en": "Summer"}},
    }

    refused = api.post(f"{API}/{path}", bodies[path] | fields)

    assert refused.status_code == 422
    assert pointer in [one["pointer"] for one in refused.json()["details"]]
    assert not Placement.objects.exists() and not LandingPage.objects.exists()
    assert Promotion.objects.count() == 1
