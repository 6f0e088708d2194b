from datetime import timedelta

import pytest
from django.utils import timezone

from customers.services import merge_customers, undo_merge
from loyalty.models import BadgeAward, Challenge, Draw, DrawPlay
from loyalty.services.challenge_progress import count_order
from tests.api import caller
from tests.factories import NOON, ApiClientFactory, CustomerFactory, OrderFactory
from tests.loyalty.factories import make_reward
from tests.loyalty.games import make_challenge

pytestmark = pytest.mark.django_db
KEY = {"HTTP_IDEMPOTENCY_KEY": "one"}


def named(customer):
    return {"customer": {"id": str(customer.public_id)}}


def contest(**fields):
    now = timezone.now()
    usual = {
        "code": "spring",
        "name": "Spring",
        "title": {"en": "Spring draw"},
        "regulation": {"en": "Who enters may win."},
        "opens_at": (now - timedelta(hours=1)).isoformat(),
        "closes_at": (now + timedelta(days=7)).isoformat(),
        "prizes": [{"reward": make_reward(code="bag").code, "quantity": 2}],
        "open": True,
    }
    return usual | fields


def test_a_contest_is_set_up_entered_closed_and_drawn(api):
    made = api.post("/api/v1/draws", contest())
    people = CustomerFactory.create_batch(3)
    entered = [
        api.post("/api/v1/draws/spring/entries", named(one) | {"entries": 2, "source_id": "defect-1"})
        for one in (*people, people[0])
    ]
    early = api.post("/api/v1/draws/spring/close", {})
    Draw.objects.update(closes_at=timezone.now() - timedelta(seconds=1))
    closed = api.post("/api/v1/draws/spring/close", {})
    drawn = api.post("/api/v1/draws/spring/winners", {})

    assert (made.status_code, made.json()["status"], made.json()["seed"]) == (201, "OPEN", None)
    assert len(made.json()["commitment"]) == 64
    assert [one.json()["total"] for one in entered] == [2, 2, 2, 2]
    assert (early.status_code, early.json()["key"]) == (422, "contest_still_open")
    assert (closed.json()["lines_count"], closed.json()["entries_count"]) == (3, 6)
    assert [one["status"] for one in drawn.json()["data"]] == ["WON", "WON"]
    assert api.get("/api/v1/draws/spring/winners").json() == drawn.json()
    assert len(api.get("/api/v1/draws/spring").json()["seed"]) == 64


def test_a_cause_enters_once_also_after_two_records_became_one_person_and_parted_again(api):
    api.post("/api/v1/draws", contest())
    anna, ann = CustomerFactory.create_batch(2)

    def enter(person):
        body = named(person) | {"entries": 2, "source_id": "defect-1"}
        return api.post("/api/v1/draws/spring/entries", body).json()["total"]

    enter(ann)
    merge = merge_customers(anna, [ann], reason="one", at=timezone.now())
    together = enter(anna)
    undo_merge(merge, at=timezone.now())

    assert (together, enter(ann), enter(anna)) == (2, 2, 2)


def test_an_instant_win_is_played_once_for_each_key(api):
    prizes = [{"reward": make_reward("POINTS", code="fifty").code, "probability": "1"}]
    api.post("/api/v1/draws", contest(kind="INSTANT_WIN", prizes=prizes))
    alice = CustomerFactory()

    first = api.post("/api/v1/draws/spring/plays", named(alice), **KEY)
    again = api.post("/api/v1/draws/spring/plays", named(alice), **KEY)
    without = api.post("/api/v1/draws/spring/plays", named(alice))

    assert (first.status_code, first.json()["won"], first.json()["prize"]) == (201, True, "fifty")
    assert again.content == first.content
    assert without.status_code == 400
    assert DrawPlay.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"prizes": [{"reward": "none", "quantity": 1}]}, "/prizes/0/reward"),
        ({"kind": "INSTANT_WIN", "prizes": [{"probability": "0.5"}]}, "/prizes"),
        ({"title": {"fr": "Non"}}, "/title"),
        ({"colour": "red"}, "/colour"),
        ({"closes_at": "2020-01-01T00:00:00Z"}, "/closes_at"),
    ],
)
def test_a_contest_that_is_wrong_is_refused_at_its_place(api, fields, pointer):
    answer = api.post("/api/v1/draws", contest(**fields))

    assert answer.status_code == 422
    assert answer.json()["details"][0]["pointer"].startswith(pointer)
    assert Draw.objects.count() == 0


def test_challenges_are_shown_with_the_progress_of_who_asks(api):
    body = {"code": "three", "name": "Three", "title": {"en": "Three orders"}, "target": 3, "start": True}
    made = api.post("/api/v1/challenges", body)
    alice = CustomerFactory()
    count_order(OrderFactory(customer=alice), at=NOON)

    seen = api.get(f"/api/v1/challenges?customer={alice.public_id}").json()["data"]

    assert (made.status_code, made.json()["status"], made.json()["progress"]) == (201, "ACTIVE", None)
    assert seen[0]["progress"]["value"] == 1
    assert seen[0]["progress"]["missing"] == 2
    assert api.post("/api/v1/challenges", body).status_code == 409
    assert api.post("/api/v1/challenges/three/stop", {}).json()["status"] == "STOPPED"
    assert api.get("/api/v1/challenges/none").status_code == 404


def test_a_person_joins_and_leaves_a_challenge(api):
    make_challenge(joining=Challenge.Joining.OPT_IN)
    alice = CustomerFactory()
    url = "/api/v1/challenges/three-orders/participants"

    joined = api.post(url, named(alice))
    left = api.delete(url, named(alice))

    assert (joined.status_code, joined.json()["progress"]["joined"]) == (201, True)
    assert left.json()["progress"]["joined"] is False


def test_badges_are_made_given_and_shown(api):
    body = {"code": "tester", "name": "Tester", "title": {"en": "Product tester"}}
    alice = CustomerFactory()

    made = api.post("/api/v1/badges", body)
    given = api.post("/api/v1/badges/tester/awards", named(alice) | {"reason": "Ten reports"})
    seen = api.get(f"/api/v1/badges?customer={alice.public_id}").json()["data"]

    assert (made.status_code, given.status_code) == (201, 201)
    assert seen[0]["earned_at"] is not None
    assert BadgeAward.objects.get().reason == "Ten reports"


def test_a_leaderboard_shows_names_that_people_chose_and_nobody_else(api):
    from loyalty.services.leaderboards import BoardTerms, count_leaderboards, create_leaderboard

    create_leaderboard("top", terms=BoardTerms(name="Top", title={"en": "Top"}, metric="ORDERS"))
    alice = CustomerFactory()
    OrderFactory(customer=alice)
    api.post("/api/v1/leaderboards/top/members", named(alice) | {"nickname": "Luna"})
    count_leaderboards(at=timezone.now())

    seen = api.get(f"/api/v1/leaderboards/top?customer={alice.public_id}")
    out = api.delete("/api/v1/leaderboards/top/members", named(alice))

    assert seen.json()["places"] == [{"rank": 1, "nickname": "Luna", "score": 1}]
    assert seen.json()["own"]["rank"] == 1
    assert str(alice.public_id) not in seen.content.decode()
    assert (out.json()["places"], out.json()["own"]) == ([], None)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("get", "/api/v1/draws", "loyalty:write"),
        ("post", "/api/v1/draws", "loyalty:read"),
        ("post", "/api/v1/draws/x/plays", "loyalty:read"),
        ("post", "/api/v1/challenges/x/participants", "loyalty:read"),
        ("post", "/api/v1/badges/x/awards", "loyalty:read"),
        ("post", "/api/v1/leaderboards/x/members", "loyalty:read"),
    ],
)
def test_each_call_needs_its_scope(method, path, scope):
    client = caller(ApiClientFactory(scopes=[scope]))

    answer = getattr(client, method)(path, *([{}] if method == "post" else []))

    assert (answer.status_code, answer.json()["key"]) == (403, "missing_scope")
