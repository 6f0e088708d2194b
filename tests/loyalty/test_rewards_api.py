"""The catalogue and its redemption over the API."""

import pytest
from django.db import connection
from django.utils import timezone

from coupons.services import ledger
from customers.models import Segment, Trait
from customers.services import merge_customers
from loyalty.models import Reward, RewardGrant
from loyalty.services import add_partner_codes, edit_reward, points_of, redeem_reward, take_back_grant
from operations.errors import InvalidInput
from operations.models import IdempotencyKey
from operations.services import check_invariants
from tests.api import caller
from tests.factories import NOON, ApiClientFactory, ProductFactory
from tests.loyalty.factories import make_reward, with_points

pytestmark = pytest.mark.django_db
URL = "/api/v1/rewards"


@pytest.fixture
def api():
    return caller(ApiClientFactory())


def redeem(api, code, customer, key="a key"):
    body = {"customer": {"id": str(customer.public_id)}}
    return api.post(f"{URL}/{code}/redeem", body, headers={"Idempotency-Key": key})


def balance(customer):
    return points_of(customer, at=timezone.now()).balance


def test_a_reward_is_written_down_and_changed(api):
    ProductFactory(sku="MUG", name="Mug")
    made = api.post(URL, {"code": "mug", "name": "A mug", "points": 250, "stock": 10, "sku": "MUG"})
    changed = api.patch(f"{URL}/mug", {"points": 300, "traits": {"brands": ["Aria"]}})

    assert made.status_code == 201, made.content
    assert (made.json()["kind"], made.json()["left"], made.json()["points"]) == ("PRODUCT", 10, 250)
    assert (changed.json()["points"], changed.json()["traits"]) == (300, {"brands": ["Aria"]})
    assert api.get(f"{URL}/mug").json()["available"] is None
    assert api.post(URL, {"code": "mug", "points": 1, "sku": "MUG"}).status_code == 409


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/kind"),
        ({"kind": "COUPON"}, "/promotion"),
        ({"kind": "GIFT_CARD"}, "/amount"),
        ({"kind": "PRODUCT"}, "/sku"),
        ({"kind": "PARTNER_CODE", "amount": 5}, "/amount"),
        ({"kind": "PARTNER_CODE", "promotion": "none"}, "/promotion"),
        ({"kind": "PARTNER_CODE", "sku": "none"}, "/sku"),
        ({"kind": "PARTNER_CODE", "segment": "none"}, "/segment"),
        ({"kind": "PARTNER_CODE", "points": 0}, "/points"),
        ({"kind": "PARTNER_CODE", "traits": {"shoes": 1}}, "/traits/shoes"),
        ({"kind": "PARTNER_CODE", "colour": "red"}, "/colour"),
        ({"kind": "PARTNER_CODE", "valid_days": 5}, "/valid_days"),
        ({"kind": "PARTNER_CODE", "picture_url": "javascript:alert(1)"}, "/picture_url"),
    ],
)
def test_a_reward_that_cannot_be_is_refused_at_its_place(api, body, pointer):
    answer = api.post(URL, {"code": "odd", **body})

    assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (422, pointer)
    assert not Reward.objects.exists()


def test_the_catalogue_puts_what_suits_a_person_first_and_says_why(api):
    anna = with_points(300)
    Trait.objects.create(customer=anna, code="favourite_categories", value=["Shoes"], computed_at=NOON)
    secret = Segment.objects.create(code="vip", name="VIP", kind=Segment.Kind.MANUAL)
    make_reward(code="bag", cost_points=100)
    make_reward(code="dear", cost_points=400)
    make_reward(code="gone", cost_points=50, stock=0)
    make_reward(code="shoes", cost_points=900, traits={"categories": ["Shoes"]})
    make_reward(code="vip", cost_points=10, segment=secret)
    make_reward(code="prize")

    rows = api.get(f"{URL}?customer={anna.public_id}").json()["data"]

    assert [(row["code"], row["obstacle"], row["missing_points"], row["why"]) for row in rows] == [
        ("shoes", "POINTS", 600, "You often buy Shoes"),
        ("bag", None, 0, "You have the points for it"),
        ("dear", "POINTS", 100, "Only 100 points to go"),
        ("gone", "OUT_OF_STOCK", 0, ""),
    ]


def test_a_catalogue_takes_as_many_queries_with_thirty_rewards_as_with_three(
    api, django_assert_max_num_queries
):
    anna = with_points(300)
    for number in range(30):
        make_reward("PARTNER_CODE", cost_points=number + 1)

    with django_assert_max_num_queries(16):
        rows = api.get(f"{URL}?customer={anna.public_id}").json()["data"]

    assert (len(rows), {row["obstacle"] for row in rows}) == (30, {"OUT_OF_STOCK"})


def test_a_redemption_answers_the_coupon_and_a_repeat_the_same_bytes(api):
    anna = with_points(300)
    make_reward("COUPON", code="five", cost_points=200)

    first, again = redeem(api, "five", anna), redeem(api, "five", anna)

    assert (first.status_code, first.content) == (201, again.content)
    assert (first.json()["points"], balance(anna)) == (200, 100)
    assert first.json()["coupon"]["code"] == RewardGrant.objects.get().publication.coupon.code


def test_codes_worth_money_are_told_and_stored_nowhere(api):
    anna = with_points(300)
    add_partner_codes(make_reward("PARTNER_CODE", code="cinema", cost_points=100), ["CINEMA-77"], at=NOON)
    make_reward("GIFT_CARD", code="card", cost_points=100)

    ticket, ticket_again = redeem(api, "cinema", anna, "1"), redeem(api, "cinema", anna, "1")
    card, card_again = redeem(api, "card", anna, "2"), redeem(api, "card", anna, "2")

    assert ticket.json()["partner_code"] == ticket_again.json()["partner_code"] == "CINEMA-77"
    assert card.json()["gift_card"] == card_again.json()["gift_card"]
    stored = b"".join(bytes(record.body) for record in IdempotencyKey.objects.all())
    assert b"CINEMA-77" not in stored and card.json()["gift_card"]["code"].encode() not in stored
    assert api.get(f"/api/v1/reward-grants/{ticket.json()['id']}").json()["partner_code"] is None


def test_a_redemption_that_cannot_be_says_why_and_changes_nothing(api):
    anna = with_points(100)
    make_reward(code="dear", cost_points=101)
    make_reward(code="gone", cost_points=1, stock=0)
    make_reward(code="off", cost_points=1, active=False)

    keys = {code: redeem(api, code, anna, code).json()["key"] for code in ("dear", "gone", "off", "none")}

    assert keys == {
        "dear": "points_exceeded",
        "gone": "out_of_stock",
        "off": "reward_not_available",
        "none": "not_found",
    }
    assert (balance(anna), RewardGrant.objects.count()) == (100, 0)
    assert (
        api.post(f"{URL}/dear/redeem", {"customer": {"id": "x"}}).json()["key"] == "idempotency_key_missing"
    )


def test_a_client_that_may_only_read_redeems_nothing():
    reading = caller(ApiClientFactory(scopes=["loyalty:read"]))
    anna = with_points(100)
    make_reward(code="bag", cost_points=100)

    assert redeem(reading, "bag", anna).status_code == 403
    assert balance(anna) == 100


def test_a_reward_is_given_without_points_handed_over_and_taken_back(api):
    anna = with_points(10)
    make_reward(code="bag", stock=3)
    body = {"customer": {"id": str(anna.public_id)}, "reward": "bag", "source_id": "raffle 7"}

    first = api.post("/api/v1/reward-grants", body, headers={"Idempotency-Key": "1"}).json()
    again = api.post("/api/v1/reward-grants", body, headers={"Idempotency-Key": "2"}).json()
    handed = api.post(f"/api/v1/reward-grants/{first['id']}/hand-over").json()
    back = api.post(
        f"/api/v1/reward-grants/{first['id']}/take-back",
        {"reason": "Broken"},
        headers={"Idempotency-Key": "3"},
    ).json()

    assert (first["id"], first["status"], first["points"]) == (again["id"], "WAITING", 0)
    assert (handed["status"], back["status"], back["points_back"]) == ("GIVEN", "TAKEN_BACK", 0)
    listed = api.get(f"/api/v1/reward-grants?customer={anna.public_id}").json()["data"]
    assert [row["id"] for row in listed] == [first["id"]]
    assert api.get("/api/v1/reward-grants/99999999999999999999").status_code == 404


def test_codes_are_loaded_and_a_repeat_changes_nothing(api):
    make_reward("PARTNER_CODE", code="cinema")

    first = api.post(f"{URL}/cinema/codes", {"codes": ["A-1234", "B-1234"]})
    again = api.post(f"{URL}/cinema/codes", {"codes": ["B-1234", "C-1234"]})

    assert (first.status_code, first.json()) == (201, {"added": 2, "known": 0})
    assert again.json() == {"added": 1, "known": 1}


def test_what_was_given_keeps_its_kind_and_its_stock():
    reward = make_reward(cost_points=1, stock=2)
    for key in ("1", "2"):
        redeem_reward(with_points(1), reward, source_key=key, at=NOON)

    for change in ({"kind": "PARTNER_CODE", "product": None}, {"stock": 1}):
        with pytest.raises(InvalidInput):
            edit_reward(reward, **change)

    assert Reward.objects.get().kind == "PRODUCT"


@pytest.mark.parametrize(
    ("code", "statement"),
    [
        ("loyalty.rewards_taken", "UPDATE loyalty_reward SET taken = taken + 1"),
        ("loyalty.rewards_paid", "UPDATE loyalty_rewardgrant SET spent_points = spent_points + 1"),
        ("loyalty.partner_codes", "UPDATE loyalty_partnercode SET given_at = NULL"),
    ],
)
def test_rows_of_rewards_that_do_not_add_up_are_found(code, statement):
    anna = with_points(30)
    cinema = make_reward("PARTNER_CODE", cost_points=10)
    add_partner_codes(cinema, ["A-1234"], at=NOON)
    redeem_reward(anna, cinema, source_key="1", at=NOON)
    take_back_grant(
        redeem_reward(anna, make_reward(cost_points=20), source_key="2", at=NOON), reason="", at=NOON
    )
    assert check_invariants(at=NOON, only=["loyalty"]).broken == 0

    with connection.cursor() as cursor:
        cursor.execute(statement)

    assert check_invariants(at=NOON, only=[code]).broken == 1


def test_points_of_a_merged_customer_pay_from_all_accounts_and_come_back():
    anna, bea = with_points(30), with_points(30)
    merge_customers(bea, [anna], reason="same", at=NOON)
    reward = make_reward(cost_points=50)

    grant = redeem_reward(bea, reward, source_key="1", at=NOON)
    assert balance(bea) == 10
    take_back_grant(grant, reason="", at=NOON)

    assert balance(bea) == 60
    assert check_invariants(at=NOON, only=["loyalty", "coupons.balances", "coupons.lots"]).broken == 0
    assert ledger.open_account(bea).customer == bea
