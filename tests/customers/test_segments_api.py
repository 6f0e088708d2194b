import pytest

from customers.services import create_segment
from tests.api import caller
from tests.factories import ApiClientFactory, ConsentFactory, CustomerFactory

IN_MILAN = {
    "combinator": "and",
    "rules": [{"field": "customer.city", "operator": "=", "value": "Milano"}],
}


def test_a_segment_is_defined_refreshed_and_listed(api):
    alice, _ = CustomerFactory(city="Milano"), CustomerFactory(city="Roma")

    made = api.post("/api/v1/segments", {"code": "milan", "name": "Milan", "rules": IN_MILAN})
    change = api.post("/api/v1/segments/milan/refresh", {})
    again = api.post("/api/v1/segments/milan/refresh", {"as_of": "2999-01-01"})

    assert (made.status_code, made.json()["size"], made.json()["rules"]) == (201, 0, IN_MILAN)
    assert change.json() == {"entered": 1, "left": 0, "size": 1}
    assert again.json() == {"entered": 0, "left": 0, "size": 1}
    (member,) = api.get("/api/v1/segments/milan/members").json()["data"]
    assert member["customer"] == str(alice.public_id)
    assert [row["code"] for row in api.get("/api/v1/segments").json()["data"]] == ["milan"]
    assert api.get(f"/api/v1/segments/{made.json()['id']}").json()["size"] == 1


def test_a_preview_counts_and_says_why_the_rest_cannot_be_reached(api):
    alice = CustomerFactory()
    bob = CustomerFactory()
    ConsentFactory(customer=alice)

    preview = api.post("/api/v1/segments/preview", {"rules": IN_MILAN}).json()

    assert preview["count"] == 2
    assert preview["reachable"]["email"] == 1
    assert preview["unreachable"]["email"] == {"no_consent": 1, "suppressed": 0}
    assert preview["sample"] == [str(alice.public_id), str(bob.public_id)]


def test_bad_rules_are_refused_with_their_place_and_nothing_is_written(api):
    rules = {"combinator": "and", "rules": [{"field": "customer.shoe", "operator": "="}]}

    refused = api.post("/api/v1/segments", {"code": "shoes", "name": "Shoes", "rules": rules})

    assert refused.status_code == 422
    assert refused.json()["details"][0]["pointer"] == "/rules/rules/0/field"
    assert api.get("/api/v1/segments").json()["data"] == []


def test_a_code_in_use_is_a_conflict_and_an_unknown_one_is_not_found(api):
    api.post("/api/v1/segments", {"code": "milan", "name": "Milan", "rules": IN_MILAN})

    taken = api.post("/api/v1/segments", {"code": "milan", "name": "Milan", "rules": IN_MILAN})

    assert (taken.status_code, taken.json()["key"]) == (409, "conflict")
    assert api.post("/api/v1/segments/rome/refresh", {}).status_code == 404
    assert api.get("/api/v1/segments/99999999999999999999/members").status_code == 404


def test_bad_times_are_refused(api):
    api.post("/api/v1/segments", {"code": "milan", "name": "Milan", "rules": IN_MILAN})

    for as_of in ("yesterday", "2026-11-21T12:00:00", "0001-01-01", 5):
        assert api.post("/api/v1/segments/milan/refresh", {"as_of": as_of}).status_code == 422


def test_the_catalogue_names_fields_operators_and_choices(api):
    fields = {field["field"]: field for field in api.get("/api/v1/segment-fields").json()["data"]}

    assert "GRANTED" in fields["consent.email.MARKETING"]["choices"]
    assert fields["customer.city"]["operators"][:2] == ["=", "!="]
    assert "sku" in [field["field"] for field in fields["event.order.recorded"]["where"]]


def test_an_explanation_says_what_is_true_of_one_customer(api):
    alice = CustomerFactory(city="Roma")
    api.post("/api/v1/segments", {"code": "milan", "name": "Milan", "rules": IN_MILAN})

    explained = api.get(f"/api/v1/customers/{alice.public_id}/explain?segment=milan").json()

    assert (explained["met"], explained["member"]) == (False, False)
    assert explained["rules"][0]["actual"] == "Roma"
    assert api.get(f"/api/v1/customers/{alice.public_id}/explain").status_code == 422
    assert api.get("/api/v1/customers/nobody/explain?segment=milan").status_code == 404


def test_reading_and_writing_segments_take_their_scopes(db):
    reader = caller(ApiClientFactory(scopes=["segments:read"]))

    assert reader.get("/api/v1/segments").status_code == 200
    refused = reader.post("/api/v1/segments", {"code": "milan", "name": "Milan", "rules": IN_MILAN})
    assert (refused.status_code, refused.json()["key"]) == (403, "missing_scope")


def test_fields_tell_a_builder_all_it_needs(api):
    answer = api.get("/api/v1/segment-fields")

    body = answer.json()
    fields = {field["field"]: field for field in body["data"]}
    age, random, order = fields["customer.age"], fields["random.a"], fields["event.order.recorded"]
    assert (age["group"], age["unit"], age["minimum"], age["maximum"]) == ("Person", "years", 0, 150)
    assert (random["pattern"], random["parameter"]) == ("random.*", "Any word: each draws anew")
    amount = next(field for field in order["where"] if field["field"] == "amount")
    assert amount["functions"] == ["sum", "avg", "max", "min", "distinct"]
    assert body["parameters"]["seasons"]["winter"] == "Winter"
    assert body["parameters"]["limits"] == {"depth": 6, "leaves": 100, "values": 1000, "steps": 5}


def test_a_segment_is_changed_and_names_its_neighbours(api):
    create_segment(code="inner", name="Inner", rules={"combinator": "and", "rules": []})
    inside = {"combinator": "and", "rules": [{"field": "segment", "operator": "=", "value": "inner"}]}
    create_segment(code="outer", name="Outer", rules=inside)

    changed = api.patch("/api/v1/segments/inner", {"name": "Core", "refresh": "LIVE"})
    circle = api.patch("/api/v1/segments/inner", {"rules": inside})

    assert (changed.status_code, changed.json()["name"], changed.json()["refresh"]) == (200, "Core", "LIVE")
    assert (circle.status_code, circle.json()["details"][0]["pointer"]) == (422, "/rules")
    assert api.get("/api/v1/segments/inner").json()["used_by"] == ["outer"]
    assert api.get("/api/v1/segments/outer").json()["depends_on"] == ["inner"]


def test_customers_are_decided_by_hand_and_segments_compared(api):
    customer = CustomerFactory()
    create_segment(code="vip", name="VIP", kind="MANUAL")
    create_segment(code="other", name="Other", kind="MANUAL")
    reference = {"id": str(customer.public_id)}

    decided = api.post(
        "/api/v1/segments/vip/decisions",
        {"customer": reference, "decision": "INCLUDE", "reason": "asked"},
    )
    overlap = api.get("/api/v1/segments/vip/overlap?with=other")
    history = api.get("/api/v1/segments/vip/history?days=2")
    why = api.get(f"/api/v1/customers/{customer.public_id}/explain?segment=vip")
    members = api.get("/api/v1/segments/vip/members")
    undecided = api.post("/api/v1/segments/vip/decisions", {"customer": reference, "decision": "NONE"})

    assert (decided.status_code, decided.json()["member"]) == (200, True)
    assert overlap.json() == {
        "segment": "vip", "other": "other", "size": 1, "other_size": 0,
        "both": 0, "only": 1, "other_only": 0, "share": 0.0,
    }  # fmt: skip
    assert [(day["entered"], day["size"]) for day in history.json()["data"]] == [(0, 0), (1, 1)]
    assert (why.json()["decision"], why.json()["decision_reason"]) == ("INCLUDE", "asked")
    assert members.json()["data"][0]["entered_because"] == "BY_HAND"
    assert undecided.json()["member"] is False


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("vip/history?days=0", "/days"),
        ("vip/history?days=x", "/days"),
        ("vip/history?days=99999999999", "/days"),
        ("vip/overlap", "/with"),
    ],
)
def test_bad_questions_about_a_segment_are_answered_clearly(api, path, pointer):
    create_segment(code="vip", name="VIP", kind="MANUAL")

    answer = api.get(f"/api/v1/segments/{path}")

    assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (422, pointer)
