"""Handing coupons out over the API, one or hundreds at a time, taking them back, and the story of a code."""

from datetime import timedelta

import pytest
from django.utils import timezone

from coupons.errors import CouponExpired
from coupons.models import Coupon, CouponAttempt, Publication
from coupons.services import forget_attempts, note_refusal, switch_off_coupon
from customers.models import Customer
from operations.models import ApiClient, JobRun
from operations.services import carry_out
from tests.coupons.factories import NOW, coupon, customer, promotion, spending, staff
from tests.coupons.test_api import order, post, wish

pytestmark = pytest.mark.django_db


@pytest.fixture
def running():
    return promotion(at=timezone.now())


def give(api, a_promotion, body, key=None):
    return post(api, f"promotions/{a_promotion.pk}/publications", body, key)


def who(person: Customer) -> dict:
    return {"id": str(person.public_id)}


# --- Many at once ---


def test_many_people_get_a_coupon_each_and_every_item_its_own_answer(api, running):
    anna, ben = customer(), customer()
    unknown = {"id": "01890000-0000-7000-8000-000000000000"}
    items = [
        {"customer": who(anna), "source_id": "1"},
        {"customer": who(ben), "source_id": "2"},
        {"customer": unknown, "source_id": "3"},
        {"customer": who(anna), "source_id": ""},
        {"customer": {"email": "new@mail.example"}, "source_id": "5"},
    ]

    results = give(api, running, {"items": items}).json()["results"]
    again = give(api, running, {"items": items[:2]}).json()["results"]

    assert [one["status"] for one in results] == [201, 201, 404, 422, 201]
    assert [one["status"] for one in again] == [200, 200]
    assert [one["id"] for one in again] == [one["id"] for one in results[:2]]
    holders = {p.external_id: p.coupon.holder for p in Publication.objects.select_related("coupon__holder")}
    assert (holders["1"], holders["2"]) == (anna, ben)
    assert set(holders) == {"1", "2", "5"}


def test_a_refused_publication_leaves_nothing_behind(api):
    draft = promotion(activate=False)

    answer = give(api, draft, {"customer": {"email": "new@mail.example"}, "source_id": "1"})

    assert (answer.status_code, answer.json()["key"]) == (422, "promotion_not_active")
    assert (Customer.objects.count(), Coupon.objects.count(), Publication.objects.count()) == (0, 0, 0)


def test_an_automatic_coupon_needs_somebody_to_hold_it(api, running):
    anna = customer()

    given = give(api, running, {"customer": who(anna), "source_id": "1", "automatic": True})
    refused = give(api, running, {"customer": None, "source_id": "2", "automatic": True})

    assert given.status_code == 201
    assert Coupon.objects.get().automatic
    assert (refused.status_code, refused.json()["details"][0]["pointer"]) == (422, "/automatic")


# --- Taken back ---


def test_a_coupon_is_taken_back_over_the_api_once(api, running):
    published = give(api, running, {"customer": who(customer()), "source_id": "1"}).json()

    first = post(api, f"publications/{published['id']}/withdraw", {"reason": "by mistake"})
    again = post(api, f"publications/{published['id']}/withdraw")
    story = api.get(f"/api/v1/coupons/{published['coupon']['code']}").json()["history"]

    assert (first.status_code, first.json()["status"], first.json()["coupon"]["status"]) == (
        200,
        "WITHDRAWN",
        "DISABLED",
    )
    assert again.json()["status"] == "WITHDRAWN"
    assert [one["kind"] for one in story] == ["withdrawn", "published", "made"]
    assert story[0]["facts"]["reason"] == "by mistake"
    assert post(api, "publications/999999/withdraw").status_code == 404


# --- The story of a code ---


def test_the_story_of_a_code_tells_what_was_tried_and_what_came_of_it(api, running):
    anna = customer()
    (made,) = post(api, f"promotions/{running.pk}/coupons", {"count": 1}).json()["coupons"]
    code = made["code"]
    switch_off_coupon(Coupon.objects.get(), reason="leaked?", by=staff(), at=timezone.now())
    post(api, "redemptions", wish(code, customer=who(anna), cart=order(10000, source_id="A-1")), "1")
    Coupon.objects.update(active=True)
    post(api, "validations", wish(code, reservation={"ttl_minutes": 5}, customer=who(anna)))
    stack = post(api, "redemptions", wish(code, customer=who(anna)), "2").json()
    post(api, f"redemptions/{stack['id']}/rollback", {"reason": "changed their mind"}, "3")

    story = api.get(f"/api/v1/coupons/{code.lower()}").json()["history"]

    told = {one["kind"]: one["facts"] for one in story}
    assert [one["kind"] for one in story] == [
        "rolled_back",
        "redeemed",
        "reserved",
        "refused",
        "switched_off",
        "made",
    ]
    assert (told["refused"]["key"], told["refused"]["customer"]) == ("coupon_disabled", str(anna.public_id))
    assert told["refused"]["order"] == f"client:{ApiClient.objects.get().prefix}:A-1"
    assert (told["redeemed"]["redemption"], told["redeemed"]["amount"]) == (stack["id"], 1000)
    assert told["rolled_back"]["reason"] == "changed their mind"
    assert told["switched_off"] == {"by": "agent", "reason": "leaked?"}


def test_a_refusal_is_noted_once_and_a_replay_notes_nothing(api, running):
    code = coupon(running, valid_until=timezone.now() - timedelta(days=1)).code

    for _number in range(3):
        assert post(api, "redemptions", wish(code), "same-key").json()["key"] == "coupon_expired"

    assert [one.refusal for one in CouponAttempt.objects.all()] == ["coupon_expired"]


def test_a_refusal_takes_the_same_statements_whether_the_code_exists_or_not(django_assert_num_queries):
    known, at = coupon(), timezone.now()

    for name, noted in ((known.code, 1), ("NO-SUCH-CODE", 0), ("\0", 0)):
        with django_assert_num_queries(4):  # The savepoint, the setting, the note.
            assert note_refusal(spending(name), CouponExpired(), at=at) == noted


def test_a_refused_prospect_who_never_came_to_be_is_left_out():
    known, ghost = coupon(), customer()
    wished = spending(known, who=ghost)
    ghost.delete()

    note_refusal(wished, CouponExpired(), at=NOW)

    assert CouponAttempt.objects.get().customer is None


def test_what_was_tried_is_forgotten_after_a_year():
    note_refusal(spending(coupon()), CouponExpired(), at=NOW)

    assert forget_attempts(at=NOW + timedelta(days=366)) == 0
    assert forget_attempts(at=NOW + timedelta(days=367)) == 1


# --- Codes made and drawn ---


def test_codes_have_their_own_pattern_dates_and_articles(api, running):
    starts = timezone.now() + timedelta(days=1)

    answer = post(
        api,
        f"promotions/{running.pk}/coupons",
        {
            "count": 2,
            "pattern": "P-%%%%%%%%%%%%%%%%*",
            "valid_from": starts.isoformat(),
            "items": {"skus": ["TSHIRT-1"]},
        },
    )

    assert answer.status_code == 201
    made = Coupon.objects.first()
    assert (made.code[:2], len(made.code), made.code[2:].isdigit()) == ("P-", 19, True)
    assert (made.valid_from, made.items) == (starts, {"skus": ["TSHIRT-1"]})


def test_a_pattern_that_could_be_guessed_is_refused(api, running):
    answer = post(api, f"promotions/{running.pk}/coupons", {"count": 2, "pattern": "WIN-####"})

    assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (422, "/pattern")
    assert Coupon.objects.count() == 0


def test_thousands_of_codes_of_ones_own_are_a_job_that_says_how_many_it_made(
    api, running, settings, tmp_path
):
    settings.MEDIA_ROOT = tmp_path
    codes = [f"PARTNER-{number}" for number in range(1_001)]

    answer = post(api, f"promotions/{running.pk}/coupons", {"codes": codes, "max_uses": 3})

    assert answer.status_code == 202
    carry_out(JobRun.objects.get(pk=answer.json()["job"]))
    job = api.get(f"/api/v1/jobs/{answer.json()['job']}").json()
    assert (job["status"], job["result"]) == ("DONE", {"issued": 1001, "unchanged": 0, "rejected": 0})
    assert Coupon.objects.filter(max_uses=3).count() == 1001


def test_a_code_is_drawn_as_bars_where_bars_can_hold_it(api, running):
    coupon(running, codes=["4006381333931", "È-BUONO", "WIN-2345"])

    ean = api.get("/api/v1/coupons/4006381333931/barcode.svg")
    other = api.get("/api/v1/coupons/win-2345/barcode.svg")
    accented = api.get("/api/v1/coupons/È-BUONO/barcode.svg")

    assert (ean.status_code, ean["Content-Type"]) == (200, "image/svg+xml")
    assert b"4006381333931" in ean.content.replace(b" ", b"")
    assert b"WIN-2345" in other.content
    assert (accented.status_code, accented.json()["key"]) == (422, "no_barcode")
