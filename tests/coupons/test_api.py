"""Incentives over the API: shapes, statuses, keys and scopes as partners rely on them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from coupons.models import Apology, BudgetPeriod, Coupon, Promotion, Redemption, RedemptionStack, SealedCode
from coupons.services import issue_gift_card, redeem_stack
from customers.models import Customer, Event, Source, SourceProfile
from operations.models import IdempotencyKey
from tests.api import caller
from tests.coupons.factories import amount, coupon, customer, promotion, spending, staff
from tests.factories import ApiClientFactory

pytestmark = pytest.mark.django_db
HUGE = [{"line_id": str(number), "unit_price": 1} for number in range(10_000)]
TEN = {"kind": "PERCENT", "percent": "10", "target": "ORDER"}


@pytest.fixture
def till(db):
    """A client that may spend, and may not be told why a code is refused."""
    return caller(ApiClientFactory(scopes=["coupons:redeem"]))


def post(api, path, body=None, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    return api.post(f"/api/v1/{path}", body or {}, format="json", headers=headers)


def order(*prices, **fields):
    lines = [
        {"line_id": str(n), "sku": f"S{n}", "quantity": 1, "unit_price": p} for n, p in enumerate(prices, 1)
    ]
    return {"currency": "EUR", "lines": lines or [{"line_id": "1", "unit_price": 10000}], **fields}


def wish(*codes, cart=None, **fields):
    return {
        "order": cart or order(),
        "redeemables": [{"type": "coupon", "code": code} for code in codes],
        **fields,
    }


# --- Promotions ---


def test_a_promotion_is_created_and_read_by_id_and_code(api):
    answer = post(
        api,
        "promotions",
        {
            "code": "SPRING",
            "name": "Spring",
            "effect": TEN,
            "limits": [{"subject": "CUSTOMER", "uses": 1}],
            "budget": {"metric": "DISCOUNT_AMOUNT", "cap": 10000},
            "coupon": {"pattern": "SP-##########", "valid_days": 30},
            "activate": True,
        },
    )

    body = answer.json()
    assert answer.status_code == 201
    assert (body["status"], body["stop_mode"], body["currency"]) == ("ACTIVE", None, "EUR")
    assert body["budget"] == {
        "metric": "DISCOUNT_AMOUNT",
        "cap": 10000,
        "period": "TOTAL",
        "on_insufficient": "REJECT",
        "used": 0,
    }
    assert body["coupon"]["pattern"] == "SP-##########"
    assert api.get("/api/v1/promotions/SPRING").json() == api.get(f"/api/v1/promotions/{body['id']}").json()
    assert [one["code"] for one in api.get("/api/v1/promotions").json()["data"]] == ["SPRING"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"effect": {"kind": "FREE_UNITS"}}, "/effect/buy"),
        ({"margin_floor": {"percent": "100"}}, "/margin_floor/percent"),
        ({"code": "123"}, "/code"),
        ({"colour": "red"}, "/colour"),
        ({"currency": "XYZ"}, "/currency"),
        ({"starts_at": "2026-01-01T00:00:00"}, "/starts_at"),
        ({"effect": "10%"}, "/effect"),
    ],
)
def test_a_promotion_that_cannot_be_honoured_is_422_with_a_pointer(api, body, pointer):
    answer = post(api, "promotions", {"code": "SPRING", "name": "Spring", "effect": TEN, **body})

    assert (answer.status_code, answer.json()["key"]) == (422, "invalid_input")
    assert [one["pointer"] for one in answer.json()["details"]] == [pointer]
    assert Promotion.objects.count() == 0


def test_a_promotion_is_stopped_and_resumed(api):
    promotion(code="SPRING")

    stopped = post(api, "promotions/SPRING/stop", {"mode": "DRAIN", "reason": "too dear"}).json()
    assert (stopped["status"], stopped["stop_mode"]) == ("STOPPED", "DRAIN")
    assert post(api, "promotions/SPRING/resume").json()["status"] == "ACTIVE"


def test_a_list_of_promotions_asks_the_database_the_same_however_many(api):
    def asked() -> tuple[int, list]:
        with CaptureQueriesContext(connection) as queries:
            data = api.get("/api/v1/promotions").json()["data"]
        return len(queries), data

    promotion(code="A", coupon={"code": "OPEN"}, budget={"metric": "REDEMPTIONS", "cap": 9})
    asked()
    one, _data = asked()
    daily = {"metric": "REDEMPTIONS", "cap": 9, "period": "DAY"}
    for number in range(3):
        promotion(budget=daily, coupon={"code": f"OPEN{number}"})
    redeem_stack(spending("OPEN"), at=timezone.now())
    many, data = asked()

    assert many == one
    assert (data[-1]["coupon"]["code"], data[-1]["budgets"][0]["used"]) == ("OPEN", 1)
    assert data[0]["coupon"]["code"] == "OPEN2"


def test_an_unknown_promotion_is_404(api):
    for path in ("promotions/NOPE/stop", "promotions/99999/publications", "promotions/x/coupons"):
        answer = post(api, path, {"count": 1, "source_id": "1"} if "stop" not in path else {})
        assert (answer.status_code, answer.json()["key"]) in [(404, "not_found"), (422, "invalid_input")]
    assert api.get("/api/v1/promotions/NOPE").status_code == 404


# --- Coupons ---


def test_codes_are_issued_and_listed(api):
    promotion(code="SPRING")

    made = post(api, "promotions/SPRING/coupons", {"count": 3})
    own = post(api, "promotions/SPRING/coupons", {"codes": ["WINTER-1"], "max_uses": None})

    assert (made.status_code, len(made.json()["coupons"])) == (201, 3)
    assert own.json()["coupons"] == [
        {
            "code": "WINTER-1",
            "status": "ACTIVE",
            "uses": 0,
            "max_uses": None,
            "holder": None,
            "valid_from": None,
            "valid_until": None,
        }
    ]
    listed = api.get("/api/v1/promotions/SPRING/coupons?limit=2").json()
    assert listed["data"][0]["code"] == "WINTER-1"
    assert listed["next"]


def test_many_codes_are_a_job(api):
    promotion(code="SPRING")

    answer = post(api, "promotions/SPRING/coupons", {"count": 1001})

    assert answer.status_code == 202
    job = api.get(f"/api/v1/jobs/{answer.json()['job']}").json()
    assert (job["kind"], job["status"], job["total"]) == ("coupons.issue", "QUEUED", 1001)


@pytest.mark.parametrize("body", [{}, {"count": 1, "codes": ["ABCD"]}, {"count": 0}, {"codes": []}])
def test_how_many_codes_or_which(api, body):
    promotion(code="SPRING")

    assert post(api, "promotions/SPRING/coupons", body).status_code == 422
    assert Coupon.objects.count() == 0


def test_a_publication_is_the_same_coupon_again(api):
    promotion(code="SPRING")
    body = {"customer": {"email": "Anna@example.com"}, "source_id": "mail-1", "channel": "email"}

    first = post(api, "promotions/SPRING/publications", body)
    again = post(api, "promotions/SPRING/publications", body)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["customer"] == str(Customer.objects.get().public_id)
    assert first.json()["coupon"]["holder"] == first.json()["customer"]


def test_a_publication_without_a_customer_has_no_holder(api):
    promotion(code="SPRING")

    answer = post(api, "promotions/SPRING/publications", {"customer": None, "source_id": "1"})

    assert answer.status_code == 201
    assert (answer.json()["customer"], answer.json()["coupon"]["holder"]) == (None, None)


def test_publications_are_refused_where_there_is_nothing_to_hand_out(api):
    promotion(code="AUTO", trigger="AUTOMATIC")
    promotion(code="SPRING")

    automatic = post(api, "promotions/AUTO/publications", {"source_id": "1"})
    by_post = post(api, "promotions/SPRING/publications", {"source_id": "1", "channel": "post"})
    nobody = post(
        api,
        "promotions/SPRING/publications",
        {"customer": {"id": "7f1d1b4e-0000-4000-8000-000000000000"}, "source_id": "1"},
    )

    assert (automatic.status_code, automatic.json()["key"]) == (422, "promotion_has_no_coupon")
    assert by_post.json()["details"] == [{"pointer": "/channel", "message": "post is not supported yet."}]
    assert nobody.status_code == 404


def test_a_coupon_tells_its_story(api):
    code = coupon(promotion(), codes=["STORY-1"], max_uses=2)
    stack = post(api, "redemptions", wish("story-1"), key="1").json()

    answer = api.get("/api/v1/coupons/story-1").json()

    assert (answer["code"], answer["uses"], answer["redemptions"]) == ("STORY-1", 1, [stack["id"]])
    assert answer["promotion"] == str(code.promotion_id)


def test_a_coupon_is_drawn_as_a_qr_code(api):
    coupon(promotion(), codes=["STORY-1"])

    answer = api.get("/api/v1/coupons/STORY-1/qr.svg")

    assert answer["Content-Type"] == "image/svg+xml"
    assert answer.content.startswith(b"<?xml") and b"<svg" in answer.content
    assert api.get("/api/v1/coupons/NOPE/qr.svg").status_code == 404


# --- Spending ---


def test_a_redemption_answers_order_and_allocations(api):
    anna = customer(email="anna@example.com")
    coupon(promotion(), codes=["STORY-1"])
    cart = order(333, 333, 334, source="shop", source_id="A-1", shipping_amount=500)
    cart["lines"][0]["tax_rate"] = "22"

    answer = post(
        api, "redemptions", wish("STORY-1", cart=cart, customer={"email": "ANNA@example.com"}), key="k1"
    )

    body = answer.json()
    stack = RedemptionStack.objects.get()
    assert answer.status_code == 200
    assert (body["id"], body["status"], body["customer"]) == (str(stack.pk), "REDEEMED", str(anna.public_id))
    assert body["redemptions"] == [
        {
            "id": f"{stack.pk}-1",
            "type": "coupon",
            "code": "STORY-1",
            "promotion": str(Promotion.objects.get().pk),
            "status": "REDEEMED",
            "discount_amount": 100,
            "shipping_discount_amount": 0,
            "tender_amount": 0,
            "units": 0,
            "allocations": [
                {"line_id": "1", "units": 1, "amount": 33},
                {"line_id": "2", "units": 1, "amount": 33},
                {"line_id": "3", "units": 1, "amount": 34},
            ],
        }
    ]
    totals = dict(body["order"])
    assert totals.pop("lines")[0] == {
        "line_id": "1",
        "quantity": 1,
        "amount": 333,
        "discount_amount": 33,
        "total_amount": 300,
        "net_amount": 246,
        "tax_amount": 54,
    }
    assert totals == {
        "currency": "EUR",
        "amount": 1000,
        "discount_amount": 100,
        "total_amount": 900,
        "net_amount": 846,
        "tax_amount": 54,
        "shipping_amount": 500,
        "shipping_discount_amount": 0,
        "tender_amount": 0,
        "due_amount": 1400,
        "gifts": [],
    }
    assert api.get(f"/api/v1/redemptions/{body['id']}").json() == body
    assert api.get(f"/api/v1/redemptions/{stack.pk}-1").json()["id"] == body["id"]
    assert len(api.get("/api/v1/redemptions").json()["data"]) == 1


def test_a_code_that_does_nothing_here_tells_a_stranger_no_more_than_one_that_is_not(api, till):
    coupon(promotion(amount(0) | {"kind": "FIXED_PRICE", "amount": 99999}), codes=["STORY-1"])

    def judged(client, code):
        verdict = post(client, "validations", wish(code)).json()
        return verdict["valid"], verdict["redeemables"][0] | {"code": ""}

    assert judged(till, "STORY-1") == judged(till, "NO-SUCH")
    assert judged(api, "STORY-1")[1]["status"] == "SKIPPED"
    assert judged(till, "STORY-1")[1]["error"]["key"] == "code_not_valid"


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ({"conditions": {"minimum_spend": {"amount": 99999}}}, "order_rules_violated"),
        ({"currency": "USD"}, "currency_mismatch"),
        ({"budget": {"metric": "DISCOUNT_AMOUNT", "cap": 99}}, "budget_exceeded"),
        ({"margin_floor": {"percent": "15"}}, "margin_guard_violated"),
    ],
)
def test_what_a_cart_lacks_tells_a_stranger_no_code_that_exists(api, till, rule, key):
    coupon(promotion(amount(100), **rule), codes=["STORY-1"])

    told = post(api, "redemptions", wish("STORY-1"), key="a")
    hidden, unknown = (post(till, "redemptions", wish(code), key=code) for code in ("STORY-1", "NO-SUCH"))
    judged = post(till, "validations", wish("STORY-1")).json()["redeemables"][0]

    assert (told.status_code, told.json()["key"]) == (422, key)
    assert (hidden.status_code, hidden.json()["key"]) == (404, "code_not_valid")
    assert {**hidden.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
    assert judged["error"]["key"] == "code_not_valid"
    assert Redemption.objects.count() == 0


def test_a_redemption_needs_an_idempotency_key_and_is_done_once_under_it(api):
    coupon(promotion(), codes=["STORY-1"], max_uses=9)

    without = post(api, "redemptions", wish("STORY-1"))
    first = post(api, "redemptions", wish("STORY-1"), key="k")
    again = post(api, "redemptions", wish("STORY-1"), key="k")
    other = post(api, "redemptions", wish("STORY-1", automatic=True), key="k")

    assert (without.status_code, without.json()["key"]) == (400, "idempotency_key_missing")
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["key"]) == (422, "idempotency_key_reused")
    assert Coupon.objects.get().uses == 1


def test_a_refusal_answers_the_first_failing_key_and_is_replayed(api):
    coupon(promotion(conditions={"minimum_spend": {"amount": 20000}}), codes=["STORY-1"])

    first = post(api, "redemptions", wish("STORY-1", "NOPE-1"), key="k")
    again = post(api, "redemptions", wish("STORY-1", "NOPE-1"), key="k")

    assert (first.status_code, first.json()["key"]) == (422, "order_rules_violated")
    assert again.content == first.content
    assert Redemption.objects.count() == 0


def offline(code, number, **fields):
    cart = order(10000, source="till", source_id=f"night-{number}")
    told = {"idempotency_key": f"offline-{number}", "redeemed_at": "2026-11-20T18:00:00+01:00"}
    return wish(code, cart=cart) | told | fields


def test_what_a_till_spent_offline_is_told_in_one_call_each_once(api):
    good = coupon(promotion(effect=TEN))
    items = [
        offline(good.code, 1),
        offline(good.code, 2),
        offline(good.code, 3, redeemed_at="2999-01-01T00:00:00Z"),
        offline("NO-SUCH-CODE", 4),
        {"idempotency_key": "offline-5"},
        7,
    ]

    first, again = [post(api, "redemptions/offline", {"items": items}) for _ in range(2)]

    results = first.json()["results"]
    assert (first.status_code, [one["status"] for one in results]) == (207, [200, 422, 422, 404, 422, 422])
    assert [one["error"] and one["error"]["key"] for one in results] == [
        None, "quantity_exceeded", "invalid_input", "not_found", "invalid_input", "invalid_input",
    ]  # fmt: skip
    assert results[2]["error"]["details"][0]["pointer"] == "/redeemed_at"
    assert [one["id"] for one in again.json()["results"]] == [one["id"] for one in results]
    stack = RedemptionStack.objects.get()
    assert (str(stack.pk), stack.redeemed_at.isoformat()) == (results[0]["id"], "2026-11-20T17:00:00+00:00")


@pytest.mark.parametrize("body", [{}, {"items": []}, {"items": 7}, {"items": [{}] * 501}])
def test_offline_redemptions_are_a_list_of_at_most_five_hundred(api, body):
    assert post(api, "redemptions/offline", body).status_code == 422


def test_an_unknown_person_by_email_becomes_a_prospect_only_when_something_is_spent(api):
    coupon(promotion(), codes=["STORY-1"])
    body = wish("STORY-1", customer={"email": "new@example.com"})

    assert post(api, "validations", body).json()["valid"]
    post(api, "redemptions", wish("NOPE-1", customer={"email": "new@example.com"}), key="1")
    assert Customer.objects.count() == 0

    post(api, "redemptions", body, key="2")
    assert Customer.objects.get().status == "PROSPECT"


def test_a_validation_says_why_and_what_is_missing(api):
    coupon(promotion(conditions={"minimum_spend": {"amount": 11250}}), codes=["STORY-1"])

    body = post(api, "validations", wish("STORY-1", "NOPE-1")).json()

    assert body["valid"] is False
    assert body["reservation"] is None
    first, second = body["redeemables"]
    assert (first["status"], first["error"]["key"]) == ("INAPPLICABLE", "order_rules_violated")
    failed = [check for check in first["trace"] if not check["passed"]]
    assert failed == [
        {
            "rule": "minimum_spend",
            "passed": False,
            "actual": 10000,
            "expected": 11250,
            "missing": {"amount": 1250},
        }
    ]
    assert (second["code"], second["error"]["key"]) == ("NOPE-1", "not_found")


def test_a_validation_answers_for_another_moment(api):
    post(
        api,
        "promotions",
        {
            "code": "XMAS",
            "name": "Christmas",
            "effect": TEN,
            "starts_at": "2040-12-24T00:00:00+01:00",
            "coupon": {"code": "XMAS-40"},
            "activate": True,
        },
    )

    now = post(api, "validations", wish("XMAS-40")).json()
    then = post(api, "validations", wish("XMAS-40", at="2040-12-24T00:00:00+01:00")).json()

    assert now["redeemables"][0]["error"]["key"] == "coupon_not_active"
    assert then["valid"] is True


def test_partial_application_leaves_out_what_is_refused(api):
    coupon(promotion(), codes=["STORY-1"])

    answer = post(api, "redemptions", wish("STORY-1", "NOPE-1", application="PARTIAL"), key="1").json()

    assert [one["code"] for one in answer["redemptions"]] == ["STORY-1"]


def test_qualifications_judge_the_customers_own_coupons_and_what_is_asked(api):
    anna = customer()
    own = coupon(promotion(), holder=anna)
    promotion(trigger="AUTOMATIC", code="AUTO")
    promotion(trigger="AUTOMATIC", code="NEAR", conditions={"minimum_spend": {"amount": 11250}})
    body = {"customer": {"id": str(anna.public_id)}, "order": order()}

    wallet = post(api, "qualifications", body).json()["data"]
    both = post(api, "qualifications", body | {"automatic": True}).json()["data"]
    near = post(api, "qualifications", body | {"automatic": True, "include_near_miss": True}).json()["data"]

    assert [(one["type"], one["code"], one["discount_amount"]) for one in wallet] == [
        ("coupon", own.code, 1000)
    ]
    assert [one["code"] for one in both] == [own.code, "AUTO"]
    assert [(one["code"], one["eligible"], one["missing"]) for one in near][-1] == (
        "NEAR",
        False,
        {"amount": 1250},
    )


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"redeemables": []}, "/redeemables"),
        ({"redeemables": [{"type": "voucher", "code": "X"}]}, "/redeemables/0/type"),
        ({"redeemables": [{"type": "gift_card", "amount": 5}]}, "/redeemables/0/code"),
        ({"redeemables": [{"type": "gift_card", "code": "X", "amount": 0}]}, "/redeemables/0/amount"),
        ({"redeemables": [{"type": "points", "points": -5}]}, "/redeemables/0/points"),
        ({"redeemables": [{"type": "points", "points": 2**63}]}, "/redeemables/0/points"),
        ({"redeemables": [{"type": "points", "amount": 5}]}, "/redeemables/0/amount"),
        ({"redeemables": [{"type": "coupon", "code": "X"}] * 31}, "/redeemables"),
        ({"redeemables": [{"type": "coupon", "id": "1"}]}, "/redeemables/0/code"),
        (
            {"redeemables": [{"type": "coupon", "code": "AAAA"}, {"type": "coupon", "code": "aaaa"}]},
            "/redeemables/1",
        ),
        ({"reservation_key": "k" * 65}, "/reservation_key"),
        (
            {
                "order": {
                    "currency": "EUR",
                    "lines": [{"line_id": str(n), "unit_price": 1} for n in range(10_000)],
                }
            },
            "/order/lines",
        ),
        (
            {"order": {"currency": "EUR", "lines": [{"line_id": "1", "unit_price": 1, "quantity": "NaN"}]}},
            "/order/lines/0/quantity",
        ),
        (
            {"order": {"currency": "EUR", "lines": [{"line_id": "1", "unit_price": 10**30}]}},
            "/order/lines/0/unit_price",
        ),
        (
            {"order": {"currency": "EUR", "lines": [{"line_id": "1", "unit_price": 1, "price": 1}]}},
            "/order/lines/0/price",
        ),
        ({"order": {"currency": "EUR", "lines": []}}, "/order/lines"),
        ({"order": {"currency": "EURO", "lines": [{"line_id": "1", "unit_price": 1}]}}, "/order/currency"),
        (
            {"order": {"currency": "EUR", "lines": [{"line_id": "1", "unit_price": -1}]}},
            "/order/lines/0/unit_price",
        ),
        (
            {"order": {"currency": "EUR", "lines": [{"line_id": "1", "unit_price": 1}] * 2}},
            "/order/lines/1/line_id",
        ),
        (
            {"order": {"currency": "EUR", "lines": [{"line_id": "1", "unit_price": 1, "quantity": 0}]}},
            "/order/lines/0/quantity",
        ),
        ({"customer": "anna"}, "/customer"),
        ({"customer": {"email": "no address"}}, "/email"),
    ],
)
@pytest.mark.parametrize("path", ["validations", "redemptions"])
def test_bad_input_is_422_and_says_where(api, path, change, pointer):
    answer = post(api, path, wish("STORY-1") | change, key="k")

    assert (answer.status_code, answer.json()["key"]) == (422, "invalid_input")
    assert pointer in [one["pointer"] for one in answer.json()["details"]]
    assert RedemptionStack.objects.count() == 0


def test_a_plain_redemption_takes_four_statements_and_a_validation_two(api):
    at = timezone.now()
    source = Source.objects.create(code="shop", name="Shop")
    SourceProfile.objects.create(source=source, external_id="1", customer=customer(), observed_at=at)
    limits = [{"subject": "CUSTOMER", "uses": 9}, {"subject": "PROMOTION", "uses": 99}]
    shared = promotion(budget={"metric": "DISCOUNT_AMOUNT", "cap": 10**6}, limits=limits)
    coupon(shared, codes=["STORY-1"], max_uses=9)
    body = {"customer": {"source": "shop", "source_id": "1"}}
    cart = order(3330, 3330, 3340, source="shop")
    post(api, "redemptions", wish("STORY-1", cart=cart | {"source_id": "A-1"}, **body), key="1")

    with CaptureQueriesContext(connection) as spending:
        spent = post(api, "redemptions", wish("STORY-1", cart=cart | {"source_id": "A-2"}, **body), key="2")
    with CaptureQueriesContext(connection) as asking:
        asked = post(api, "validations", wish("STORY-1", cart=cart | {"source_id": "A-3"}, **body))

    assert (spent.status_code, asked.json()["valid"]) == (200, True)
    assert (len(statements(spending)), len(statements(asking))) == (4, 2)


def test_paying_with_a_card_takes_five_statements_and_its_answer_is_told_again(api):
    card = issue_gift_card(amount=5000, currency="EUR", at=timezone.now(), source_key="card")
    coupon(promotion(), codes=["STORY-1"], max_uses=9)
    paying = {"type": "gift_card", "code": card.code}
    alone = {"order": order(1000), "redeemables": [paying]}
    mixed = {"order": order(1000), "redeemables": [{"type": "coupon", "code": "STORY-1"}, paying]}
    post(api, "redemptions", alone, key="1")

    with CaptureQueriesContext(connection) as only_card:
        first = post(api, "redemptions", alone, key="2")
    with CaptureQueriesContext(connection) as with_coupon:
        both = post(api, "redemptions", mixed, key="3")

    assert (first.status_code, both.status_code) == (200, 200)
    assert (len(statements(only_card)), len(statements(with_coupon))) == (5, 6)
    again = post(api, "redemptions", alone, key="2")
    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")
    assert card.card.account.entries.filter(kind="DEBIT").count() == 3


def statements(captured) -> list[str]:
    around = ("BEGIN", "SAVEPOINT", "RELEASE", "COMMIT")
    return [one["sql"] for one in captured.captured_queries if not one["sql"].startswith(around)]


def test_a_cart_is_reserved_asked_again_and_given_up(api):
    coupon(promotion(), codes=["STORY-1"])
    body = wish("STORY-1", reservation={"ttl_minutes": 15})

    kept = post(api, "validations", body).json()["reservation"]
    other = post(api, "validations", wish("STORY-1")).json()
    moved = post(api, "validations", body | {"reservation_key": kept["key"]}).json()["reservation"]

    assert (other["valid"], other["redeemables"][0]["error"]["key"]) == (False, "quantity_exceeded")
    assert moved["key"] == kept["key"]
    assert moved["expires_at"] > kept["expires_at"]
    assert api.delete(f"/api/v1/reservations/{kept['key']}").status_code == 204
    gone = api.delete(f"/api/v1/reservations/{kept['key']}")
    assert (gone.status_code, gone.json()["key"]) == (404, "reservation_not_found")
    late = post(api, "redemptions", wish("STORY-1", reservation_key=kept["key"]), key="k")
    assert (late.status_code, late.json()["key"]) == (404, "reservation_not_found")


@pytest.mark.parametrize("reservation", [{"ttl_minutes": 0}, {"ttl_minutes": 10**9}, {"ttl": 1}, True, []])
def test_a_reservation_lasts_some_minutes(api, reservation):
    answer = post(api, "validations", wish("STORY-1", reservation=reservation))

    assert (answer.status_code, answer.json()["key"]) == (422, "invalid_input")


def test_a_gift_card_pays_over_the_api_and_its_code_is_kept_nowhere(api):
    at = timezone.now()
    code = issue_gift_card(amount=5000, currency="EUR", at=at, source_key="1").code
    body = {"order": order(3240), "redeemables": [{"type": "gift_card", "code": code}]}

    dry = post(api, "validations", body).json()
    first = post(api, "redemptions", body, key="1").json()
    second = post(api, "redemptions", body | {"order": order(2500)}, key="2").json()
    third = post(api, "redemptions", body, key="3")

    assert dry["redeemables"][0]["tender_amount"] == 3240
    assert (first["order"]["due_amount"], second["order"]["due_amount"]) == (0, 740)
    assert (first["redemptions"][0]["code"], first["redemptions"][0]["units"]) == (f"****{code[-4:]}", 3240)
    assert (third.status_code, third.json()["key"]) == (422, "gift_card_empty")
    stored = [bytes(one.body) for one in IdempotencyKey.objects.all()]
    assert not any(code.encode() in one for one in stored)
    assert code not in str(list(RedemptionStack.objects.values_list("trace", "cart", "order_totals")))


def test_a_till_cannot_tell_an_empty_card_from_one_that_never_was(till):
    at = timezone.now()
    code = issue_gift_card(amount=100, currency="EUR", at=at, source_key="1").code
    redeem_card = {"order": order(100), "redeemables": [{"type": "gift_card", "code": code}]}
    post(till, "redemptions", redeem_card, key="1")

    for number, name in enumerate((code, "ABCD-EFGH-JKMN-PQRS")):
        body = redeem_card | {"redeemables": [{"type": "gift_card", "code": name}]}
        spent = post(till, "redemptions", body, key=f"k{number}")
        asked = post(till, "validations", body).json()["redeemables"][0]
        assert (spent.status_code, spent.json()["key"]) == (404, "code_not_valid")
        assert (asked["code"], asked["error"]["key"], asked["trace"]) == (name, "code_not_valid", [])


def test_guessing_gift_cards_is_stopped(api):
    anna = customer(email="anna@example.com")
    body = {"customer": {"id": str(anna.public_id)}, "order": order()}
    for number in range(10):
        guess = [{"type": "gift_card", "code": f"ABCD-EFGH-JKMN-PQ{number:02}"}]
        assert post(api, "validations", body | {"redeemables": guess}).status_code == 200

    answer = post(api, "validations", body | {"redeemables": guess})

    assert (answer.status_code, answer.json()["key"]) == (429, "rate_limited")


def test_a_rollback_is_done_once(api):
    coupon(promotion(), codes=["STORY-1"])
    stack = post(api, "redemptions", wish("STORY-1"), key="1").json()["id"]

    first = post(api, f"redemptions/{stack}/rollback", {"reason": "changed"}, key="2")
    again = post(api, f"redemptions/{stack}/rollback", {}, key="3")

    assert (first.status_code, first.json()) == (200, {"id": stack, "status": "ROLLED_BACK"})
    assert (again.status_code, again.json()["key"]) == (409, "already_rolled_back")
    assert post(api, "redemptions/99/rollback", {}, key="4").status_code == 404
    assert Coupon.objects.get().uses == 0


# --- Who is told what ---


def spoilt_codes():
    anna = customer()
    coupon(promotion(), codes=["OFF-1"])
    Coupon.objects.filter(code="OFF-1").update(active=False)
    coupon(promotion(), codes=["USED-1"])
    Coupon.objects.filter(code="USED-1").update(uses=1)
    coupon(promotion(), codes=["HERS-1"], holder=anna)
    coupon(promotion(activate=False), codes=["DRAFT-1"])
    return ["NONE-1", "OFF-1", "USED-1", "HERS-1", "DRAFT-1"]


def test_without_the_right_to_know_every_bad_code_looks_the_same(till):
    answers = {}
    for number, code in enumerate(spoilt_codes()):
        redeemed = post(till, "redemptions", wish(code), key=str(number))
        judged = post(till, "validations", wish(code.lower())).json()["redeemables"][0]
        problem = redeemed.json() | {"request_id": ""}
        answers[code] = (redeemed.status_code, str(problem), str(judged | {"code": ""}))
        assert judged["code"] == code.lower()

    assert len(set(answers.values())) == 1
    assert answers["NONE-1"][0] == 404
    assert "code_not_valid" in answers["NONE-1"][1]


def test_with_the_right_to_know_each_says_what_it_is(api):
    keys = [
        post(api, "redemptions", wish(code), key=str(number)).json()["key"]
        for number, code in enumerate(spoilt_codes())
    ]

    assert keys == [
        "not_found",
        "coupon_disabled",
        "quantity_exceeded",
        "customer_rules_violated",
        "coupon_not_active",
    ]


def test_a_trace_is_for_those_who_may_know(till):
    coupon(promotion(), codes=["STORY-1"])

    assert post(till, "validations", wish("STORY-1")).json()["redeemables"][0]["trace"] == []
    assert post(till, "redemptions", wish("STORY-1"), key="1").json()["trace"] == []


def test_who_guesses_codes_is_stopped_after_ten_and_others_are_not(till):
    coupon(promotion(), codes=["GOOD-1"], max_uses=None)
    guess = [
        post(till, "redemptions", wish(f"NOPE-{n}", customer={"email": "e@x.org"}), key=f"{n}")
        for n in range(10)
    ]

    blocked = post(till, "redemptions", wish("GOOD-1", customer={"email": "e@x.org"}), key="a")
    other = post(till, "redemptions", wish("GOOD-1", customer={"email": "f@x.org"}), key="b")

    assert {one.status_code for one in guess} == {404}
    assert (blocked.status_code, blocked.json()["key"], blocked["Retry-After"]) == (
        429,
        "rate_limited",
        "600",
    )
    assert other.status_code == 200


def test_an_untrusted_client_is_stopped_after_a_thousand(monkeypatch):
    monkeypatch.setattr("operations.wrong_codes.PER_CLIENT", 3)
    untrusted = caller(ApiClientFactory(scopes=["coupons:redeem"], trusted=False))
    trusted = caller(ApiClientFactory(scopes=["coupons:redeem"]))

    for client in (untrusted, trusted):
        for _ in range(3):
            post(client, "validations", wish("NOPE-1"))

    assert post(untrusted, "validations", wish("NOPE-1")).status_code == 429
    assert post(trusted, "validations", wish("NOPE-1")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "promotions"),
        ("get", "promotions"),
        ("post", "promotions/SPRING/stop"),
        ("post", "promotions/SPRING/coupons"),
        ("post", "promotions/SPRING/publications"),
        ("post", "validations"),
        ("post", "qualifications"),
        ("post", "redemptions"),
        ("get", "redemptions/1"),
        ("post", "redemptions/1/rollback"),
        ("get", "coupons/STORY-1"),
        ("get", "coupons/STORY-1/qr.svg"),
        ("post", "apologies"),
        ("post", "apologies/1/approve"),
    ],
)
def test_a_client_without_the_scope_may_not(method, path):
    stranger = caller(ApiClientFactory(scopes=["customers:read"]))

    answer = getattr(stranger, method)(f"/api/v1/{path}", **({"format": "json"} if method == "post" else {}))

    assert (answer.status_code, answer.json()["key"]) == (403, "missing_scope")


# --- Apologies ---


def test_an_apology_in_one_call(api):
    anna = customer(email="anna@example.com")
    staff("agent")
    body = {
        "customer": {"email": "anna@example.com"},
        "amount": 1500,
        "reason": "late parcel",
        "agent": "agent",
    }

    answer = post(api, "apologies", body, key="1")

    assert (answer.status_code, answer.json()["status"]) == (201, "ISSUED")
    assert answer.json()["coupon"]["holder"] == str(anna.public_id)
    assert Event.objects.get(type="coupon.published").payload["channel"] == "email"


def test_an_apology_as_a_gift_card_tells_its_code_until_it_is_sent(api):
    customer(email="anna@example.com")
    body = {"customer": {"email": "anna@example.com"}, "amount": 1500, "reason": "late", "kind": "GIFT_CARD"}

    answer = post(api, "apologies", body, key="1")
    again = post(api, "apologies", body, key="1")
    SealedCode.objects.all().delete()
    late = post(api, "apologies", body, key="1")

    assert (answer.status_code, answer.json()["coupon"]) == (201, None)
    card = answer.json()["gift_card"]
    assert (len(card["code"]), card["amount"], card["code"][-4:]) == (16, 1500, card["last4"])
    assert again.json() == answer.json()
    assert late.json()["gift_card"] == {**card, "code": None}
    assert card["code"].encode() not in bytes(IdempotencyKey.objects.get().body)


def test_an_apology_above_the_allowance_waits(api):
    customer(email="anna@example.com")
    staff("agent")
    body = {
        "customer": {"email": "anna@example.com"},
        "amount": 5001,
        "reason": "late parcel",
        "agent": "agent",
    }

    alone = post(api, "apologies", body, key="1")
    staff("boss", is_superuser=True)
    waiting = post(api, "apologies", body, key="2")

    assert (alone.status_code, alone.json()["key"]) == (422, "agent_limit_exceeded")
    assert waiting.status_code == 202
    assert waiting.json() == {
        "id": str(Apology.objects.get().pk),
        "status": "AWAITING_APPROVAL",
        "key": "approval_required",
        "coupon": None,
    }
    path = f"apologies/{waiting.json()['id']}/approve"
    own = post(api, path, {"agent": "agent"}, key="3")
    approved = post(api, path, {"agent": "boss"}, key="4")
    assert own.status_code == 422
    assert (approved.status_code, approved.json()["status"]) == (200, "ISSUED")
    assert approved.json()["coupon"]["uses"] == 0


def test_a_client_that_names_who_asks_does_not_name_who_agrees(db):
    customer(email="anna@example.com")
    staff("agent")
    staff("boss", is_superuser=True)
    desk, console = (caller(ApiClientFactory(scopes=[f"apologies:{may}"])) for may in ("issue", "approve"))
    body = {"customer": {"email": "anna@example.com"}, "amount": 5001, "reason": "late", "agent": "agent"}
    path = f"apologies/{post(desk, 'apologies', body, key='1').json()['id']}/approve"

    refused = post(desk, path, {"agent": "boss"}, key="2")
    assert Apology.objects.get().status == "AWAITING_APPROVAL"
    approved = post(console, path, {"agent": "boss"}, key="3")

    assert (refused.status_code, refused.json()["key"]) == (403, "missing_scope")
    assert (approved.status_code, approved.json()["status"]) == (200, "ISSUED")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"agent": "nobody"}, "/agent"),
        ({"kind": "MONEY"}, "/kind"),
        ({"kind": "GIFT_CARD", "automatic": True}, "/automatic"),
        ({"amount": 0}, "/amount"),
        ({"percent": "10"}, "/amount"),
        ({"order": "123"}, "/order"),
        ({"channel": "phone"}, "/channel"),
    ],
)
def test_a_bad_apology_gives_nothing(api, change, pointer):
    customer(email="anna@example.com")
    staff("agent")
    body = {
        "customer": {"email": "anna@example.com"},
        "amount": 1500,
        "reason": "late parcel",
        "agent": "agent",
    }

    answer = post(api, "apologies", body | change, key="1")

    assert (answer.status_code, [one["pointer"] for one in answer.json()["details"]]) == (422, [pointer])
    assert Apology.objects.count() == 0


def test_a_budget_shows_what_was_used(api):
    coupon(
        promotion(amount(3000), code="SPRING", budget={"metric": "DISCOUNT_AMOUNT", "cap": 10000}),
        codes=["STORY-1"],
    )
    post(api, "redemptions", wish("STORY-1"), key="1")

    assert api.get("/api/v1/promotions/SPRING").json()["budget"]["used"] == 3000
    assert BudgetPeriod.objects.get().used == 3000


# --- What must not slip through ---


def test_a_source_id_gives_nobody_else_s_coupon(api):
    promotion(code="SPRING")
    body = {"customer": {"email": "anna@example.com"}, "source_id": "mail-1"}
    first = post(api, "promotions/SPRING/publications", body)

    other = post(api, "promotions/SPRING/publications", body | {"customer": {"email": "bea@example.com"}})

    assert (first.status_code, other.status_code, other.json()["key"]) == (201, 409, "conflict")
    assert Customer.objects.count() == 1
    assert Coupon.objects.count() == 1


def test_a_refused_call_leaves_no_prospect(api):
    promotion(code="DRAFT", activate=False)
    promotion(code="SPRING")
    coupon(promotion(), codes=["TAKEN-1"])
    person = {"email": "anna@example.com"}

    published = post(api, "promotions/DRAFT/publications", {"customer": person, "source_id": "1"})
    issued = post(api, "promotions/SPRING/coupons", {"codes": ["TAKEN-1"], "holder": person})

    assert (published.status_code, issued.status_code) == (422, 409)
    assert Customer.objects.count() == 0


def test_who_looks_up_codes_is_stopped_as_who_spends_them(monkeypatch):
    monkeypatch.setattr("operations.wrong_codes.PER_CLIENT", 3)
    coupon(promotion(), codes=["GOOD-1"])
    desk = caller(ApiClientFactory(scopes=["coupons:explain"], trusted=False))

    guesses = [desk.get(f"/api/v1/coupons/NOPE-{n}").status_code for n in range(3)]

    assert guesses == [404, 404, 404]
    assert desk.get("/api/v1/coupons/GOOD-1").status_code == 429


def test_codes_left_out_of_a_partial_application_count_as_guesses(till):
    coupon(promotion(), codes=["GOOD-1"], max_uses=None)
    who = {"customer": {"email": "e@x.org"}, "application": "PARTIAL"}
    guesses = [f"NOPE-{n}" for n in range(10)]

    first = post(till, "redemptions", wish("GOOD-1", *guesses, **who), key="1")
    replayed = post(till, "redemptions", wish("GOOD-1", *guesses, **who), key="1")
    blocked = post(till, "redemptions", wish("GOOD-1", **who), key="2")

    assert (first.status_code, replayed.status_code, blocked.status_code) == (200, 200, 429)
    assert RedemptionStack.objects.count() == 1


def test_the_number_of_an_order_may_be_as_long_as_promised(api):
    coupon(promotion(), codes=["LONG-1"], max_uses=None)
    body = wish("LONG-1", cart=order(1000, source_id="n" * 128))

    first = post(api, "redemptions", body, key="1")
    again = post(api, "redemptions", body, key="2")

    assert first.status_code == 200, first.content
    assert (again.status_code, again.json()["key"]) == (409, "duplicate_redemption")


@pytest.mark.parametrize("application", ["ALL", "PARTIAL"])
def test_every_unknown_code_of_a_refused_stack_counts_as_a_guess(till, application):
    coupon(promotion(), codes=["OFF-1"])
    Coupon.objects.update(active=False)
    who = {"customer": {"email": "e@x.org"}, "application": application}

    refused = post(till, "redemptions", wish("OFF-1", *[f"NOPE-{n}" for n in range(10)], **who), key="1")
    blocked = post(till, "redemptions", wish("OFF-1", **who), key="2")

    assert (refused.status_code, blocked.status_code) == (404, 429)
    assert RedemptionStack.objects.count() == 0


@pytest.mark.parametrize("part", ["budget", "conditions", "stacking", "coupon", "effect", "limits"])
def test_a_part_of_the_wrong_shape_is_not_taken_for_none(api, part):
    empty = {} if part == "limits" else []

    answer = post(api, "promotions", {"code": "SPRING", "name": "Spring", "effect": TEN, part: empty})

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["details"]] == [f"/{part}"]
    assert Promotion.objects.count() == 0


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        ({"line_id": " ", "unit_price": 1}, "/order/lines/0/line_id"),
        ({"line_id": "a" * 65, "unit_price": 1}, "/order/lines/0/line_id"),
        ({"line_id": "1", "unit_price": True}, "/order/lines/0/unit_price"),
        ({"line_id": "1", "unit_price": 1.5}, "/order/lines/0/unit_price"),
        ({"line_id": "1", "unit_price": 1, "quantity": 10**6}, "/order/lines/0/quantity"),
        ({"line_id": "1", "unit_price": 1, "quantity": -1}, "/order/lines/0/quantity"),
        ({"line_id": "1", "unit_price": 10**12, "quantity": 2}, "/order/lines/0/quantity"),
        ({"line_id": "1", "unit_price": 10**12, "quantity": "1.001"}, "/order/lines/0/quantity"),
        ({"line_id": "1", "unit_price": 1, "colour": "red"}, "/order/lines/0/colour"),
        ({"line_id": "1"}, "/order/lines/0/unit_price"),
        ([], "/order/lines/0"),
    ],
)
def test_a_wrong_line_is_422_and_says_where(api, line, pointer):
    answer = post(api, "validations", wish("STORY-1", cart={"currency": "EUR", "lines": [line]}))

    assert (answer.status_code, answer.json()["key"]) == (422, "invalid_input")
    assert any(one["pointer"].startswith(pointer) for one in answer.json()["details"])


def test_the_dearest_cart_there_can_be_is_spent_and_stored(api):
    coupon(promotion(effect=TEN), codes=["STORY-1"])
    lines = [{"line_id": str(n), "unit_price": 10**12} for n in range(1000)]

    answer = post(api, "redemptions", wish("STORY-1", cart={"currency": "EUR", "lines": lines}), key="k")

    assert answer.status_code == 200
    assert answer.json()["order"]["total_amount"] == 9 * 10**14


def test_an_unusual_line_is_read_like_an_ordinary_one(api):
    coupon(promotion(), codes=["STORY-1"])
    lines = [
        {"line_id": " 1 ", "unit_price": "3330", "quantity": "1.000"},
        {"line_id": 2, "unit_price": 3330, "sku": "", "tax_rate": "22", "metadata": {"gift": True}},
        {"line_id": "3", "unit_price": 3340, "quantity": 1, "sku": "TEA"},
    ]

    answer = post(api, "validations", wish("STORY-1", cart={"currency": "EUR", "lines": lines})).json()

    assert [one["line_id"] for one in answer["order"]["lines"]] == ["1", "2", "3"]
    assert (answer["order"]["amount"], answer["order"]["discount_amount"]) == (10000, 1000)
