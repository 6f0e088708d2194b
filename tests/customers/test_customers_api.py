import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer, Event, Rollup
from customers.services import record_event, refresh_rollups, upsert_customers
from operations.models import ApiClient
from tests.api import caller
from tests.factories import (
    NOON,
    ApiClientFactory,
    ConsentFactory,
    CustomerFactory,
    OrderFactory,
    SourceProfileFactory,
)

pytestmark = pytest.mark.django_db
URL = "/api/v1/customers"


def item(source_id="1", **fields):
    return {"source": "pos", "source_id": source_id, **fields}


def consent(**fields):
    return {"channel": "email", "purpose": "MARKETING", "state": "DENIED"} | fields


def test_one_customer_is_created_updated_and_read(api):
    created = api.post(URL, item(email="Mario@mail.example", first_name="Mario", birth_date="1980-02-29"))
    updated = api.post(URL, item(city="Roma", attributes={"vip": True}))
    read = api.get(f"{URL}/{created.json()['id']}")

    assert (created.status_code, updated.status_code, read.status_code) == (201, 200, 200)
    body = read.json()
    assert updated.json() == body | {"warnings": []}
    assert body["identities"] == [{"namespace": "email", "value": "mario@mail.example", "verified": False}]
    assert (body["first_name"], body["city"], body["birth_date"]) == ("Mario", "Roma", "1980-02-29")
    assert body["stats"] == {"orders": 0, "net_amount": 0, "first_order_at": None, "last_order_at": None}
    assert {"tier", "points", "segments", "rfm"} <= body.keys()
    assert (body["attributes"], body["merged_from"], body["status"]) == ({"vip": True}, [], "ACTIVE")


def test_a_bulk_has_an_answer_per_item(api):
    answer = api.post(
        URL,
        {
            "items": [
                item("1", email="a@mail.example"),
                item("2", email="nope"),
                item("3", phone="0000000000"),
                7,
            ]
        },
    )

    assert answer.status_code == 207
    first, second, third, fourth = answer.json()["results"]
    assert (first["index"], first["status"], first["error"], first["warnings"]) == (0, 201, None, [])
    assert first["id"] == str(Customer.objects.get(identities__value="a@mail.example").public_id)
    assert (second["status"], second["id"], second["error"]["key"]) == (422, None, "invalid_input")
    assert second["error"]["details"][0]["pointer"] == "/email"
    assert (third["status"], [warning["key"] for warning in third["warnings"]]) == (201, ["blocked_identity"])
    assert (fourth["status"], fourth["error"]["details"][0]["pointer"]) == (422, "")
    assert Customer.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "key", "pointer"),
    [
        ({"items": [item(str(n)) for n in range(501)]}, "too_many_items", None),
        ({"items": []}, "invalid_input", "/items"),
        ({"items": "all"}, "invalid_input", "/items"),
        ({"items": [item()], "mode": "x"}, "invalid_input", "/mode"),
        ([item()], "invalid_input", ""),
        ({"source": "pos"}, "invalid_input", "/source_id"),
        (item(source="fidelio"), "invalid_input", "/source"),
        (item(source="a b"), "invalid_input", "/source"),
        (item("x" * 129), "invalid_input", "/source_id"),
        (item(first_nam="Mario"), "invalid_input", "/first_nam"),
        (item(first_name="x" * 121), "invalid_input", "/first_name"),
        (item(first_name=["Mario"]), "invalid_input", "/first_name"),
        (item(email="a@b@c"), "invalid_input", "/email"),
        (item(birth_date="1980-02-30"), "invalid_input", "/birth_date"),
        (item(birth_date="2980-02-28"), "invalid_input", "/birth_date"),
        (item(country="XX"), "invalid_input", "/country"),
        (item(timezone="Europe/Milan"), "invalid_input", "/timezone"),
        (item(language="italiano"), "invalid_input", "/language"),
        (item(attributes=[1]), "invalid_input", "/attributes"),
        (item(consents=[consent(channel="fax")]), "invalid_input", "/consents/0/channel"),
        (item(email="a@b.it", consents=[consent(state="GRANTED")]), "invalid_input", "/consents/0/proof"),
        (item(**{"a/b~c": 1}), "invalid_input", "/a~1b~0c"),
    ],
)  # fmt: skip
def test_bad_input_is_422_with_its_place(api, body, key, pointer):
    answer = api.post(URL, body)

    assert (answer.status_code, answer.json()["key"]) == (422, key)
    assert pointer is None or pointer in [detail["pointer"] for detail in answer.json()["details"]]
    assert Customer.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"{", b'{"source": NaN}', b'{"a": 1, "a": 2}', b'{"a": "\\u0000"}', b'{"a": "\\ud800"}',
        b'{"a": 1e999}', b"\xff", b"[" * 10_000 + b"]" * 10_000,
        b'{"attributes": ' + b'{"a":' * 100 + b"1" + b"}" * 101,
    ],
)  # fmt: skip
def test_what_is_not_sound_json_is_400(api, body):
    answer = api.generic("POST", URL, body, content_type="application/json")

    assert (answer.status_code, answer.json()["key"]) == (400, "not_json")


def test_a_body_beyond_the_limit_is_413(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    answer = api.post(URL, item(first_name="x" * 1000))

    assert (answer.status_code, answer.json()["key"]) == (413, "too_large")


def test_rights_follow_the_scopes():
    reader = caller(ApiClientFactory(scopes=["customers:read"]))
    writer = caller(ApiClientFactory(scopes=["customers:write"]))

    assert reader.get(URL).status_code == writer.post(URL, item()).status_code - 1 == 200
    assert (reader.post(URL, item("2")).status_code, writer.get(URL).status_code) == (403, 403)
    assert Customer.objects.count() == 1
    assert ApiClient.objects.count() == 2


def test_a_repeat_under_an_idempotency_key_gets_the_same_bytes(api):
    first = api.post(URL, item(email="a@mail.example"), headers={"Idempotency-Key": "k1"})
    again = api.post(URL, item(email="a@mail.example"), headers={"Idempotency-Key": "k1"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again["Idempotent-Replayed"] == "true"


def test_a_merged_id_answers_the_survivor_and_an_erased_one_is_gone(api):
    alice = CustomerFactory()
    merged = CustomerFactory(status="MERGED", merged_into=alice)
    erased = CustomerFactory(status="ERASED")

    answer = api.get(f"{URL}/{merged.public_id}")

    assert (answer.status_code, answer.json()["id"]) == (200, str(alice.public_id))
    assert answer.json()["merged_from"] == [str(merged.public_id)]
    gone = api.get(f"{URL}/{erased.public_id}")
    assert (gone.status_code, gone.json()["key"]) == (410, "erased")
    assert api.get(f"{URL}/{uuid.uuid4()}").json()["key"] == "not_found"
    assert api.get(f"{URL}/no-uuid").status_code == 404


def test_a_customer_is_answered_with_totals_and_consents(api):
    alice = CustomerFactory(email="a@mail.example")
    ConsentFactory(customer=alice)
    OrderFactory(customer=alice)
    refresh_rollups([alice.pk])

    body = api.get(f"{URL}/{alice.public_id}").json()

    assert body["stats"] == {
        "orders": 1,
        "net_amount": 5000,
        "first_order_at": "2026-11-21T12:00:00+01:00",
        "last_order_at": "2026-11-21T12:00:00+01:00",
    }
    assert body["consents"] == [
        {"channel": "email", "purpose": "MARKETING", "state": "GRANTED", "address": "a@mail.example"}
    ]
    assert Rollup.objects.get().customer == alice


def test_the_list_is_paged_in_a_constant_number_of_queries(api):
    for number in range(5):
        ConsentFactory(customer=CustomerFactory(last_name=str(number)))
    CustomerFactory(status="ERASED")

    with CaptureQueriesContext(connection) as queries:
        first = api.get(URL, {"limit": 3}).json()
    rest = api.get(URL, {"limit": 3, "cursor": first["next"]}).json()

    assert [customer["last_name"] for customer in first["data"] + rest["data"]] == ["4", "3", "2", "1", "0"]
    assert rest["next"] is None
    assert len(queries) <= 8


@pytest.mark.parametrize("limit", ["0", "501", "x", "-1", "²"])
def test_a_bad_limit_is_422(api, limit):
    assert api.get(URL, {"limit": limit}).status_code == 422


def test_customers_are_found_by_each_key(api):
    upsert_customers(
        [
            item(
                "7",
                email="mario@mail.example",
                phone="347 123 4567",
                loyalty_card="29-1",
                tax_code="RSSMRA80A01F205X",
            )
        ],
        at=NOON,
    )

    for query in (
        {"email": "MARIO@mail.example"},
        {"phone": "3471234567"},
        {"phone": "0039 347 1234567", "country": "FR"},
        {"loyalty_card": "291"},
        {"tax_code": "rssmra80a01f205x"},
        {"source": "pos", "source_id": "7"},
    ):
        answer = api.post(f"{URL}/search", query)
        assert (answer.status_code, len(answer.json()["data"])) == (200, 1), query
    assert api.post(f"{URL}/search", {"email": "bob@mail.example"}).json() == {"data": [], "next": None}


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"email": "a@b.it", "phone": "1"},
        {"source": "pos"},
        {"name": "x"},
        {"email": "x"},
        {"email": None},
    ],
)
def test_a_search_needs_one_sound_key(api, query):
    assert api.post(f"{URL}/search", query).status_code == 422


def test_a_shared_phone_finds_everybody_who_has_it(api):
    upsert_customers([item(str(n), phone="02 1234567") for n in range(3)], at=NOON)

    assert len(api.post(f"{URL}/search", {"phone": "021234567"}).json()["data"]) == 3


@pytest.fixture
def alice_with_past():
    alice = SourceProfileFactory().customer
    for number in range(6):
        kind = "order.recorded" if number % 2 else "visit.recorded"
        record_event(kind, external_id=str(number), occurred_at=NOON, customer=alice)
    return alice


def test_a_timeline_is_paged_without_gaps_even_within_one_instant(api, alice_with_past):
    url = f"{URL}/{alice_with_past.public_id}/timeline"
    seen, before = [], None
    while True:
        page = api.get(url, {"limit": 4} | ({"before": before} if before else {})).json()
        seen += [event["external_id"] for event in page["data"]]
        before = page["next"]
        if before is None:
            break

    assert seen == ["5", "4", "3", "2", "1", "0"]


def test_a_timeline_takes_a_kind_a_family_and_an_instant(api, alice_with_past):
    url = f"{URL}/{alice_with_past.public_id}/timeline"

    def count(**query):
        return len(api.get(url, query).json()["data"])

    assert (count(kind="order.recorded"), count(kind="visit"), count(kind="ord"), count(kind="%")) == (
        3,
        3,
        0,
        0,
    )
    assert count(before="2026-11-21T12:00:00+01:00") == 0
    assert count(before="2026-11-21T12:00:01+01:00") == 6
    assert Event.objects.count() == 6


@pytest.mark.parametrize(
    "query",
    [
        {"before": "yesterday"},
        {"before": "2026-11-21"},
        {"before": "2026-13-41T00:00:00Z"},
        {"before": "2026-11-21T12:00:00Z_x"},
        {"limit": "0"},
    ],
)
def test_a_bad_place_in_a_timeline_is_422(api, query):
    assert api.get(f"{URL}/{CustomerFactory().public_id}/timeline", query).status_code == 422


def test_consents_over_the_api(api):
    alice = CustomerFactory(email="a@mail.example")
    statement = {
        "channel": "email",
        "purpose": "MARKETING",
        "state": "GRANTED",
        "proof": {"form": 1},
        "source": "web",
    }

    first = api.post("/api/v1/consents", statement | {"customer": {"id": str(alice.public_id)}})
    newcomer = api.post("/api/v1/consents", statement | {"email": "new@mail.example"})
    bulk = api.post(
        "/api/v1/consents",
        {
            "items": [
                statement | {"email": "a@mail.example", "state": "WITHDRAWN", "proof": None},
                statement | {"email": "a@mail.example", "proof": {}},
                statement | {"customer": {"id": str(uuid.uuid4())}},
                statement,
            ]
        },
    )

    assert (first.status_code, first.json()["state"], first.json()["address"]) == (
        201,
        "GRANTED",
        "a@mail.example",
    )
    assert Customer.objects.get(public_id=newcomer.json()["customer"]).status == "PROSPECT"
    assert [result["status"] for result in bulk.json()["results"]] == [201, 422, 404, 422]
    assert api.get(f"{URL}/{alice.public_id}").json()["consents"][0]["state"] == "WITHDRAWN"


def test_a_consent_without_proof_is_422(api):
    CustomerFactory(email="a@mail.example")
    body = {"email": "a@mail.example", "channel": "email", "purpose": "MARKETING", "state": "GRANTED"}

    answer = api.post("/api/v1/consents", body)

    assert (answer.status_code, answer.json()["details"][0]["pointer"]) == (422, "/proof")
