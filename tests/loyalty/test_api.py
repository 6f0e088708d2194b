import pytest
from django.contrib.auth.models import Permission

from coupons.models import LedgerEntry
from loyalty.services import earn_points
from operations.models import Approval
from tests.api import caller
from tests.coupons.factories import staff
from tests.factories import NOON, ApiClientFactory, CustomerFactory, OrderFactory
from tests.loyalty.factories import make_rule

pytestmark = pytest.mark.django_db
KEY = {"HTTP_IDEMPOTENCY_KEY": "one"}


def points_url(customer):
    return f"/api/v1/customers/{customer.public_id}/points"


def test_points_are_read_given_and_spent(api):
    customer = CustomerFactory()

    before = api.get(points_url(customer)).json()
    given = api.post(points_url(customer), {"points": 100, "reason": "welcome"}, **KEY)
    spent = api.post(points_url(customer), {"points": -30, "reason": "a mug"}, HTTP_IDEMPOTENCY_KEY="two")

    assert before == {"balance": 0, "pending": 0, "expiring": [], "tier": None, "next_tier": None}
    assert (given.status_code, given.json()["balance"]) == (201, 100)
    assert spent.json()["balance"] == 70
    assert api.get(points_url(customer)).json()["balance"] == 70


def test_a_gift_sent_twice_is_given_once(api):
    customer = CustomerFactory()
    body = {"points": 100, "reason": "welcome"}

    first = api.post(points_url(customer), body, **KEY)
    second = api.post(points_url(customer), body, **KEY)

    assert second.content == first.content
    assert second["Idempotent-Replayed"] == "true"
    assert LedgerEntry.objects.count() == 1


def test_points_with_a_term_are_shown_as_pending_and_expiring(api):
    customer = CustomerFactory()
    pending = {"points": 5, "reason": "soon", "activates_at": "2199-01-01T00:00:00Z"}
    expiring = {"points": 7, "reason": "hurry", "expires_at": "2198-01-01T00:00:00Z"}
    api.post(points_url(customer), pending, HTTP_IDEMPOTENCY_KEY="a")
    api.post(points_url(customer), expiring, HTTP_IDEMPOTENCY_KEY="b")

    points = api.get(points_url(customer)).json()

    assert (points["balance"], points["pending"]) == (7, 5)
    assert points["expiring"] == [{"points": 7, "at": "2198-01-01T01:00:00+01:00"}]


@pytest.mark.parametrize(
    "body",
    [
        {"points": 0, "reason": "nothing"},
        {"points": 1.5, "reason": "half"},
        {"points": 10**12, "reason": "too many"},
        {"points": 5},
        {"points": 5, "reason": ""},
        {"points": 5, "reason": "late", "expires_at": "2020-01-01T00:00:00Z"},
        {"points": -5, "reason": "odd", "expires_at": "2199-01-01T00:00:00Z"},
        {"points": 5, "reason": "typo", "expries_at": "2199-01-01T00:00:00Z"},
    ],
)
def test_malformed_adjustments_are_refused_and_nothing_changes(api, body):
    customer = CustomerFactory()

    assert api.post(points_url(customer), body, **KEY).status_code == 422

    assert LedgerEntry.objects.count() == 0


def test_more_than_there_is_cannot_be_spent(api):
    customer = CustomerFactory()
    api.post(points_url(customer), {"points": 10, "reason": "welcome"}, **KEY)

    refused = api.post(points_url(customer), {"points": -11, "reason": "a mug"}, HTTP_IDEMPOTENCY_KEY="two")

    assert (refused.status_code, refused.json()["key"]) == (422, "points_exceeded")
    assert api.get(points_url(customer)).json()["balance"] == 10


def test_an_adjustment_needs_an_idempotency_key(api):
    refused = api.post(points_url(CustomerFactory()), {"points": 1, "reason": "x"})

    assert (refused.status_code, refused.json()["key"]) == (400, "idempotency_key_missing")


def test_an_unknown_customer_is_not_found(api):
    assert api.get("/api/v1/customers/nobody/points").status_code == 404


def test_an_earning_rule_is_made_listed_and_works(api):
    body = {"code": "euros", "points": 1, "per_amount": 100, "multipliers": [{"factor": "2"}]}

    made = api.post("/api/v1/earning-rules", body)
    order = OrderFactory()
    earn_points(order, at=NOON)

    assert made.status_code == 201
    assert made.json()["multipliers"] == [{"factor": "2"}]
    assert api.get("/api/v1/earning-rules/euros").json() == made.json()
    assert [rule["code"] for rule in api.get("/api/v1/earning-rules").json()["data"]] == ["euros"]
    assert api.get(points_url(order.customer)).json()["balance"] == 100


@pytest.mark.parametrize(
    "fields",
    [{"points": 0}, {"per_amount": 0}, {"event_type": "moon.rose"}, {"multipliers": [{"factor": "-1"}]}],
)
def test_malformed_rules_are_refused(api, fields):
    body = {"code": "euros", "points": 1, "per_amount": 100} | fields

    assert api.post("/api/v1/earning-rules", body).status_code == 422

    assert api.get("/api/v1/earning-rules").json()["data"] == []


def test_reading_points_is_not_writing_them():
    make_rule()
    reader = caller(ApiClientFactory(scopes=["loyalty:read"]))
    customer = CustomerFactory()

    assert reader.get(points_url(customer)).status_code == 200
    assert reader.post(points_url(customer), {"points": 1, "reason": "x"}, **KEY).status_code == 403


def test_points_in_an_agents_name_wait_above_the_limit_of_the_day(api, settings):
    settings.POINTS_DAILY_LIMIT = 100
    staff("anna")
    staff("sofia").user_permissions.add(Permission.objects.get(codename="approve_points"))
    url, body = points_url(CustomerFactory()), {"points": 80, "reason": "a late parcel", "agent": "anna"}

    within = api.post(url, body, **KEY)
    above = api.post(url, body, HTTP_IDEMPOTENCY_KEY="two")

    assert (within.status_code, within.json()["balance"]) == (201, 80)
    assert (above.status_code, above.json()["balance"]) == (202, 80)
    assert Approval.objects.get().kind == "points"


def test_nobody_gives_points_in_the_name_of_a_stranger(api):
    body = {"points": 80, "reason": "a late parcel", "agent": "nobody"}

    refused = api.post(points_url(CustomerFactory()), body, **KEY)

    assert (refused.status_code, refused.json()["details"][0]["pointer"]) == (422, "/agent")
    assert not LedgerEntry.objects.exists()
