import pytest
from django.utils import timezone

from customers.models import Customer
from loyalty.models import Membership, Tier, TierLadder, TierPeriod
from operations.models import JobRun
from tests.factories import CustomerFactory
from tests.loyalty.tiers import buy, make_ladder, make_tiers

pytestmark = pytest.mark.django_db
PLAN = {"code": "prime", "name": "Prime", "price_amount": 4900, "period": "YEAR", "multiplier": "2"}


def pay(source_id="p-1", **more):
    return {"source_id": source_id, "amount": 4900, "paid_at": timezone.now().isoformat()} | more


def test_tiers_are_made_read_and_changed(api):
    made = api.post("/api/v1/tiers", {"code": "gold", "name": "Gold", "threshold": 1000, "multiplier": "1.5"})
    changed = api.patch("/api/v1/tiers/gold", {"perks": ["A gift on your birthday"]})
    listed = api.get("/api/v1/tiers").json()["data"]

    assert (made.status_code, made.json()["segment"], made.json()["threshold"]) == (201, "tier--gold", 1000)
    assert changed.json()["perks"] == ["A gift on your birthday"]
    assert [tier["code"] for tier in listed] == ["gold"]
    assert api.get("/api/v1/tiers/silver").status_code == 404
    assert api.post("/api/v1/tiers", {"code": "gold", "threshold": 2000}).status_code == 409
    assert api.post("/api/v1/tiers", {"code": "first", "threshold": 1000}).status_code == 409
    assert api.post("/api/v1/tiers", {"code": "odd", "threshold": 5, "multiplier": "0.5"}).status_code == 422


@pytest.mark.parametrize(
    ("body", "metric", "months", "threshold"),
    [
        ({"from_points": 1000, "window_days": 365}, "POINTS", 12, 1000),
        ({"from_amount": 50_000, "window_days": 180}, "AMOUNT", 6, 50_000),
        ({"from_years": 3}, "YEARS", 12, 3),
    ],
)
def test_the_first_tier_says_what_the_ladder_measures(api, body, metric, months, threshold):
    made = api.post("/api/v1/tiers", {"code": "gold", "multiplier": "1.5"} | body)

    ladder = api.get("/api/v1/tier-ladder").json()
    assert (made.status_code, made.json()["threshold"], made.json()["multiplier"]) == (201, threshold, "1.50")
    assert (ladder["metric"], ladder["window"], ladder["months"]) == (metric, "ROLLING", months)
    named = {name: made.json()[name] for name in ("from_points", "from_amount", "from_years")}
    assert named == dict.fromkeys(named) | {f"from_{metric.lower()}": threshold}
    assert made.json()["window_days"] == {"POINTS": 365, "AMOUNT": 182, "YEARS": None}[metric]


def test_a_ladder_of_points_can_be_tried_out_in_years(api):
    api.post("/api/v1/tiers", {"code": "gold", "threshold": 10**12})
    CustomerFactory()

    tried = api.post("/api/v1/tier-ladder/preview", {"metric": "YEARS"})

    assert (tried.status_code, tried.json().get("key")) == (200, None)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"from_amount": 5000}, "/from_amount"),
        ({"from_points": 5000, "window_days": 30}, "/window_days"),
        ({"from_points": 5000, "from_years": 1}, "/from_years"),
        ({"threshold": 5000, "window_days": 365}, "/window_days"),
        ({}, "/threshold"),
    ],
)
def test_the_next_tier_is_measured_like_the_first(api, body, pointer):
    api.post("/api/v1/tiers", {"code": "silver", "from_points": 1000, "window_days": 365})

    refused = api.post("/api/v1/tiers", {"code": "gold"} | body)
    same = api.post("/api/v1/tiers", {"code": "gold", "from_points": 5000, "window_days": 365})

    assert (refused.status_code, refused.json()["details"][0]["pointer"]) == (422, pointer)
    assert same.status_code == 201
    assert Tier.objects.count() == 2


def test_a_customer_reads_what_is_missing(api):
    make_ladder()
    make_tiers(silver=50000, gold=100000)
    customer = CustomerFactory()
    buy(customer, 60000, timezone.now())
    api.post(f"/api/v1/customers/{customer.public_id}/tier", {"tier": "silver", "reason": "a promise"})

    tier = api.get(f"/api/v1/customers/{customer.public_id}/tier").json()
    points = api.get(f"/api/v1/customers/{customer.public_id}/points").json()
    told = api.get(f"/api/v1/customers/{customer.public_id}").json()

    assert tier["tier"] == {"code": "silver", "name": "Silver"}
    assert (tier["value"], tier["next_tier"]["missing"], tier["metric"]) == (60000, 40000, "AMOUNT")
    assert points["tier"] == "Silver"
    assert points["next_tier"] == {"name": "Gold", "missing": 40000, "code": "gold", "metric": "AMOUNT"}
    assert told["tier"] == "Silver"


def test_a_tier_given_by_hand_needs_a_reason_and_a_day_ahead(api):
    make_tiers(silver=50000)
    url = f"/api/v1/customers/{CustomerFactory().public_id}/tier"

    answers = [
        api.post(url, {"tier": "silver"}).status_code,
        api.post(url, {"tier": "silver", "reason": " "}).status_code,
        api.post(url, {"tier": "silver", "reason": "late", "until": "2020-01-01"}).status_code,
        api.post(url, {"tier": "none", "reason": "typo"}).status_code,
    ]

    assert answers == [422, 422, 422, 404]
    assert not TierPeriod.objects.exists()


def test_a_change_of_the_ladder_is_tried_before_it_is_made(api):
    make_ladder()
    make_tiers(silver=50000, gold=100000)
    buyer = CustomerFactory()
    CustomerFactory()
    buy(buyer, 60000, timezone.now())
    wished = {"thresholds": [{"tier": "gold", "threshold": 60000}], "grace_days": 30}

    preview = api.post("/api/v1/tier-ladder/preview", wished).json()
    untouched = Tier.objects.get(code="gold").threshold
    made = api.put("/api/v1/tier-ladder", wished).json()

    assert (preview["people"], preview["rising"], preview["falling"]) == (2, 1, 0)
    assert preview["tiers"][0] == {"tier": "gold", "name": "Gold", "now": 0, "then": 1}
    assert preview["tiers"][2] == {"tier": None, "name": None, "now": 2, "then": 1}
    assert untouched == 100000
    assert [tier["threshold"] for tier in made["tiers"]] == [50000, 60000]
    assert TierLadder.objects.get().grace_days == 30
    assert JobRun.objects.get(kind="loyalty.tiers").pk == int(made["job"])


@pytest.mark.parametrize(
    "wished",
    [
        {"thresholds": [{"tier": "gold", "threshold": 50000}]},
        {"window": "CALENDAR", "months": 5},
        {"months": 0},
        {"metric": "SMILES"},
    ],
)
def test_a_ladder_that_contradicts_itself_is_refused(api, wished):
    make_ladder()
    make_tiers(silver=50000, gold=100000)

    assert api.put("/api/v1/tier-ladder", wished).status_code == 422

    assert (Tier.objects.get(code="gold").threshold, TierLadder.objects.get().months) == (100000, 12)
    assert not JobRun.objects.exists()


def test_a_membership_is_begun_paid_and_cancelled(api):
    api.post("/api/v1/membership-plans", PLAN)
    customer = CustomerFactory()
    body = {"customer": {"id": str(customer.public_id)}, "plan": "prime", "payment": pay()}

    begun = api.post("/api/v1/memberships", body)
    again = api.post("/api/v1/memberships", body)
    url = f"/api/v1/memberships/{begun.json()['id']}"
    renewed = api.post(f"{url}/payments", pay("p-2"))
    tier = api.get(f"/api/v1/customers/{customer.public_id}/tier").json()
    ended = api.post(f"{url}/cancel", {"at_once": True, "reason": "moved away"})

    assert (begun.status_code, again.json()) == (201, begun.json())
    assert [payment["source_id"] for payment in renewed.json()["payments"]] == ["p-1", "p-2"]
    assert (tier["benefits"]["multiplier"], tier["benefits"]["segments"]) == ("2.00", ["membership--prime"])
    # The second year has not begun: it goes back whole, and nearly all of the first.
    assert (ended.json()["status"], ended.json()["payments"][1]["refund_amount"]) == ("ENDED", 4900)
    assert ended.json()["payments"][0]["refund_amount"] in (4887, 4886)  # 364 of 365 or 365 of 366 days.
    assert api.get("/api/v1/memberships", {"customer": str(customer.public_id)}).json()["data"] == [
        ended.json()
    ]
    assert Customer.objects.get().memberships.filter(left_at__isnull=True).count() == 0


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"plan": "none"}, 404),
        ({"customer": {"id": "none"}}, 404),
        ({"payment": {"source_id": "x", "amount": -1, "paid_at": "2026-01-01T00:00:00Z"}}, 422),
        ({"payment": {"source_id": "x", "amount": 1, "paid_at": "2190-01-01T00:00:00Z"}}, 422),
        (
            {
                "payment": {
                    "source_id": "x",
                    "amount": 1,
                    "currency": "USD",
                    "paid_at": "2026-01-01T00:00:00Z",
                }
            },
            422,
        ),
        ({"payment": {"source_id": "x", "amount": 1, "periods": 0, "paid_at": "2026-01-01T00:00:00Z"}}, 422),
    ],
)
def test_a_membership_that_cannot_be_is_refused_and_nothing_is_written(api, change, status):
    api.post("/api/v1/membership-plans", PLAN)
    customer = CustomerFactory()
    body = {"customer": {"id": str(customer.public_id)}, "plan": "prime", "payment": pay()}

    assert api.post("/api/v1/memberships", body | change).status_code == status

    assert not Membership.objects.exists()
