"""Gift cards over the API: money for whoever knows the code, told to nobody else."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone

from coupons import services
from coupons.models import GiftCard, LedgerEntry, SealedCode
from customers.models import Event
from customers.services import dispatch_events
from operations.models import IdempotencyKey
from tests.api import caller
from tests.coupons.factories import customer
from tests.factories import ApiClientFactory

pytestmark = pytest.mark.django_db
CARD = {"amount": 5000, "currency": "EUR"}


@pytest.fixture(autouse=True)
def _nobody_guessed_yet():
    cache.clear()


def post(api, path, body=None, key="1"):
    headers = {"Idempotency-Key": key} if key else {}
    return api.post(f"/api/v1/{path}", body or {}, format="json", headers=headers)


def issue(api, key="1", **fields):
    answer = post(api, "gift-cards", {**CARD, **fields}, key=key)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_card_is_issued_and_found_by_its_code_and_its_id(api):
    made = issue(api)

    assert (made["balance"], made["currency"], made["status"]) == (5000, "EUR", "ACTIVE")
    assert (len(made["code"]), made["last4"]) == (16, made["code"][-4:])
    found = post(api, "gift-cards/lookup", {"code": made["code"].lower()}, key=None)
    assert found.status_code == 200
    assert found.json() == {**made, "code": None} == api.get(f"/api/v1/gift-cards/{made['id']}").json()
    assert api.get("/api/v1/gift-cards").json() == {"data": [{**made, "code": None}], "next": None}
    assert api.get(f"/api/v1/gift-cards/{made['id']}/transactions").json()["data"] == [
        {"type": "CREDIT", "delta": 5000, "balance_after": 5000, "at": made["issued_at"]}
    ]


def test_a_repeat_tells_the_same_bytes_for_a_day_and_then_no_code(api):
    first = post(api, "gift-cards", CARD)

    again = post(api, "gift-cards", CARD)
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        late = post(api, "gift-cards", CARD)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (late.status_code, late.json()) == (201, {**first.json(), "code": None})
    assert GiftCard.objects.count() == 1
    assert first.json()["code"].encode() not in bytes(IdempotencyKey.objects.get().body)


def test_an_idempotency_key_may_be_as_long_as_promised(api):
    made = issue(api, key="k" * 255)
    other = issue(api, key="k" * 254 + "l")
    named = issue(api, key="1", source_id="s" * 128)

    topped_up = post(api, f"gift-cards/{made['id']}/top-ups", {"amount": 100}, key="t" * 255)

    assert len({made["id"], other["id"], named["id"]}) == 3
    again = post(api, "gift-cards", {**CARD, "source_id": "s" * 128}, key="2")
    assert (again.status_code, again.json()["id"]) == (200, named["id"])
    assert (topped_up.status_code, topped_up.json()["balance"]) == (201, 5100)


def test_a_card_under_the_same_id_is_issued_once_and_another_one_is_refused(api):
    first = issue(api, source_id="till-7")

    again = post(api, "gift-cards", {**CARD, "source_id": "till-7"}, key="2")
    other = post(api, "gift-cards", {**CARD, "amount": 1, "source_id": "till-7"}, key="3")

    assert (again.status_code, again.json()) == (200, first)
    assert (other.status_code, other.json()["key"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"amount": 0}, "/amount"),
        ({"amount": -5}, "/amount"),
        ({"amount": 10**13}, "/amount"),
        ({"amount": "NaN"}, "/amount"),
        ({"currency": "XYZ"}, "/currency"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"vat_kind": "SPV"}, "/tax_rate"),
        ({"items": {"sku": "A"}}, "/items/sku"),
        ({"channel": "email"}, "/channel"),
        ({"order": {"source": "shop", "source_id": "1"}}, "/order"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_card_that_makes_no_sense_is_422_with_a_pointer(api, body, pointer):
    answer = post(api, "gift-cards", {**CARD, **body})

    assert (answer.status_code, answer.json()["key"]) == (422, "invalid_input")
    assert [one["pointer"] for one in answer.json()["details"]] == [pointer]
    assert (GiftCard.objects.count(), LedgerEntry.objects.count()) == (0, 0)


def test_issuing_needs_an_idempotency_key(api):
    assert post(api, "gift-cards", CARD, key=None).json()["key"] == "idempotency_key_missing"


def test_who_may_only_write_is_not_told_what_is_on_a_card(api):
    made = issue(api, holder={"id": str(customer().public_id)})
    till = caller(ApiClientFactory(scopes=["gift_cards:write"]))

    answer = post(till, f"gift-cards/{made['id']}/top-ups", {"amount": 100})

    assert (answer.status_code, answer.json()["balance"], answer.json()["holder"]) == (201, None, None)
    assert till.get(f"/api/v1/gift-cards/{made['id']}").status_code == 403
    assert post(till, "gift-cards/lookup", {"code": made["code"]}, key=None).status_code == 403
    assert api.get(f"/api/v1/gift-cards/{made['id']}").json()["balance"] == 5100


def test_who_may_only_write_is_not_told_what_is_left_of_the_card_they_issued():
    till = caller(ApiClientFactory(scopes=["gift_cards:write"]))
    sold = {"holder": {"id": str(customer().public_id)}, "source_id": "till-7"}

    made, again = issue(till, **sold), post(till, "gift-cards", CARD | sold, key="2")

    assert again.status_code == 200
    for card in (made, again.json()):
        assert (card["amount"], card["balance"], card["holder"]) == (5000, None, None)
        assert len(card["code"]) == 16


def test_a_top_up_counts_once(api):
    made = issue(api)

    first = post(api, f"gift-cards/{made['id']}/top-ups", {"amount": 100}, key="a")
    again = post(api, f"gift-cards/{made['id']}/top-ups", {"amount": 100}, key="a")

    assert (first.json()["balance"], again.content) == (5100, first.content)
    assert LedgerEntry.objects.count() == 2


def test_a_card_is_activated_switched_off_on_and_given_a_new_code(api):
    made = issue(api, active=False)
    assert (made["status"], made["balance"]) == ("INACTIVE", 0)

    path = f"gift-cards/{made['id']}"
    assert post(api, f"{path}/activate", key=None).json()["balance"] == 5000
    off = post(api, f"{path}/disable", {"reason": "stolen"}, key=None).json()
    assert (off["status"], off["balance"]) == ("DISABLED", 0)
    assert post(api, f"{path}/codes", key="c").json()["key"] == "conflict"
    assert post(api, f"{path}/enable", key=None).json()["balance"] == 5000
    renewed = post(api, f"{path}/codes", {"reason": "lost"}, key="d").json()

    assert post(api, "gift-cards/lookup", {"code": made["code"]}, key=None).status_code == 404
    assert post(api, "gift-cards/lookup", {"code": renewed["code"]}, key=None).json()["id"] == made["id"]
    types = Event.objects.filter(type__startswith="gift_card.").order_by("id").values_list("type", flat=True)
    assert [one.partition(".")[2] for one in types] == [
        "issued",
        "activated",
        "disabled",
        "enabled",
        "renewed",
    ]


def test_a_repeat_does_not_tell_the_code_that_a_card_was_given_since(api):
    made = issue(api)
    renewed = post(api, f"gift-cards/{made['id']}/codes", {"reason": "seen by others"}, key="2")

    again = post(api, "gift-cards", CARD)
    renewed_again = post(api, f"gift-cards/{made['id']}/codes", {"reason": "seen by others"}, key="2")

    assert again.json() == {**made, "code": None}
    assert renewed_again.content == renewed.content
    assert renewed.json()["code"] not in (made["code"], None)


def test_guessing_codes_is_stopped_for_whoever_guesses(api):
    made = issue(api)
    guess = {"code": "0000-0000-0000-0000", "customer": {"email": "mallory@mail.example"}}

    answers = [post(api, "gift-cards/lookup", guess, key=None).status_code for _n in range(11)]
    right = post(api, "gift-cards/lookup", {**guess, "code": made["code"]}, key=None)
    another = post(api, "gift-cards/lookup", {"code": made["code"]}, key=None)

    assert answers == [404] * 10 + [429]
    assert (right.status_code, another.status_code) == (429, 200)
    assert post(api, "gift-cards/lookup", {"code": "no code"}, key=None).json()["key"] == "code_not_valid"


def test_an_unknown_card_is_404(api):
    for path in ("gift-cards/999", "gift-cards/x", "gift-cards/9" + "9" * 30):
        assert api.get(f"/api/v1/{path}").json()["key"] == "not_found"
        assert post(api, f"{path}/activate", key=None).status_code == 404


# --- The purchase of a card ---


def record(api, quantity=2):
    order = {
        "source": "shop",
        "source_id": "A-1",
        "customer": {"email": "anna@example.com"},
        "ordered_at": "2026-11-20T10:00:00+01:00",
        "currency": "EUR",
        "lines": [
            {"line_id": "1", "sku": "CARD", "quantity": quantity, "unit_price": 5000},
            {"line_id": "2", "sku": "MUG", "quantity": 1, "unit_price": 900},
        ],
        "status": "PAID",
    }
    return api.post("/api/v1/orders", order).json()["id"]


def sold(api, count):
    order = {"order": {"source": "shop", "source_id": "A-1"}, "line_id": "1"}
    return [issue(api, key=f"card:{n}", **order)["id"] for n in range(count)]


def states(ids):
    return list(GiftCard.objects.filter(pk__in=ids).order_by("pk").values_list("status", "account__balance"))


def test_as_many_cards_go_as_came_back_those_with_most_money_first(api):
    order = record(api)
    first, second = sold(api, 2)
    card = GiftCard.objects.get(pk=second)
    services.pay_with_gift_card(card, amount=1000, source_key="x", at=timezone.now())

    back = {"source_id": "R", "returned_at": "2026-11-21T10:00:00+01:00"}
    api.post(f"/api/v1/orders/{order}/returns", back | {"lines": [{"line_id": "1", "quantity": 1}]})
    dispatch_events()
    dispatch_events()

    assert states([first, second]) == [("DISABLED", 0), ("ACTIVE", 4000)]
    api.post(
        f"/api/v1/orders/{order}/returns",
        back | {"source_id": "R2", "lines": [{"line_id": "2", "quantity": 1}]},
    )
    dispatch_events()
    assert states([first, second]) == [("DISABLED", 0), ("ACTIVE", 4000)]


def test_a_cancelled_purchase_switches_its_cards_off(api):
    order = record(api)
    cards = sold(api, 2)

    api.post(f"/api/v1/orders/{order}/cancel")
    dispatch_events()

    assert states(cards) == [("DISABLED", 0)] * 2
    assert SealedCode.objects.count() == 0


def test_a_card_is_made_good_for_longer(api):
    made = issue(api, expires_at="2030-01-01T00:00:00Z")

    answer = post(api, f"gift-cards/{made['id']}/extend", {"expires_at": "2031-01-01T00:00:00Z"}, key="2")
    shorter = post(api, f"gift-cards/{made['id']}/extend", {"expires_at": "2030-06-01T00:00:00Z"}, key="3")

    assert (answer.status_code, shorter.status_code) == (200, 422)
    assert shorter.json()["details"][0]["pointer"] == "/expires_at"
    assert GiftCard.objects.get().expires_at.year == 2031
