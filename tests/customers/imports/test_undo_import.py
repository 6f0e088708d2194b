import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers.models import (
    Asset,
    AssetOwnership,
    Consent,
    ConsentRecord,
    Customer,
    CustomerNote,
    Event,
    EventKey,
    Identity,
    LockedValue,
    Order,
    Product,
    Rollup,
    Segment,
    SegmentOverride,
    SourceProfile,
)
from customers.services import reachable_address, record_consent, record_orders, upsert_customers
from customers.services.imports import ImportNotPossible
from customers.services.merges import keep_apart
from customers.services.undo import start_undo
from operations.services import carry_out
from tests.customers.imports.files import carried_out, counts, imported, mapped, upload
from tests.factories import NOON, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db


def undone(run):
    start_undo(run, owner=None, at=timezone.now())
    run.refresh_from_db()
    carry_out(run.job)
    run.refresh_from_db()
    return run


def test_new_customers_go_and_changed_ones_are_as_they_were():
    imported("id,email,city,first_name\n1,a@mail.example,Milano,Anna\n")
    anna = Customer.objects.get()
    run = carried_out(
        mapped(
            upload(
                "id,email,city,size,phone\n1,a@mail.example,Roma,M,3471234567\n2,b@mail.example,Bari,L,\n"
            ),
            mapping={"size": "+size"},
        )
    )

    run = undone(run)

    assert run.status == "UNDONE"
    assert run.report["undone"] == {"taken_back": 2, "kept": 0}
    assert Customer.objects.get() == anna
    anna.refresh_from_db()
    assert (anna.city, anna.first_name, anna.attributes) == ("Milano", "Anna", {})
    assert list(Identity.objects.values_list("value", flat=True)) == ["a@mail.example"]
    assert SourceProfile.objects.get().data == {
        "email": "a@mail.example",
        "city": "Milano",
        "first_name": "Anna",
    }
    assert not run.rows.exists()


def test_a_customer_who_bought_since_stays():
    run = imported("id,city\n1,Milano\n2,Roma\n")
    line = {"sku": "A", "quantity": "1", "amount": 500}
    buyer = {"source": "crm", "source_id": "1"}
    order = {"source": "shop", "source_id": "o1", "customer": buyer, "currency": "EUR", "lines": [line]}
    record_orders([order | {"ordered_at": timezone.now()}], at=timezone.now())

    run = undone(run)

    assert run.report["undone"] == {"taken_back": 1, "kept": 1}
    assert Customer.objects.get().orders.count() == 1


def _asset(customer: Customer) -> AssetOwnership:
    asset = Asset.objects.create(serial="AB123CD")
    return AssetOwnership.objects.create(asset=asset, customer=customer, owned_from=NOON)


def _decision(customer: Customer) -> SegmentOverride:
    segment = Segment.objects.create(code="vip", name="VIP", kind="MANUAL")
    return SegmentOverride.objects.create(segment=segment, customer=customer, kind="INCLUDE", decided_at=NOON)


SAID_SINCE = {
    "a note": lambda one: CustomerNote.objects.create(
        customer=one, author=UserFactory(), text="Called", written_at=NOON
    ),
    "a locked value": lambda one: LockedValue.objects.create(
        customer=one, field="city", value="Bari", locked_at=NOON, locked_by=UserFactory()
    ),
    "something owned": _asset,
    "a decision by hand": _decision,
    "a pair kept apart": lambda one: keep_apart(one, CustomerFactory(), reason="twins", at=NOON),
    "a key": lambda one: Identity.objects.create(customer=one, namespace="email", value="a@mail.example"),
}


@pytest.mark.parametrize("said", SAID_SINCE)
def test_a_customer_of_whom_somebody_said_something_since_stays(said):
    run = imported("id,city\n1,Milano\n2,Roma\n")
    known, unknown = (SourceProfile.objects.get(external_id=name).customer for name in "12")
    SAID_SINCE[said](known)

    run = undone(run)

    assert run.report["undone"] == {"taken_back": 2, "kept": 0}
    assert Customer.objects.filter(pk=known.pk).exists()
    assert not Customer.objects.filter(pk=unknown.pk).exists()


def test_what_the_source_said_since_is_kept():
    run = imported("id,city\n1,Milano\n")
    upsert_customers([{"source": "crm", "source_id": "1", "city": "Torino"}], at=timezone.now())

    run = undone(run)

    assert run.report["undone"] == {"taken_back": 0, "kept": 1}
    assert Customer.objects.get().city == "Torino"


def test_orders_are_cancelled_and_the_corrected_file_can_be_imported():
    orders = "order id,date,customer id,sku,qty,amount\no1,2026-11-02,7,A,1,{}\no2,2026-11-03,7,B,1,5.00\n"
    run = imported(orders.format("10.00"), kind="orders")
    assert Rollup.objects.get().net_amount == 1500

    run = undone(run)
    again = imported(orders.format("12.00"), kind="orders")

    assert run.report["undone"] == {"taken_back": 2, "kept": 0}
    assert counts(again) == (2, 0, 0, 0)
    assert Rollup.objects.get().net_amount == 1700
    assert Order.objects.filter(status="CANCELLED").count() == 2


def test_an_undo_takes_customers_before_their_orders_as_a_merge_does():
    run = imported("order id,date,customer id,sku,qty,amount\no1,2026-11-02,7,A,1,10.00\n", kind="orders")
    start_undo(run, owner=None, at=timezone.now())
    run.refresh_from_db()

    with CaptureQueriesContext(connection) as statements:
        carry_out(run.job)

    locks = [query["sql"] for query in statements if "FOR NO KEY UPDATE" in query["sql"]]
    tables = [re.search(r'FROM "(customers_\w+)"', sql) for sql in locks]
    assert [found[1] for found in tables if found][:2] == ["customers_customer", "customers_order"]


def test_events_leave_their_customers_and_can_be_imported_again():
    events = "id,type,date,customer id\ne1,visit.recorded,2026-11-02 10:00,7\n"
    run = imported(events, kind="events")
    customer = Customer.objects.get()

    run = undone(run)

    assert run.report["undone"] == {"taken_back": 1, "kept": 0}
    assert not Event.objects.filter(customer=customer, type="visit.recorded").exists()
    assert not EventKey.objects.filter(external_id="e1").exists()
    assert counts(imported(events, kind="events")) == (1, 0, 0, 0)


def test_articles_are_as_they_were():
    imported("sku,name,cost\nA,Old,1.50\n", kind="products")
    run = imported("sku,name,cost\nA,New,2.50\nB,Other,3\n", kind="products")

    run = undone(run)

    assert run.report["undone"] == {"taken_back": 2, "kept": 0}
    product = Product.objects.get()
    assert (product.name, product.unit_cost_amount) == ("Old", 150)


def test_a_grant_of_the_file_is_withdrawn_and_a_state_before_it_holds_again():
    consents = "email,channel,purpose,state,proof\n{}\n"
    imported(consents.format("a@mail.example,email,MARKETING,no,"), kind="consents")
    run = imported(
        consents.format(
            "a@mail.example,email,MARKETING,yes,A form\nb@mail.example,email,MARKETING,yes,A form"
        ),
        kind="consents",
    )
    assert set(Consent.objects.values_list("state", flat=True)) == {"GRANTED"}

    run = undone(run)

    assert run.report["undone"] == {"taken_back": 2, "kept": 0}
    states = Consent.objects.order_by("address").values_list("address", "state")
    assert list(states) == [("a@mail.example", "DENIED"), ("b@mail.example", "WITHDRAWN")]
    assert ConsentRecord.objects.count() == 5


def test_a_grant_of_the_file_over_one_that_was_not_confirmed_is_withdrawn():
    consents = "email,channel,purpose,state,proof\na@mail.example,email,MARKETING,{},{}\n"
    customer = CustomerFactory(email="a@mail.example")
    record_consent(customer, channel="email", purpose="MARKETING", state="PENDING", at=NOON)
    run = imported(consents.format("yes", "A form"), kind="consents")
    assert reachable_address(customer, "email") == "a@mail.example"

    run = undone(run)

    assert run.report["undone"] == {"taken_back": 1, "kept": 0}
    assert Consent.objects.get().state == "WITHDRAWN"
    assert reachable_address(customer, "email") is None


def test_what_was_withdrawn_since_is_not_counted_as_taken_back():
    consents = "email,channel,purpose,state,proof\na@mail.example,email,MARKETING,{},{}\n"
    run = imported(consents.format("yes", "A form"), kind="consents")
    record_consent(
        Customer.objects.get(), channel="email", purpose="MARKETING", state="WITHDRAWN", at=timezone.now()
    )

    run = undone(run)

    assert run.report["undone"] == {"taken_back": 0, "kept": 1}
    assert Consent.objects.get().state == "WITHDRAWN"


def test_after_a_day_nothing_can_be_undone():
    run = imported("id,city\n1,Milano\n")

    with pytest.raises(ImportNotPossible):
        start_undo(run, owner=None, at=run.finished_at + timedelta(days=1))

    assert Customer.objects.exists()


def test_undoing_many_takes_as_many_statements_as_undoing_few():
    def undo_of(people: range) -> int:
        run = imported(
            "id,email,consent.email.marketing,proof\n"
            + "".join(f"{n},p{n}@mail.example,yes,form\n" for n in people)
        )
        start_undo(run, owner=None, at=timezone.now())
        run.refresh_from_db()
        with CaptureQueriesContext(connection) as statements:
            carry_out(run.job)
        run.refresh_from_db()
        assert run.report["undone"] == {"taken_back": len(people), "kept": 0}
        return len(statements)

    few, many = undo_of(range(2)), undo_of(range(100, 130))

    assert not SourceProfile.objects.exists()
    assert many - few < 10
