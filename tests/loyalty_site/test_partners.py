"""A partner of the coalition sees whom its source knows and what it told itself; all else is not there."""

import re
from datetime import date, timedelta

import pytest
from drf_spectacular.generators import EndpointEnumerator

from customers.models import Customer, Order, Source, SourceProfile
from customers.services import record_external_events, record_order, upsert_customers
from customers.services.assets import register_asset
from customers.services.leaving import let_go
from operations.models import IdempotencyKey
from tests.api import caller
from tests.coupons.factories import promotion
from tests.factories import NOON, ApiClientFactory, SourceFactory

pytestmark = pytest.mark.django_db
OPEN = {
    "/api/v1/consents", "/api/v1/customers", "/api/v1/customers/search", "/api/v1/customers/{public_id}",
    "/api/v1/customers/{public_id}/timeline", "/api/v1/events", "/api/v1/jobs/{pk}", "/api/v1/orders",
    "/api/v1/orders/{pk}", "/api/v1/orders/{pk}/cancel", "/api/v1/orders/{pk}/pay",
    "/api/v1/orders/{pk}/returns", "/api/v1/partners/burn", "/api/v1/partners/earn",
    "/api/v1/partners/postings", "/api/v1/partners/postings/{reference}",
    "/api/v1/partners/postings/{reference}/reversal", "/api/v1/partners/settlements",
    "/api/v1/partners/settlements/{month}",
}  # fmt: skip
# Without a key there, too.
PUBLIC = {"/api/v1/schema", "/api/v1/docs"}


@pytest.fixture
def partner(db):
    SourceFactory(code="partner", kind="PARTNER")
    return caller(ApiClientFactory(partner_source="partner"))


def told(source: str, name: str, **fields) -> Customer:
    (outcome,) = upsert_customers([{"source": source, "source_id": name, **fields}], at=NOON)
    return outcome.row


def order_of(source: str, name: str) -> Order:
    lines = [{"sku": "A", "quantity": "1", "amount": 500}]
    item = {"source": source, "source_id": name, "ordered_at": NOON, "currency": "EUR", "lines": lines}
    return record_order({**item, "customer": {"source": source, "source_id": name}}, at=NOON)


def endpoints() -> list[tuple[str, str]]:
    found = EndpointEnumerator().get_api_endpoints()
    return sorted({(path, method) for path, _regex, method, _view in found if path not in PUBLIC})


def filled(path: str, foreign: Customer, order: Order, offer) -> str:
    values = {"public_id": foreign.public_id, "id": order.pk, "pk": order.pk, "code": offer.code}
    return re.sub(r"\{(\w+)\}", lambda found: str(values.get(found[1], offer.code)), path)


def test_nothing_but_the_open_paths_exists_for_a_partner(partner):
    foreign, offer = told("shop", "1", email="a@mail.example"), promotion(code="SUMMER")
    order = order_of("shop", "1")
    matrix = {
        (path, method): getattr(partner, method.lower())(filled(path, foreign, order, offer), {}).status_code
        for path, method in endpoints()
        if path not in OPEN
    }

    assert len(matrix) > 60
    assert {call: status for call, status in matrix.items() if status not in (404, 405)} == {}
    assert {path for path, _method in endpoints()} >= OPEN


def test_the_open_paths_hide_whom_the_partners_source_does_not_know(partner):
    foreign, own = told("shop", "1", email="a@mail.example"), told("partner", "1", email="b@mail.example")
    theirs, ours = order_of("shop", "1"), order_of("partner", "1")

    for path in (f"customers/{foreign.public_id}", f"customers/{foreign.public_id}/timeline"):
        assert partner.get(f"/api/v1/{path}").status_code == 404
    for path in (f"orders/{theirs.pk}/cancel", f"orders/{theirs.pk}/pay", f"orders/{theirs.pk}/returns"):
        body = {"source_id": "r", "lines": [{"line_id": "1", "quantity": "1"}]} if "returns" in path else {}
        assert partner.post(f"/api/v1/{path}", body).status_code == 404
    assert partner.get(f"/api/v1/orders/{theirs.pk}").status_code == 404
    assert [row["id"] for row in partner.get("/api/v1/customers").json()["data"]] == [str(own.public_id)]
    assert [row["id"] for row in partner.get("/api/v1/orders").json()["data"]] == [str(ours.pk)]
    assert partner.post("/api/v1/customers/search", {"email": "a@mail.example"}).json()["data"] == []
    (found,) = partner.post("/api/v1/customers/search", {"email": "b@mail.example"}).json()["data"]
    assert found["id"] == str(own.public_id)
    theirs.refresh_from_db()
    assert theirs.status == Order.Status.PAID


def test_a_partner_sees_of_a_shared_customer_what_it_told_itself(partner):
    shared = told("shop", "1", email="a@mail.example")
    assert told("partner", "9", email="a@mail.example") == shared
    visits = [
        {"source": source, "external_id": source, "type": "visit.recorded", "occurred_at": NOON,
         "customer": {"source": source, "source_id": name}}
        for source, name in [("shop", "1"), ("partner", "9")]
    ]  # fmt: skip
    record_external_events(visits, at=NOON)

    assert partner.get(f"/api/v1/customers/{shared.public_id}").status_code == 200
    timeline = partner.get(f"/api/v1/customers/{shared.public_id}/timeline").json()["data"]
    assert [event["external_id"] for event in timeline] == ["partner"]


def test_an_address_does_not_open_to_a_partner_what_others_know_of_somebody(partner):
    shared = told(
        "shop", "1", email="a@mail.example", phone="+393471234567", loyalty_card="2900000000018",
        first_name="Anna", birth_date=date(1980, 1, 2), city="Milano", attributes={"size": 38},
        consents=[{"channel": "email", "purpose": "MARKETING", "state": "DENIED"}],
    )  # fmt: skip
    order_of("shop", "1")
    own = {"source": "partner", "source_id": "9", "email": "A@mail.example", "last_name": "Rossi"}

    registered = partner.post("/api/v1/customers", own).json()
    order_of("partner", "9")
    seen = partner.get(f"/api/v1/customers/{shared.public_id}").json()
    (listed,) = partner.get("/api/v1/customers").json()["data"]
    (found,) = partner.post("/api/v1/customers/search", {"email": "a@mail.example"}).json()["data"]
    mine = caller(ApiClientFactory()).get(f"/api/v1/customers/{shared.public_id}").json()

    assert registered["id"] == str(shared.public_id)
    for answer in (registered, seen, listed, found):
        assert (answer["first_name"], answer["last_name"], answer["city"]) == ("", "Rossi", "")
        assert (answer["birth_date"], answer["attributes"], answer["consents"]) == (None, {}, [])
        assert [key["value"] for key in answer["identities"]] == ["a@mail.example"]
    assert registered["stats"] == {
        "orders": 0, "net_amount": 0, "first_order_at": None, "last_order_at": None
    }  # fmt: skip
    assert (seen["stats"]["orders"], mine["stats"]["orders"]) == (1, 2)
    assert seen["stats"].keys() == mine["stats"].keys()
    assert seen.keys() == mine.keys()
    assert (seen["tier"], seen["points"], seen["segments"], seen["rfm"]) == (None, 0, [], {})
    assert (mine["first_name"], mine["city"], len(mine["identities"])) == ("Anna", "Milano", 3)


def test_a_consent_does_not_tell_a_partner_an_address_that_it_never_told(partner):
    shared = told("shop", "1", email="a@mail.example", phone="+393471234567", loyalty_card="2900000000018")
    assert told("partner", "9", phone="+393471234567", loyalty_card="2900000000018") == shared
    statement = {"source": "partner", "customer": {"source": "partner", "source_id": "9"},
                 "purpose": "MARKETING", "state": "DENIED"}  # fmt: skip

    by_mail = partner.post("/api/v1/consents", statement | {"channel": "email"}).json()
    by_phone = partner.post("/api/v1/consents", statement | {"channel": "sms"}).json()

    assert (by_mail["state"], by_mail["address"]) == ("DENIED", "")
    assert (by_phone["state"], by_phone["address"]) == ("DENIED", "+393471234567")


def test_what_a_product_tells_does_not_name_its_owner_to_a_partner(partner):
    owner = told("shop", "1", email="a@mail.example")
    register_asset("SN-1", owner=owner, owned_from=NOON - timedelta(days=9), at=NOON)
    item = {"source": "partner", "external_id": "e", "type": "iot.activated", "payload": {"serial": "SN-1"},
            "occurred_at": (NOON - timedelta(days=1)).isoformat()}  # fmt: skip

    answer = partner.post("/api/v1/events", item)

    assert (answer.status_code, answer.json()["customer"]) == (201, None)
    assert owner.events.filter(external_id="e").exists()


def test_the_source_of_a_partner_of_whom_nobody_has_heard_is_a_partners(db):
    newcomer = caller(ApiClientFactory(partner_source="newcomer"))

    newcomer.post("/api/v1/customers", {"source": "newcomer", "source_id": "1"})

    assert Source.objects.get(code="newcomer").kind == Source.Kind.PARTNER


def test_a_partner_whose_words_were_let_go_does_not_reach_the_customer_any_more(partner):
    shared = told("shop", "1", email="a@mail.example")
    told("partner", "9", email="a@mail.example")
    source = Source.objects.get(code="partner")

    let_go(source, [shared.pk], at=NOON)

    assert partner.get(f"/api/v1/customers/{shared.public_id}").status_code == 404
    assert partner.get("/api/v1/customers").json()["data"] == []


@pytest.mark.parametrize(
    ("path", "item", "status"),
    [
        ("customers", {"source": "shop", "source_id": "1"}, 422),
        ("customers", {"source": "partner", "source_id": "1"}, 201),
        ("orders", {"source": "shop"}, 422),
        ("orders", {"source": "partner", "customer": {"email": "a@mail.example"}}, 422),
        ("orders", {"source": "partner", "customer": {"source": "shop", "source_id": "1"}}, 422),
        ("orders", {"source": "partner", "customer": {"id": "FOREIGN"}}, 404),
        ("orders", {"source": "partner", "customer": {"source": "partner", "source_id": "1"}}, 201),
        ("consents", {"email": "a@mail.example", "source": "partner"}, 422),
    ],
)
def test_a_partner_tells_of_its_own_source_alone_and_of_people_by_its_own_numbers(
    partner, path, item, status
):
    foreign = told("shop", "1", email="a@mail.example")
    if item.get("customer", {}).get("id"):
        item = item | {"customer": {"id": str(foreign.public_id)}}
    whole = {
        "customers": {},
        "orders": {"source_id": "o", "ordered_at": NOON.isoformat(), "currency": "EUR",
                   "lines": [{"sku": "A", "quantity": "1", "amount": 100}]},
        "consents": {"channel": "email", "purpose": "MARKETING", "state": "DENIED"},
    }[path]  # fmt: skip

    answer = partner.post(f"/api/v1/{path}", whole | item)

    assert answer.status_code == status, answer.json()
    if status != 201:
        assert not Order.objects.exists()
        assert not SourceProfile.objects.filter(source__code="partner").exists()


def test_an_answer_under_somebody_elses_idempotency_key_is_not_given_to_a_partner(partner):
    mine = caller(ApiClientFactory())
    body = {"source": "shop", "source_id": "1", "email": "a@mail.example"}
    mine.post("/api/v1/customers", body, HTTP_IDEMPOTENCY_KEY="k")

    answer = partner.post("/api/v1/customers", body, HTTP_IDEMPOTENCY_KEY="k")

    assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (422, "/source")
    assert IdempotencyKey.objects.count() == 1
