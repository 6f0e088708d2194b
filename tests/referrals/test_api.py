from datetime import timedelta
from urllib.parse import urlencode

import pytest

from coupons.models import Promotion, Publication
from customers.models import Customer
from customers.services import dispatch_events
from referrals.models import Referral, ReferralCode, ReferralProgramme
from tests.api import caller
from tests.campaigns.factories import segment_of
from tests.coupons.factories import promotion
from tests.factories import NOON, ApiClientFactory, CustomerFactory, StoreFactory
from tests.loyalty.factories import make_reward
from tests.referrals.factories import refer

pytestmark = pytest.mark.django_db


@pytest.fixture
def programme(api):
    for code in ("for-inviting", "for-coming"):
        promotion(code=code)
    body = {
        "code": "friends",
        "name": "Bring a friend",
        "referrer_reward": {"promotion": "for-inviting"},
        "referee_reward": {"promotion": "for-coming"},
        "conversion": {"minimum_amount": 2000},
    }
    made = api.post("/api/v1/referral-programmes", body)
    assert made.status_code == 201
    return made.json()


def invite(api, customer):
    body = {"customer": {"id": str(customer.public_id)}, "channel": "email"}
    return api.post("/api/v1/referral-programmes/friends/invitations", body)


def order(**fields):
    return {
        "source": "shop",
        "source_id": "first",
        "customer": {"email": "friend@mail.example"},
        "ordered_at": "2026-11-21T15:00:00+01:00",
        "currency": "EUR",
        "lines": [{"line_id": "1", "sku": "A", "quantity": "1", "unit_price": 3000, "tax_rate": "22"}],
    } | fields


def test_a_friend_is_invited_comes_buys_and_both_are_rewarded(api, programme):
    alice = CustomerFactory(email="alice@mail.example")

    invitation = invite(api, alice)
    come = {"code": invitation.json()["code"], "referee": {"email": "friend@mail.example"}}
    came = api.post("/api/v1/referrals", come)
    bought = api.post("/api/v1/orders", order())
    dispatch_events()

    assert invitation.status_code == 201
    assert invitation.json()["url"].endswith(invitation.json()["code"])
    assert (came.status_code, came.json()["status"]) == (201, "PENDING")
    assert bought.status_code == 201
    referral = api.get(f"/api/v1/referrals/{came.json()['id']}").json()
    assert (referral["status"], referral["order"]) == ("REWARDED", bought.json()["id"])
    assert [reward["side"] for reward in referral["rewards"]] == ["REFERRER", "REFEREE"]
    assert all(reward["coupon"] for reward in referral["rewards"])
    assert api.get("/api/v1/referrals").json()["data"] == [referral]
    (leader,) = api.get("/api/v1/referral-programmes/friends/leaderboard").json()["data"]
    assert (leader["rank"], leader["customer"], leader["qualified"]) == (1, str(alice.public_id), 1)
    report = api.get("/api/v1/referral-programmes/friends/report").json()
    assert (report["invitations"], report["registered"], report["rewarded"]) == (1, 1, 1)
    assert (report["k"], report["ltv_amount"], report["roi"]) == (1.0, 3000, None)


def test_the_programme_is_answered_as_it_was_made(api, programme):
    assert programme["referrer_reward"] == {"promotion": "for-inviting"}
    assert programme["conversion"] == {"minimum_amount": 2000, "after_days": 0, "items": {}}
    assert api.get("/api/v1/referral-programmes/friends").json() == programme
    assert api.get(f"/api/v1/referral-programmes/{programme['id']}").json() == programme
    assert api.get("/api/v1/referral-programmes").json()["data"] == [programme]


def test_a_self_referral_is_refused_and_leaves_no_trace(api, programme):
    alice = CustomerFactory(email="alice.b@gmail.com")
    code = invite(api, alice).json()["code"]

    refused = api.post("/api/v1/referrals", {"code": code, "referee": {"email": "aliceb+me@gmail.com"}})

    assert (refused.status_code, refused.json()["key"]) == (422, "self_referral")
    assert (Referral.objects.count(), Customer.objects.count()) == (0, 1)


def test_the_same_friend_again_is_the_same_referral(api, programme):
    code = invite(api, CustomerFactory()).json()["code"]
    body = {"code": code.lower(), "referee": {"email": "friend@mail.example", "phone": "347 123 4567"}}

    first, second = api.post("/api/v1/referrals", body), api.post("/api/v1/referrals", body)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()


def test_a_stop_is_one_call_and_ends_it(api, programme):
    code = invite(api, CustomerFactory()).json()["code"]

    stopped = api.post("/api/v1/referral-programmes/friends/stop", {"reason": "enough"}).json()
    refused = api.post("/api/v1/referrals", {"code": code, "referee": {"email": "f@mail.example"}})

    assert (stopped["active"], stopped["stop_reason"]) == (False, "enough")
    assert (refused.status_code, refused.json()["key"]) == (422, "programme_stopped")
    assert Publication.objects.count() == 0
    assert api.post("/api/v1/referral-programmes/friends/resume").json()["active"] is True


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"referrer_reward": {}}, "/referrer_reward"),
        ({"referrer_reward": {"promotion": "for-coming", "points": 5}}, "/referrer_reward"),
        ({"referee_reward": {"promotion": "nothing"}}, "/referee_reward/promotion"),
        ({"referee_reward": {"points": -5}}, "/referee_reward/points"),
        ({"conversion": {"minimum_amount": -1}}, "/conversion/minimum_amount"),
        ({"landing_url": "https://shop.example"}, "/landing_url"),
        ({"code": "two words"}, "/code"),
        ({"speling": 1}, "/speling"),
    ],
)
def test_a_malformed_programme_is_refused_with_its_place(api, programme, fields, pointer):
    body = {
        "code": "second",
        "name": "Second",
        "referrer_reward": {"points": 5},
        "referee_reward": {"points": 5},
    }

    refused = api.post("/api/v1/referral-programmes", body | fields)

    assert refused.status_code == 422
    assert pointer in [detail["pointer"] for detail in refused.json()["details"]]
    assert len(api.get("/api/v1/referral-programmes").json()["data"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"code": "X"},
        {"code": "X", "referee": {}},
        {"code": "X", "referee": {"email": "a@b.example", "id": "1"}},
        {"code": "X", "referee": None},
        [],
    ],
)
def test_a_malformed_referral_is_refused(api, body):
    assert api.post("/api/v1/referrals", body).status_code == 422


def test_unknown_codes_programmes_and_customers_are_not_found(api, programme):
    friend = {"email": "friend@mail.example"}

    assert api.post("/api/v1/referrals", {"code": "NOTHING2", "referee": friend}).status_code == 404
    assert api.get("/api/v1/referral-programmes/none/report").status_code == 404
    nobody = {"customer": {"email": "nobody@mail.example"}}
    answer = api.post("/api/v1/referral-programmes/friends/invitations", nobody)
    assert answer.status_code == 404


def test_referrals_take_their_scope(programme):
    stranger = caller(ApiClientFactory(scopes=["loyalty:write"]))

    assert stranger.get("/api/v1/referrals").status_code == 403


def test_a_programme_with_everything_is_answered_as_it_was_made(api, programme):
    bag = make_reward(code="bag", stock=5)
    body = {
        "code": "all",
        "name": "All of it",
        "segment": segment_of([CustomerFactory()]).code,
        "referrer_reward": {"cash_amount": 1000},
        "referee_reward": {"reward": bag.code},
        "variants": [
            {
                "name": "More",
                "share_percent": 50,
                "referrer_reward": {"cash_amount": 1500},
                "referee_reward": {"points": 100},
            }
        ],
        "steps": [{"friends": 3, "reward": "bag"}],
        "conversion": {"minimum_amount": 2500, "after_days": 14, "items": {"categories": ["Shoes"]}},
        "take_back": False,
        "maximum_per_referrer": None,
        "maximum_per_month": 5,
        "maximum_total": 100,
        "review": {"from_score": 70, "velocity_per_day": 5},
        "planned": {"ltv_amount": 8000, "reward_amount": 1000, "k": "0.5"},
    }

    made = api.post("/api/v1/referral-programmes", body).json()

    assert made["planned"].pop("k") == 0.5
    body["planned"].pop("k")
    assert {name: made[name] for name in body} == body
    assert api.get("/api/v1/referral-programmes/all").json()["steps"] == body["steps"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"referee_reward": {"cash_amount": 5}}, "/referee_reward/cash_amount"),
        ({"referrer_reward": {"reward": "nothing"}}, "/referrer_reward/reward"),
        ({"segment": "nobody"}, "/segment"),
        ({"steps": [{"friends": 0, "reward": "x"}]}, "/steps/0/friends"),
        ({"maximum_total": 0}, "/maximum_total"),
        ({"review": {"from_score": 101}}, "/review/from_score"),
        ({"conversion": {"items": {"skus": "SHOES"}}}, "/conversion/items/skus"),
        (
            {
                "variants": [
                    {
                        "name": name,
                        "share_percent": 60,
                        "referrer_reward": {"points": 1},
                        "referee_reward": {"points": 1},
                    }
                    for name in ("A", "B")
                ]
            },
            "/variants",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(api, programme, fields, pointer):
    body = {"code": "new", "name": "New", "referrer_reward": {"points": 5}, "referee_reward": {"points": 5}}

    refused = api.post("/api/v1/referral-programmes", body | fields)

    assert refused.status_code == 422
    assert pointer in [detail["pointer"] for detail in refused.json()["details"]]


def test_who_is_not_in_the_segment_may_not_invite_and_who_has_a_code_keeps_it(api, programme):
    member, stranger = CustomerFactory(), CustomerFactory()
    segment = segment_of([member])
    ReferralProgramme.objects.update(segment=segment)

    refused = invite(api, stranger)
    code = invite(api, member).json()["code"]
    segment.memberships.update(left_at=NOON)

    assert (refused.status_code, refused.json()["key"]) == (422, "may_not_refer")
    assert invite(api, member).json()["code"] == code


def test_an_invitation_brings_ready_words_for_each_channel(api, programme):
    alice = CustomerFactory(first_name="Giulia", language="it")
    path = "/api/v1/referral-programmes/friends/copies"
    words = {"channel": "whatsapp", "language": "it", "text": "Ciao da {name}: {reward} con {code}, {link}"}
    assert api.put(path, words).status_code == 200

    shares = {share["channel"]: share for share in invite(api, alice).json()["shares"]}

    code = ReferralCode.objects.get()
    link = f"{code.url}?via=whatsapp"
    gets = Promotion.objects.get(code="for-coming").name
    assert shares["whatsapp"]["text"] == f"Ciao da Giulia: {gets} con {code.code}, {link}"
    assert shares["whatsapp"]["url"].startswith("https://wa.me/?text=Ciao%20da%20Giulia%3A%20")
    assert shares["email"]["url"].startswith("mailto:?subject=")
    assert {"telegram", "facebook", "x", "sms", "link", "qr"} < set(shares)
    # Without a text the built-in words are back.
    api.put(path, words | {"text": ""})
    assert "Ciao da" not in str(invite(api, alice).json()["shares"])


@pytest.mark.parametrize(
    ("words", "pointer"),
    [
        ({"text": "Come, {link} {price}"}, "/text"),
        ({"text": "Come"}, "/text"),
        ({"channel": "sms", "text": "{link}" + "x" * 640}, "/text"),
        ({"channel": "pigeon", "text": "{link}"}, "/channel"),
        ({"language": "xx", "text": "{link}"}, "/language"),
    ],
)
def test_words_nobody_can_fill_in_are_refused(api, programme, words, pointer):
    given = {"channel": "link", "language": "it"} | words

    refused = api.put("/api/v1/referral-programmes/friends/copies", given)

    assert (refused.status_code, refused.json()["details"][0]["pointer"]) == (422, pointer)


def test_cards_told_by_the_shop_hold_a_referral(api, programme):
    alice = CustomerFactory()
    code = invite(api, alice).json()["code"]
    seen = {"customer": {"id": str(alice.public_id)}, "fingerprints": {"payment": "card-1"}}
    assert api.post("/api/v1/fingerprints", seen).json() == {"new": 1}
    assert api.post("/api/v1/fingerprints", seen).json() == {"new": 0}

    came = api.post(
        "/api/v1/referrals",
        {
            "code": code,
            "referee": {"email": "friend@mail.example"},
            "fingerprints": {"payment": "card-1"},
            "store": StoreFactory(code="duomo").code,
        },
    ).json()

    assert (came["status"], came["review"], came["store"]) == ("PENDING", "WAITING", "duomo")
    report = api.get("/api/v1/referral-programmes/friends/report").json()
    assert (report["in_review"], report["months"], report["variants"]) == (1, [], [])


def test_the_code_of_an_invitation_may_hold_anything(client, programme):
    assert client.get("/r/%00%FFnothing").status_code == 404


def test_a_programme_is_changed_where_it_is_named_and_stays_elsewhere(api, programme):
    body = {
        "name": "Bring two friends",
        "referrer_reward": {"points": 300},
        "conversion": {"after_days": 14},
        "maximum_per_month": 5,
        "variants": [
            {
                "name": "more",
                "share_percent": 50,
                "referrer_reward": {"points": 600},
                "referee_reward": {"points": 100},
            }
        ],
    }

    changed = api.patch("/api/v1/referral-programmes/friends", body)
    emptied = api.patch("/api/v1/referral-programmes/friends", {"maximum_per_month": None})

    assert changed.status_code == 200
    assert changed.json() == programme | {
        "name": "Bring two friends",
        "referrer_reward": {"points": 300},
        "conversion": programme["conversion"] | {"minimum_amount": 2000, "after_days": 14},
        "maximum_per_month": 5,
        "variants": body["variants"],
    }
    assert emptied.json() == changed.json() | {"maximum_per_month": None}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"code": "other"}, "/code"),
        ({"referrer_reward": {}}, "/referrer_reward"),
        ({"referee_reward": {"cash_amount": 100}}, "/referee_reward/cash_amount"),
        ({"variants": [{"name": "half"}]}, "/variants/0/share_percent"),
        ({"steps": [{"friends": 3}]}, "/steps/0/reward"),
        ({"landing_url": "https://shop.example/"}, "/landing_url"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_and_changes_nothing(api, programme, body, pointer):
    refused = api.patch("/api/v1/referral-programmes/friends", {"name": "New"} | body)

    assert refused.status_code == 422
    assert pointer in [detail["pointer"] for detail in refused.json()["details"]]
    assert api.get("/api/v1/referral-programmes/friends").json() == programme


def test_referrals_are_asked_for_by_status_person_code_and_time(api, programme):
    friends = ReferralProgramme.objects.get()
    alice = CustomerFactory()
    first = refer(friends, referrer=alice)
    second = refer(friends, referrer=alice)
    third = refer(friends)
    Referral.objects.filter(pk=second.pk).update(status="REJECTED", registered_at=NOON + timedelta(days=1))

    def asked(**query):
        found = api.get("/api/v1/referrals?" + urlencode(query)).json()
        return [int(row["id"]) for row in found["data"]]

    assert asked(referrer=alice.public_id) == [second.pk, first.pk]
    assert asked(referrer=alice.public_id, status="PENDING") == [first.pk]
    assert asked(code=third.code.code.lower()) == [third.pk]
    assert asked(since=(NOON + timedelta(days=1)).isoformat()) == [second.pk]
    assert asked(until=(NOON + timedelta(days=1)).isoformat()) == [third.pk, first.pk]
    page = api.get("/api/v1/referrals?limit=2").json()
    assert [int(row["id"]) for row in page["data"]] == [third.pk, second.pk]
    assert asked(limit=2, cursor=page["next"]) == [first.pk]


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("status=GONE", 422, "/status"),
        ("since=yesterday", 422, "/since"),
        ("until=2026-11-21T15:00:00", 422, "/until"),
        ("cursor=none", 422, "/cursor"),
        ("referrer=nobody", 404, None),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(api, query, status, pointer):
    refused = api.get(f"/api/v1/referrals?{query}")

    assert refused.status_code == status
    assert [detail["pointer"] for detail in refused.json()["details"]] == ([pointer] if pointer else [])
