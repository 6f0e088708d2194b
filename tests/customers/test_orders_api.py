import json

import pytest

from customers.models import Customer, EventConflict, Order, Product, QuarantinedEvent, Return
from tests.factories import CustomerFactory, OrderFactory

pytestmark = pytest.mark.django_db
URL = "/api/v1/orders"


def line(**fields):
    return {"sku": "TYRE", "quantity": 2, "unit_price": 6100, "tax_rate": "22"} | fields


def order(source_id="1", **fields):
    usual = {
        "source": "pos",
        "source_id": source_id,
        "customer": {"source": "pos", "source_id": "42"},
        "ordered_at": "2026-06-01T12:00:00+02:00",
        "currency": "EUR",
        "lines": [line()],
    }
    return usual | fields


def test_an_order_is_recorded_and_read(api):
    lines = [line(discount_amount=1220), line(sku="CAP", quantity="0.5", tax_rate=None)]
    answer = api.post(URL, order(sales_channel="web", lines=lines))
    body = answer.json()

    assert answer.status_code == 201
    assert [warning["key"] for warning in body.pop("warnings")] == [
        "unknown_customer", "unknown_sku", "unknown_sku", "unknown_sales_channel",
    ]  # fmt: skip
    assert body == api.get(f"{URL}/{body['id']}").json()
    assert body["lines"][0] == {
        "line_id": "1",
        "sku": "TYRE",
        "quantity": 2,
        "unit_price": 6100,
        "amount": 12200,
        "discount_amount": 1220,
        "total_amount": 10980,
        "tax_rate": "22",
        "net_amount": 9000,
        "tax_amount": 1980,
    }
    assert body["lines"][1]["quantity"] == 0.5
    assert (body["total_amount"], body["revenue_amount"], body["net_amount"]) == (14030, 14030, None)
    assert body["customer"] == str(Customer.objects.get().public_id)
    assert body["ordered_at"] == "2026-06-01T12:00:00+02:00"


def test_the_same_order_is_200_and_another_body_409(api):
    statuses = [
        api.post(URL, order()).status_code,
        api.post(URL, order(store=None)).status_code,
        api.post(URL, order(currency="CHF")).status_code,
        api.post(URL, order(currency="USD"), headers={"Idempotency-Key": "k"}).status_code,
    ]

    assert statuses == [201, 200, 409, 409]
    assert Order.objects.get().currency == "EUR"
    assert EventConflict.objects.count() == 2
    assert api.post(URL, order(currency="CHF")).json()["key"] == "conflict"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"lines": [line(quantity=-1)]}, "/lines/0/quantity"),
        ({"lines": [line(quantity="0.0001")]}, "/lines/0/quantity"),
        ({"lines": [line(quantity=10**10)]}, "/lines/0/quantity"),
        ({"lines": [line(quantity=True)]}, "/lines/0/quantity"),
        ({"lines": [line(unit_price=2**63)]}, "/lines/0/unit_price"),
        ({"lines": [line(unit_price=-1)]}, "/lines/0/unit_price"),
        ({"lines": [line(unit_price=1.5)]}, "/lines/0/unit_price"),
        ({"lines": [line(unit_price=None)]}, "/lines/0/amount"),
        ({"lines": [line(discount_amount=99999)]}, "/lines/0/discount_amount"),
        ({"lines": [line(tax_rate="101")]}, "/lines/0/tax_rate"),
        ({"lines": [line(sku="")]}, "/lines/0/sku"),
        ({"lines": [line(sku="x" * 65)]}, "/lines/0/sku"),
        ({"lines": [line(colour="red")]}, "/lines/0/colour"),
        ({"lines": []}, "/lines"),
        ({"lines": [line(line_id="a"), line(line_id="a")]}, "/lines/1/line_id"),
        ({"ordered_at": "2026-06-01"}, "/ordered_at"),
        ({"ordered_at": "2026-06-01T12:00:00"}, "/ordered_at"),
        ({"ordered_at": "2026-02-30T12:00:00Z"}, "/ordered_at"),
        ({"ordered_at": "0001-01-01T00:00:00+14:00"}, "/ordered_at"),
        ({"ordered_at": "9999-12-31T23:59:59-14:00"}, "/ordered_at"),
        ({"ordered_at": "2199-12-31T23:59:59Z"}, "/ordered_at"),
        ({"currency": "eur"}, "/currency"),
        ({"status": "REFUNDED"}, "/status"),
        ({"shipping_amount": -1}, "/shipping_amount"),
        ({"customer": {"id": "x", "email": "a@b.it"}}, "/customer"),
        ({"customer": {"source": "pos"}}, "/customer"),
        ({"customer": "Mario"}, "/customer"),
        ({"customer": {"email": "nobody"}}, "/customer/email"),
        ({"customer": {"id": "x"}}, "/customer/id"),
        ({"store": "x" * 65}, "/store"),
        ({"store": " "}, "/store"),
    ],
)  # fmt: skip
def test_bad_input_is_422_with_its_place_and_nothing_is_written(api, changes, pointer):
    answer = api.post(URL, order(**changes))

    assert (answer.status_code, answer.json()["key"]) == (422, "invalid_input")
    assert pointer in [detail["pointer"] for detail in answer.json()["details"]]
    assert Order.objects.count() == Customer.objects.count() == Product.objects.count() == 0


def test_an_order_is_paid_returned_in_parts_and_closed(api):
    created = api.post(URL, order(status="PENDING")).json()
    url = f"{URL}/{created['id']}"

    early = api.post(f"{url}/returns", {"source_id": "r0", "lines": [{"line_id": "1", "quantity": 1}]})
    paid = api.post(f"{url}/pay")
    first = api.post(f"{url}/returns", {"source_id": "r1", "lines": [{"line_id": "1", "quantity": 1}]})
    again = api.post(f"{url}/returns", {"source_id": "r1", "lines": [{"line_id": "1", "quantity": "1.000"}]})
    other = api.post(f"{url}/returns", {"source_id": "r1", "lines": [{"line_id": "1", "quantity": 2}]})
    more = api.post(f"{url}/returns", {"source_id": "r2", "lines": [{"line_id": "1", "quantity": 2}]})
    rest = api.post(f"{url}/returns", {"source_id": "r3", "lines": [{"line_id": "1", "quantity": 1}]})

    assert (early.status_code, early.json()["key"]) == (422, "order_not_possible")
    assert (paid.status_code, paid.json()["status"]) == (200, "PAID")
    assert (first.status_code, first.json()["refund_amount"]) == (201, 6100)
    assert (again.status_code, again.json()) == (200, first.json())
    assert (other.status_code, more.status_code) == (409, 422)
    assert (more.json()["key"], rest.status_code) == ("return_not_possible", 201)
    closed = api.get(url).json()
    assert (closed["status"], closed["revenue_amount"], closed["total_amount"]) == ("REFUNDED", 0, 12200)
    assert [given["source_id"] for given in closed["returns"]] == ["r1", "r3"]
    assert api.post(f"{url}/cancel").status_code == 422


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [{"line_id": "1", "quantity": 0}],
        [{"line_id": "1", "quantity": -1}],
        [{"line_id": "9", "quantity": 1}],
        [{"line_id": "1", "quantity": 1}, {"line_id": "1", "quantity": 1}],
        [{"line_id": "1"}],
        "all",
        None,
    ],
)
def test_a_bad_return_is_422(api, lines):
    created = OrderFactory()

    answer = api.post(f"{URL}/{created.pk}/returns", {"source_id": "r", "lines": lines})

    assert (answer.status_code, answer.json()["key"]) == (422, "invalid_input")
    assert Return.objects.count() == 0


def test_an_order_is_cancelled_once_and_for_all(api):
    created = OrderFactory()

    answers = [api.post(f"{URL}/{created.pk}/cancel") for _ in range(2)]

    assert [answer.json()["status"] for answer in answers] == ["CANCELLED", "CANCELLED"]
    assert api.post(f"{URL}/{created.pk}/pay").json()["key"] == "order_not_possible"
    assert (
        api.post(f"{URL}/999999/cancel").status_code
        == api.get(f"{URL}/99999999999999999999").status_code
        == 404
    )


def test_orders_are_listed_in_a_constant_number_of_queries(api, django_assert_max_num_queries):
    for _ in range(6):
        OrderFactory()

    with django_assert_max_num_queries(8):
        page = api.get(URL, {"limit": 4}).json()

    assert len(page["data"]) == 4
    assert len(api.get(URL, {"cursor": page["next"]}).json()["data"]) == 2


def test_products_and_stores_are_upserted_field_by_field(api):
    created = api.post(
        "/api/v1/products", {"sku": "TYRE", "name": "Tyre", "unit_cost": 4000, "tax_rate": "22"}
    )
    changed = api.post("/api/v1/products", {"sku": "TYRE", "brand": "Gomma"})
    store = api.post("/api/v1/stores", {"code": "MI-1", "city": "Milano", "country": "IT"})

    assert (created.status_code, changed.status_code, store.status_code) == (201, 200, 201)
    body = changed.json()
    assert (body["name"], body["brand"], body["unit_cost"], body["tax_rate"]) == ("Tyre", "Gomma", 4000, "22")
    assert api.get(f"/api/v1/products/{body['id']}").json() == body
    assert api.get("/api/v1/products", {"sku": "TYRE"}).json()["data"] == [body]
    assert api.get("/api/v1/stores", {"code": "NO"}).json() == {"data": [], "next": None}
    assert api.get(f"/api/v1/stores/{store.json()['id']}").json()["country"] == "IT"
    assert api.post("/api/v1/products", {"sku": "A", "tax_rate": "-1"}).status_code == 422
    assert api.post("/api/v1/products", {"sku": "A", "unit_cost": 2**63}).status_code == 422


def event(external_id="1", **fields):
    usual = {
        "source": "shop",
        "external_id": external_id,
        "type": "product.viewed",
        "occurred_at": "2026-06-01T12:00:00Z",
        "identity": {"namespace": "cookie", "value": "c-1"},
    }
    return usual | fields


def test_events_are_taken_once_and_set_aside_when_not_understood(api):
    CustomerFactory(email="alice@mail.example")
    answer = api.post(
        "/api/v1/events",
        {
            "items": [
                event("1"),
                event("1"),
                event("1", sku="TYRE"),
                event("2", type="moon.landed"),
                event("3", occurred_at="soon"),
                event("4", identity=None, customer={"email": "alice@mail.example"}, amount=5, currency="EUR"),
            ]
        },
    )

    results = answer.json()["results"]
    assert [result["status"] for result in results] == [201, 200, 409, 422, 422, 201]
    assert results[1]["warnings"][0]["key"] == "duplicate"
    assert results[0]["id"] == results[1]["id"]
    assert QuarantinedEvent.objects.count() == 2
    assert EventConflict.objects.count() == 1


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
@pytest.mark.parametrize("changes", [{"type": "moon.landed"}, {"occurred_at": "soon"}, {"external_id": None}])
def test_a_single_bad_event_is_set_aside_once(api, headers, changes):
    answer = api.post("/api/v1/events", event(**changes), headers=headers)

    assert answer.status_code == 422
    assert QuarantinedEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"amount": 5}, "/currency"),
        ({"customer": {"email": "a@b.it"}, "identity": {"namespace": "email", "value": "a@b.it"}}, ""),
        ({"identity": {"namespace": "fax", "value": "1"}}, "/identity/namespace"),
        ({"payload": [1]}, "/payload"),
        ({"type": "DROP TABLE"}, "/type"),
        ({"external_id": "x" * 201}, "/external_id"),
        ({"occurred_at": "2199-06-01T12:00:00Z"}, "/occurred_at"),
    ],
)
def test_a_bad_event_is_422_with_its_place(api, changes, pointer):
    answer = api.post("/api/v1/events", event(**changes))

    assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (422, pointer)


def test_a_recorded_event_is_answered_whole(api):
    body = api.post("/api/v1/events", event(payload={"page": "/"}, sku="TYRE")).json()

    assert (body["type"], body["sku"], body["payload"], body["source"]) == (
        "product.viewed", "TYRE", {"page": "/"}, "shop",
    )  # fmt: skip
    assert json.dumps(body)
