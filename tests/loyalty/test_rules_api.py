import pytest

from coupons.models import LedgerEntry
from loyalty.models import EarningRule
from tests.factories import CustomerFactory, ProductFactory
from tests.loyalty.factories import make_rule

pytestmark = pytest.mark.django_db
URL = "/api/v1/earning-rules"


def test_a_rule_of_every_term_is_written_and_read_back(api):
    body = {
        "code": "wine", "name": "Wine", "kind": "PER_UNIT", "points": 20, "per_quantity": 3,
        "conditions": {"items": {"categories": ["Wine"]}, "stores": ["milan"]},
        "multipliers": [{"factor": "2", "weekdays": ["SAT"]}],
        "caps": [{"subject": "CUSTOMER", "period": "MONTH", "points": 500}],
        "expiry": {"kind": "DATE", "month": 3, "day": 31, "years": 1},
        "holding": "RETURN_WINDOW", "exclusive": True, "priority": 3, "ends_at": "2030-01-01T00:00:00Z",
    }  # fmt: skip

    made = api.post(URL, body)
    read = api.get(f"{URL}/wine").json()

    assert made.status_code == 201
    assert {name: read[name] for name in body if name != "ends_at"} == {
        n: v for n, v in body.items() if n != "ends_at"
    }
    assert (read["version"], read["valid_months"], read["per_amount"]) == (1, None, None)


def test_a_change_of_the_terms_is_a_new_version_and_the_rest_stays(api):
    make_rule(caps=[{"subject": "EVENT", "points": 500}], valid_months=12)

    changed = api.patch(f"{URL}/euros", {"points": 2, "valid_months": 24})
    renamed = api.patch(f"{URL}/euros", {"name": "Double"})

    assert changed.json()["version"] == renamed.json()["version"] == 2
    read = renamed.json()
    assert (read["points"], read["valid_months"], read["name"]) == (2, 24, "Double")
    assert read["caps"] == [{"subject": "EVENT", "points": 500}]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"event_type": "points.changed", "kind": "PER_EVENT"}, "/event_type"),
        ({"event_type": "nonsense", "kind": "PER_EVENT"}, "/event_type"),
        ({"event_type": "review.written", "kind": "PER_AMOUNT"}, "/kind"),
        ({"per_amount": None, "kind": "PER_AMOUNT"}, "/per_amount"),
        ({"caps": [{"subject": "CUSTOMER"}]}, "/caps/0/points"),
        ({"caps": [{"subject": "EVENT", "times": 1}]}, "/caps/0/times"),
        ({"conditions": {"moon": "full"}}, "/conditions/moon"),
        ({"conditions": {"items": {}}}, "/conditions/items"),
        ({"conditions": {"from": "31/12/2026"}}, "/conditions/from"),
        ({"conditions": {"hours": {"from": "11:00", "until": "09:00"}}}, "/conditions/hours/until"),
        ({"conditions": {"payload": {"rating": 5}}}, "/conditions/payload"),
        ({"expiry": {"kind": "DATE", "month": 2, "day": 30}}, "/expiry/day"),
        ({"expiry": {"kind": "SOON"}}, "/expiry/kind"),
        ({"holding": "DAYS"}, "/holding_days"),
        ({"gives": "DRAW_ENTRIES", "draw": "none"}, "/draw"),
        ({"starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}, "/ends_at"),
        ({"multipliers": [{"factor": "11"}]}, "/multipliers/0/factor"),
    ],
)
def test_each_mistake_says_where_it_is_and_nothing_is_written(api, change, pointer):
    answer = api.post(URL, {"code": "euros", "points": 1, "per_amount": 100} | change)

    assert answer.status_code == 422
    assert pointer in [one["pointer"] for one in answer.json()["details"]]
    assert not EarningRule.objects.exists()


def test_a_simulation_says_what_each_rule_gives_and_why(api):
    make_rule(conditions={"items": {"categories": ["Wine"]}}, holding="DAYS", holding_days=5)
    make_rule(code="milan", conditions={"stores": ["milan"]})
    ProductFactory(sku="W", category="Wine")
    body = {
        "customer": {"id": str(CustomerFactory().public_id)},
        "at": "2026-11-21T12:00:00Z",
        "store": "rome",
        "lines": [{"sku": "W", "quantity": "2", "amount": 2990}, {"sku": "B", "amount": 1000}],
    }

    answer = api.post(f"{URL}/simulate", body).json()

    assert (answer["points"], answer["pending"], answer["draw_entries"]) == (29, 29, 0)
    wine, milan = answer["rules"]
    assert (wine["points"], wine["amount"], wine["spendable_from"]) == (29, 2990, "2026-11-27T00:00:00+01:00")
    assert (milan["applies"], milan["points"]) == (False, 0)
    assert [check for check in milan["trace"] if not check["passed"]] == [
        {"name": "stores", "passed": False, "text": "Store: milan; here: rome"}
    ]
    assert not LedgerEntry.objects.exists()
