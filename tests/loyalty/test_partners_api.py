"""What the till of a coalition partner calls."""

import pytest
from django.utils import timezone

from customers.models import Identity
from loyalty.services import points_of
from tests.api import caller
from tests.coupons.factories import customer
from tests.factories import ApiClientFactory, SourceFactory, SourceProfileFactory
from tests.loyalty.factories import make_partner

pytestmark = pytest.mark.django_db
EARN, BURN = "/api/v1/partners/earn", "/api/v1/partners/burn"
POSTINGS = "/api/v1/partners/postings"
CARD = {"card": "2900000000018"}


@pytest.fixture
def anna():
    person = customer()
    Identity.objects.create(namespace="loyalty_card", value="2900000000018", customer=person)
    return person


@pytest.fixture
def till():
    make_partner()
    return caller(ApiClientFactory(partner_source="bar", scopes=["loyalty:read", "loyalty:write"]))


def post(till, path, body, key="k"):
    return till.post(path, body, headers={"Idempotency-Key": key})


def earning(number="R-1", amount=10000, **fields):
    return {"source_id": number, "customer": CARD, "amount": amount, "currency": "EUR"} | fields


def test_a_card_earns_burns_and_is_given_back(till, anna):
    earned = post(till, EARN, earning())
    again = post(till, EARN, earning())
    same_number = post(till, EARN, earning(), key="other")
    body = {"source_id": "R-2", "customer": CARD, "amount": 30, "currency": "EUR"}
    burned = post(till, BURN, body, key="b")
    back = post(
        till, f"/api/v1/partners/postings/{burned.json()['id']}/reversal", {"source_id": "S"}, key="s"
    )

    assert (earned.status_code, earned.json()["points"], earned.json()["amount"]) == (201, 100, 10000)
    assert again.content == earned.content and again["Idempotent-Replayed"] == "true"
    assert same_number.json()["id"] == earned.json()["id"]
    assert (burned.json()["points"], burned.json()["amount"], back.json()["points"]) == (-60, 30, 60)
    assert points_of(anna, at=timezone.now()).balance == 100
    assert "balance" not in earned.json()
    month = timezone.localdate().strftime("%Y-%m")
    listed = till.get("/api/v1/partners/postings").json()["data"]
    assert [row["kind"] for row in listed] == ["BURN_BACK", "BURN", "EARN"]
    settled = till.get(f"/api/v1/partners/settlements/{month}").json()
    assert (settled["earned_amount"], settled["burned_amount"], settled["closed_at"]) == (80, 0, None)
    assert till.get("/api/v1/partners/settlements").json()["data"] == [settled]


def test_what_makes_no_sense_is_refused_with_its_place(till, anna):
    refusals = [
        (earning(currency="USD"), 422, "invalid_input"),
        (earning(amount=0), 422, "invalid_input"),
        (earning(customer={"card": "1234"}), 404, "not_found"),
        (earning(customer={"card": "1", "id": "2"}), 422, "invalid_input"),
        (earning(customer={"id": str(anna.public_id)}), 404, "not_found"),
    ]
    for place, (body, status, key) in enumerate(refusals):
        answer = post(till, EARN, body, key=f"k{place}")
        assert (answer.status_code, answer.json()["key"]) == (status, key), body
    both = {
        "source_id": "R",
        "customer": {"card": "2900000000018"},
        "points": 1,
        "amount": 1,
        "currency": "EUR",
    }
    assert post(till, BURN, both).status_code == 422
    short = {key: value for key, value in both.items() if key != "amount"} | {"points": 2}
    assert post(till, BURN, short, key="s").json()["key"] == "points_exceeded"
    assert till.post(EARN, earning()).json()["key"] == "idempotency_key_missing"
    assert till.get("/api/v1/partners/settlements/October").status_code == 422


def test_a_partner_names_people_by_its_own_number_or_whom_it_knows(till, anna):
    source = SourceFactory(code="bar", kind="PARTNER")
    SourceProfileFactory(source=source, external_id="9", customer=anna)

    by_number = post(till, EARN, earning(customer={"source_id": "9"}))
    by_id = post(till, EARN, earning("R-2", customer={"id": str(anna.public_id)}), key="i")

    assert (by_number.status_code, by_id.status_code) == (201, 201)


def test_another_partner_and_a_client_that_is_none_see_nothing_of_it(till, anna):
    posting = post(till, EARN, earning()).json()
    make_partner(code="gym", name="Gym", source="gym")
    gym, stranger = (
        caller(ApiClientFactory(partner_source="gym")),
        caller(ApiClientFactory(partner_source="x")),
    )
    own = caller(ApiClientFactory())

    assert gym.get(f"/api/v1/partners/postings/{posting['id']}").status_code == 404
    reversal = f"/api/v1/partners/postings/{posting['id']}/reversal"
    assert post(gym, reversal, {"source_id": "S"}).status_code == 404
    assert gym.get("/api/v1/partners/postings").json()["data"] == []
    assert post(stranger, EARN, earning()).status_code == 404
    assert post(own, EARN, earning()).status_code == 404
    assert own.get("/api/v1/partners/settlements?partner=bar").json()["data"][0]["earned_points"] == 100
    assert own.get("/api/v1/partners/settlements").status_code == 404
