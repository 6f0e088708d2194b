import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Consent, ConsentRecord, Customer, Event, Identity, Source, SourceProfile
from customers.services import merge_customers, resolution, upsert_customers
from customers.services.references import known_customers
from tests.factories import NOON, CustomerFactory, SourceFactory, SourceProfileFactory

pytestmark = pytest.mark.django_db


def item(source_id: str = "1", source: str = "pos", **fields):
    return {"source": source, "source_id": source_id, **fields}


def upsert(*items, at: datetime = NOON):
    return upsert_customers(list(items), at=at)


def grant(**fields):
    return {"channel": "email", "purpose": "MARKETING", "state": "GRANTED", "proof": {"form": "1"}} | fields


def keys(outcome) -> list[str]:
    return [warning.key for warning in outcome.warnings]


def test_a_till_and_a_shop_know_one_person():
    pos, shop = upsert(
        item(
            "7",
            "pos",
            email=" Mario.Rossi@GMAIL.com ",
            phone="347 123 4567",
            country="IT",
            first_name="Mario",
        ),
        item("900", "shop", email="mario.rossi@gmail.com", phone="+393471234567", last_name="Rossi"),
    )

    mario = Customer.objects.get()
    assert pos.row == shop.row == mario
    assert (pos.status, shop.status) == (201, 200)
    assert mario.full_name == "Mario Rossi"
    assert SourceProfile.objects.count() == 2
    assert sorted(Identity.objects.values_list("namespace", "value", "shared")) == [
        ("email", "mario.rossi@gmail.com", False),
        ("phone", "+393471234567", False),
    ]


def test_the_two_may_come_in_two_calls():
    (pos,) = upsert(item("7", "pos", email="mario.rossi@gmail.com"))
    (shop,) = upsert(item("900", "shop", email="Mario.Rossi@gmail.com"))

    assert (pos.row, pos.status) == (shop.row, 201)
    assert shop.status == 200


@pytest.mark.parametrize("key", ["email", "loyalty_card", "tax_code"])
def test_a_strong_identity_joins_whom_it_belongs_to(key):
    value = {"email": "bob@mail.example", "loyalty_card": "2900-1111", "tax_code": "RSSMRA80A01F205X"}[key]
    (first,) = upsert(item("1", **{key: value}))
    (second,) = upsert(item("2", **{key: value.lower()}))

    assert first.row == second.row


def test_the_same_item_again_changes_nothing():
    same = item("1", email="bob@mail.example", city="Roma", consents=[grant(occurred_at=NOON)])
    upsert(same)
    before = [Customer.objects.values().get(), Event.objects.count(), ConsentRecord.objects.count()]

    (again,) = upsert(same)

    assert (again.status, keys(again)) == (200, [])
    assert [Customer.objects.values().get(), Event.objects.count(), ConsentRecord.objects.count()] == before


def test_a_field_left_out_stays_and_none_clears_it():
    upsert(
        item(
            "1", first_name="Bob", city="Roma", birth_date=date(1980, 2, 29), attributes={"vip": True, "n": 1}
        )
    )
    upsert(item("1", city=None, attributes={"n": 2, "vip": None}))

    bob = Customer.objects.get()
    assert (bob.first_name, bob.city, bob.birth_date) == ("Bob", "", date(1980, 2, 29))
    assert bob.attributes == {"n": 2}


def test_the_more_trusted_source_wins_then_the_later_one():
    SourceFactory(code="shop", trust=90)
    upsert(item("900", "shop", email="bob@mail.example", city="Roma"))
    upsert(
        item("1", "pos", email="bob@mail.example", city="Milano", region="Lazio"), at=NOON + timedelta(days=1)
    )
    upsert(item("2", "till", email="bob@mail.example", region="Lombardia"), at=NOON + timedelta(days=2))

    bob = Customer.objects.get()
    assert (bob.city, bob.region) == ("Roma", "Lombardia")


def test_what_nobody_but_the_golden_record_knows_stays():
    alice = CustomerFactory(first_name="Alice", city="Milano")
    SourceProfileFactory(customer=alice, external_id="1")

    upsert(item("1", region="Lombardia"))

    alice.refresh_from_db()
    assert (alice.first_name, alice.city, alice.region) == ("Alice", "Milano", "Lombardia")


def test_a_prospect_becomes_a_customer():
    CustomerFactory(status="PROSPECT", email="bob@mail.example")

    (outcome,) = upsert(item("1", email="bob@mail.example"))

    assert outcome.status == 200
    assert Customer.objects.get().status == Customer.Status.ACTIVE


def test_after_a_merge_meanwhile_the_locks_are_taken_anew_in_order(monkeypatch):
    loser, survivor = CustomerFactory(email="alice@mail.example"), CustomerFactory(email=None)
    merge_customers(survivor, [loser], reason="", at=NOON)
    loser.refresh_from_db()
    key = resolution.Key("identity", "email", "alice@mail.example")
    answers = iter([{key: loser}])
    monkeypatch.setattr(
        resolution, "known_customers", lambda keys: next(answers, None) or known_customers(keys)
    )

    with CaptureQueriesContext(connection) as queries:
        (outcome,) = upsert(item("1", email="alice@mail.example"))

    assert (outcome.row, outcome.error) == (survivor, None)
    steps = [
        query["sql"].split()[0]
        for query in queries
        if query["sql"].startswith("ROLLBACK TO SAVEPOINT")
        or ('FROM "customers_customer"' in query["sql"] and "FOR NO KEY UPDATE" in query["sql"])
    ]
    assert steps[:3] == ["SELECT", "ROLLBACK", "SELECT"]


def test_a_phone_number_alone_joins_nobody():
    outcomes = [upsert(item(str(number), phone="02 1234567"))[0] for number in range(6)]

    assert Customer.objects.count() == 6
    assert Identity.objects.filter(value="+39021234567", shared=True).count() == 6
    assert [keys(outcome) for outcome in outcomes] == [[]] + [["phone_shared"]] * 5


def test_a_thousand_fillers_make_no_identity():
    outcomes = [
        outcome
        for start in (0, 500)
        for outcome in upsert(*(item(str(n), phone="0000000000") for n in range(start, start + 500)))
    ]

    assert [keys(outcome) for outcome in outcomes] == [["blocked_identity"]] * 1000
    assert Customer.objects.count() == 1000
    assert Identity.objects.count() == 0


def test_a_profile_never_takes_another_customers_address():
    upsert(item("1", email="alice@mail.example"), item("2", email="bob@mail.example"))

    (outcome,) = upsert(item("2", email="alice@mail.example"))

    assert keys(outcome) == ["identity_taken"]
    assert Identity.objects.get(value="alice@mail.example").customer == Customer.objects.get(
        profiles__external_id="1"
    )


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"email": "no at sign"}, "/email"),
        ({"phone": "12"}, "/phone"),
        ({"email": "b@mail.example", "consents": [grant(proof=None)]}, "/consents/0/proof"),
        ({"consents": [grant()]}, "/consents/0/address"),
        (
            {"consents": [grant(address="b@mail.example", occurred_at=NOON + timedelta(hours=1))]},
            "/consents/0/occurred_at",
        ),
    ],
)
def test_a_bad_item_is_refused_alone(fields, pointer):
    bad, good = upsert(item("1", **fields), item("2"))

    assert (bad.status, bad.error.details[0].pointer) == (422, pointer)
    assert good.status == 201
    assert Customer.objects.count() == 1


def test_an_erased_customer_is_not_written_to():
    SourceProfileFactory(external_id="1", customer=CustomerFactory(status="ERASED", first_name=""))

    (outcome,) = upsert(item("1", first_name="Bob"))

    assert outcome.status == 410
    assert Customer.objects.get().first_name == ""


def test_consents_of_an_item_are_recorded_with_their_proof():
    (outcome,) = upsert(
        item(
            "1",
            email="Bob@mail.example",
            phone="347 123 4567",
            consents=[
                grant(occurred_at=datetime(2026, 5, 1, tzinfo=UTC), text_version="v3"),
                {"channel": "sms", "purpose": "MARKETING", "state": "DENIED"},
            ],
        )
    )

    assert sorted(Consent.objects.values_list("channel", "state", "address")) == [
        ("email", "GRANTED", "bob@mail.example"),
        ("sms", "DENIED", "+393471234567"),
    ]
    record = ConsentRecord.objects.get(channel="email")
    assert (record.proof, record.text_version, record.source.code) == ({"form": "1"}, "v3", "pos")
    assert outcome.status == 201


def test_a_bulk_takes_few_statements():
    items = [
        item(str(n), email=f"c{n}@mail.example", phone=f"+3934700{n:05}", city="Roma", consents=[grant()])
        for n in range(500)
    ]

    with CaptureQueriesContext(connection) as first:
        outcomes = upsert(*items)
    with CaptureQueriesContext(connection) as second:
        upsert(*[entry | {"city": "Milano"} for entry in items])

    assert [outcome.status for outcome in outcomes] == [201] * 500
    assert Customer.objects.filter(city="Milano").count() == 500
    assert len(first) <= 45
    assert len(second) <= 40


@pytest.mark.django_db(transaction=True)
def test_parallel_calls_about_the_same_people_make_each_once():
    barrier, statuses = threading.Barrier(4), []

    def call(source):
        try:
            barrier.wait()
            items = [item(str(n), source, email=f"c{n}@mail.example") for n in range(40)]
            statuses.extend(outcome.status for outcome in upsert(*items))
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(source,)) for source in ("pos", "pos", "shop", "till")]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert Customer.objects.count() == Identity.objects.count() == 40
    assert SourceProfile.objects.count() == 120
    assert Source.objects.filter(code__in=["pos", "shop", "till"]).count() == 3
    assert sorted(statuses) == [200] * 120 + [201] * 40


def test_a_source_says_who_is_a_company_and_a_person_again(db):
    firm = {"source": "crm", "source_id": "1", "last_name": "Gomme Rossi"}

    (made,) = upsert_customers([firm | {"kind": "COMPANY"}], at=NOON)
    upsert_customers([firm], at=NOON)
    assert (made.row.kind, Customer.objects.get().kind) == ("COMPANY", "COMPANY")

    upsert_customers([firm | {"kind": "PERSON"}], at=NOON)
    assert Customer.objects.get().kind == "PERSON"
