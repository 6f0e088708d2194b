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
