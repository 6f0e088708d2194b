"""Parallel requests through real processes: what a shop's tills see."""

import http.client
import json
from collections import Counter
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from coupons.models import BudgetPeriod, Coupon, Redemption, RedemptionStack
from coupons.services import credit, issue_gift_card, open_account
from operations.models import IdempotencyKey
from tests.coupons.factories import amount, coupon, customer, promotion
from tests.coupons.races import at_once
from tests.factories import ApiClientFactory

CART = {"currency": "EUR", "lines": [{"line_id": "1", "unit_price": 10000}]}


def redeeming(site, key: str, *, code: str, idempotency_key: str, source_id: str = ""):
    """Return a call that redeems a code over its own connection and answers (status, body)."""
    body = {"order": CART | {"source_id": source_id}, "redeemables": [{"type": "coupon", "code": code}]}
    return spending(site, key, body, idempotency_key=idempotency_key)


def spending(site, key: str, body: dict, *, idempotency_key: str):
    """Return a call that posts a redemption over its own connection and answers (status, body)."""
    body = json.dumps(body)
    headers = {
        "Authorization": f"Api-Key {key}",
        "Content-Type": "application/json",
        "Idempotency-Key": idempotency_key,
    }
    address = urlsplit(site.base_url)

    def call():
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        try:
            connection.request("POST", "/api/v1/redemptions", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    return call


def outcomes(answers) -> Counter:
    return Counter((status, json.loads(body).get("key", "REDEEMED")) for status, body in answers)


def test_fifty_parallel_requests_for_a_single_use_code_give_exactly_one_success(live_gunicorn):
    key = ApiClientFactory().key
    code = coupon(promotion())

    answers = at_once(
        [redeeming(live_gunicorn, key, code=code.code, idempotency_key=f"k{n}") for n in range(50)]
    )

    assert outcomes(answers) == {(200, "REDEEMED"): 1, (422, "quantity_exceeded"): 49}
    assert Redemption.objects.count() == 1
    assert Coupon.objects.get().uses == 1


@pytest.mark.slow
def test_the_same_key_a_hundred_times_in_parallel_spends_once(live_gunicorn):
    key = ApiClientFactory().key
    coupon(promotion(), codes=["STORY-1"], max_uses=None)

    answers = at_once(
        [redeeming(live_gunicorn, key, code="STORY-1", idempotency_key="same") for _ in range(100)]
    )

    counts = outcomes(answers)
    assert counts.keys() <= {(200, "REDEEMED"), (409, "idempotency_in_progress")}
    assert len({body for status, body in answers if status == 200}) == 1
    assert RedemptionStack.objects.count() == Coupon.objects.get().uses == IdempotencyKey.objects.count() == 1


@pytest.mark.slow
def test_the_same_key_a_hundred_times_in_parallel_spends_points_once(live_gunicorn):
    key = ApiClientFactory().key
    anna = customer()
    account = open_account(anna)
    credit(account, units=5000, source_key="start", at=timezone.now())
    body = {
        "customer": {"id": str(anna.public_id)},
        "order": CART,
        "redeemables": [{"type": "points", "points": 1000}],
    }

    answers = at_once([spending(live_gunicorn, key, body, idempotency_key="same") for _ in range(100)])

    assert outcomes(answers).keys() <= {(200, "REDEEMED"), (409, "idempotency_in_progress")}
    assert len({body for status, body in answers if status == 200}) == 1
    account.refresh_from_db()
    assert account.balance == 4000


@pytest.mark.slow
def test_a_gift_card_of_a_hundred_by_four_hundred_payments_of_thirty_cents(live_gunicorn):
    key = ApiClientFactory().key
    card = issue_gift_card(amount=10000, currency="EUR", at=timezone.now(), source_key="race")
    cart = {"currency": "EUR", "lines": [{"line_id": "1", "unit_price": 30}]}
    body = {"order": cart, "redeemables": [{"type": "gift_card", "code": card.code, "amount": 30}]}
    answers = []

    for turn in range(8):
        answers += at_once(
            [spending(live_gunicorn, key, body, idempotency_key=f"{turn}-{n}") for n in range(50)]
        )

    assert outcomes(answers) == {(200, "REDEEMED"): 333, (422, "gift_card_balance_exceeded"): 67}
    card.card.account.refresh_from_db()
    assert card.card.account.balance == 10


@pytest.mark.slow
def test_six_hundred_requests_for_the_first_five_hundred(live_gunicorn):
    key = ApiClientFactory().key
    coupon(promotion(), codes=["FIRST-500"], max_uses=500)
    answers = []

    for turn in range(12):
        answers += at_once(
            [
                redeeming(live_gunicorn, key, code="FIRST-500", idempotency_key=f"{turn}-{n}")
                for n in range(50)
            ]
        )

    assert outcomes(answers) == {(200, "REDEEMED"): 500, (422, "quantity_exceeded"): 100}
    assert Coupon.objects.get().uses == 500


@pytest.mark.slow
@pytest.mark.parametrize(("on_insufficient", "used"), [("REJECT", 9000), ("PARTIAL", 10000)])
def test_a_budget_holds_through_real_processes(live_gunicorn, on_insufficient, used):
    key = ApiClientFactory().key
    budget = {"metric": "DISCOUNT_AMOUNT", "cap": 10000, "on_insufficient": on_insufficient}
    shared = promotion(amount(3000), budget=budget)
    codes = [coupon(shared).code for _ in range(10)]

    at_once([redeeming(live_gunicorn, key, code=code, idempotency_key=code) for code in codes])

    assert BudgetPeriod.objects.get().used == used
    assert sum(Redemption.objects.values_list("discount_amount", flat=True)) == used


@pytest.mark.slow
def test_two_hundred_single_use_codes_by_thirty_two_tills_each(live_gunicorn):
    key = ApiClientFactory().key
    codes = [f"ONCE-{number}" for number in range(200)]
    coupon(promotion(), codes=codes, max_uses=1)

    def till(number: int):
        calls = [
            redeeming(live_gunicorn, key, code=code, idempotency_key=f"{number} {code}") for code in codes
        ]
        return lambda: [call() for call in calls]

    answers = [answer for one in at_once([till(number) for number in range(32)]) for answer in one]

    assert outcomes(answers) == {(200, "REDEEMED"): 200, (422, "quantity_exceeded"): 6200}
    assert Coupon.objects.filter(uses=1).count() == Redemption.objects.count() == 200


@pytest.mark.slow
def test_one_each_and_five_hundred_in_all_by_six_hundred_customers_who_ask_twice(live_gunicorn):
    key = ApiClientFactory().key
    limits = [{"subject": "CUSTOMER", "uses": 1}, {"subject": "PROMOTION", "uses": 500}]
    coupon(promotion(limits=limits), codes=["FIRST-500"], max_uses=None)
    bodies = [
        {
            "customer": {"id": str(customer().public_id)},
            "order": CART,
            "redeemables": [{"type": "coupon", "code": "FIRST-500"}],
        }
        for _ in range(600)
    ]
    calls = [
        spending(live_gunicorn, key, body, idempotency_key=f"{number} {turn}")
        for number, body in enumerate(bodies)
        for turn in range(2)
    ]
    answers = []

    for first in range(0, len(calls), 48):
        answers += at_once(calls[first : first + 48])

    counts = outcomes(answers)
    assert counts[200, "REDEEMED"] == 500
    assert counts.keys() <= {
        (200, "REDEEMED"),
        (422, "quantity_exceeded"),
        (422, "redemption_rules_violated"),
    }
    assert Redemption.objects.count() == Redemption.objects.values("customer").distinct().count() == 500


@pytest.mark.slow
def test_a_budget_burns_only_the_codes_it_paid_for(live_gunicorn):
    key = ApiClientFactory().key
    budget = {"metric": "DISCOUNT_AMOUNT", "cap": 550, "on_insufficient": "REJECT"}
    codes = [f"TEN-{number}" for number in range(100)]
    coupon(promotion(amount(10), budget=budget), codes=codes, max_uses=1)
    calls = [redeeming(live_gunicorn, key, code=code, idempotency_key=code) for code in codes]

    answers = at_once(calls[:50]) + at_once(calls[50:])

    assert outcomes(answers) == {(200, "REDEEMED"): 55, (422, "budget_exceeded"): 45}
    assert BudgetPeriod.objects.get().used == 550
    assert Coupon.objects.filter(uses=1).count() == 55
    assert Coupon.objects.filter(uses=0).count() == 45


@pytest.mark.slow
def test_two_hundred_keys_sixteen_times_each_spend_two_hundred_times(live_gunicorn):
    key = ApiClientFactory().key
    coupon(promotion(), codes=["STORY-1"], max_uses=None)
    calls = [
        redeeming(live_gunicorn, key, code="STORY-1", idempotency_key=f"key {number}")
        for number in range(200)
        for _ in range(16)
    ]
    answers = []

    for first in range(0, len(calls), 64):
        answers += at_once(calls[first : first + 64])

    assert outcomes(answers).keys() <= {(200, "REDEEMED"), (409, "idempotency_in_progress")}
    assert len({body for status, body in answers if status == 200}) == 200
    assert RedemptionStack.objects.count() == Coupon.objects.get().uses == 200
