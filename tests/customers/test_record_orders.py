import threading
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.errors import OrderConflict, OrderNotPossible
from customers.models import (
    Customer,
    Event,
    EventConflict,
    MonthlyRollup,
    Order,
    OrderLine,
    Product,
    Rollup,
    SalesChannel,
    Store,
)
from customers.services import cancel_order, pay_order, record_order, record_orders, upsert_customers
from tests.factories import NOON, CustomerFactory, ProductFactory, SalesChannelFactory, StoreFactory

pytestmark = pytest.mark.django_db


def line(sku="SKU-A", quantity="1", **fields):
    return {"sku": sku, "quantity": Decimal(quantity)} | (fields or {"amount": 5000})


def order(source_id="1", **fields):
    usual = {
        "source": "pos",
        "source_id": source_id,
        "customer": {"source": "pos", "source_id": "42"},
        "ordered_at": NOON,
        "currency": "EUR",
        "lines": [line()],
    }
    return usual | fields


def record(*items):
    return record_orders(list(items), at=NOON)


def totals():
    return {
        rollup.customer_id: (rollup.orders, rollup.net_amount, rollup.first_order_at, rollup.last_order_at)
        for rollup in Rollup.objects.all()
    }


def keys(outcome):
    return [warning.key for warning in outcome.warnings]


def test_an_order_is_recorded_with_its_lines_totals_and_event():
    ProductFactory(sku="SKU-A", tax_rate=Decimal(10))
    lines = [
        line(line_id="a", quantity="0.333", unit_price=1000, discount_amount=33),
        line("SKU-B", "2", line_id="b", amount=4000, tax_rate=Decimal(4)),
    ]

    (outcome,) = record(order(lines=lines, shipping_amount=490, store="MI-1", sales_channel="store"))

    recorded = Order.objects.get()
    assert (outcome.status, outcome.row) == (201, recorded)
    assert (recorded.status, recorded.total_amount, recorded.net_amount, recorded.shipping_amount) == (
        "PAID", 4300, 4300, 490,
    )  # fmt: skip
    assert list(
        recorded.lines.order_by("line_id").values_list(
            "line_id",
            "product__sku",
            "quantity",
            "unit_price_amount",
            "amount",
            "discount_amount",
            "tax_rate",
        )
    ) == [
        ("a", "SKU-A", Decimal("0.333"), 1000, 333, 33, Decimal(10)),
        ("b", "SKU-B", Decimal(2), None, 4000, 0, Decimal(4)),
    ]
    assert totals() == {recorded.customer_id: (1, 4300, NOON, NOON)}
    month = MonthlyRollup.objects.get()
    assert (month.month, month.orders, month.net_amount) == (date(2026, 11, 1), 1, 4300)
    event = Event.objects.get(type="order.recorded")
    assert (event.external_id, event.payload) == (f"order:{recorded.pk}:paid", {"order": recorded.pk})
    assert (event.customer, event.amount, event.currency, event.store.code) == (
        recorded.customer, 4300, "EUR", "MI-1",
    )  # fmt: skip


def test_what_is_unknown_becomes_a_stub_and_is_named_once():
    (outcome, second) = record(
        order(
            store="MI-1", sales_channel="store", business_unit="food", lines=[line(), line("SKU-B", amount=1)]
        ),
        order("2", store="MI-1"),
    )

    assert keys(outcome) == [
        "unknown_customer", "unknown_sku", "unknown_sku", "unknown_store", "unknown_sales_channel",
        "unknown_business_unit",
    ]  # fmt: skip
    assert outcome.warnings[1].message == "The sku SKU-A was not known and has been created."
    assert keys(second)[1:] == ["unknown_store"] and "unknown_customer" not in keys(second)
    assert Customer.objects.get().profiles.get().external_id == "42"
    assert Order.objects.get(external_id="1").source_profile == Customer.objects.get().profiles.get()


def test_what_is_known_brings_no_warning():
    ProductFactory(sku="SKU-A"), StoreFactory(code="MI-1"), SalesChannelFactory(code="store")
    alice = CustomerFactory(email="alice@mail.example")

    (outcome,) = record(order(customer={"email": "Alice@mail.example"}, store="MI-1", sales_channel="store"))

    assert keys(outcome) == []
    assert outcome.row.customer == alice
    assert (Store.objects.count(), SalesChannel.objects.count(), Product.objects.count()) == (1, 1, 1)


def test_the_stub_of_an_order_is_whom_the_source_tells_of_later():
    (outcome,) = record(order())
    (told,) = upsert_customers([{"source": "pos", "source_id": "42", "first_name": "Bob"}], at=NOON)

    assert told.row == outcome.row.customer
    assert told.status == 200


def test_an_order_may_be_nobodys():
    (outcome, filler) = record(order(customer=None), order("2", customer={"email": "noemail@shop.it"}))

    assert outcome.row.customer is None and filler.row.customer is None
    assert keys(filler)[0] == "blocked_identity"
    assert totals() == {}
    assert Event.objects.filter(type="order.recorded", customer=None).count() == 2


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"lines": [line(amount=None)]}, "/lines/0/amount"),
        ({"lines": [line(), line(amount=100, discount_amount=101)]}, "/lines/1/discount_amount"),
        ({"lines": [line(line_id="a", amount=1), line(line_id="a", amount=1)]}, "/lines/1/line_id"),
        ({"lines": [line(quantity="999999999", unit_price=10**12)]}, "/lines/0/quantity"),
        ({"ordered_at": NOON + timedelta(minutes=6)}, "/ordered_at"),
        ({"customer": {"id": str(uuid.uuid4())}}, "/customer/id"),
    ],
)
def test_a_bad_order_is_refused_alone(changes, pointer):
    bad, good = record(order("bad", **changes), order("good"))

    assert (bad.status, bad.error.details[0].pointer) == (422, pointer)
    assert good.status == 201
    assert [o.external_id for o in Order.objects.all()] == ["good"]


def test_the_same_order_again_is_the_first_one():
    first = record_order(order(), at=NOON)
    before = totals()

    (again,) = record(order(lines=[line(quantity="1.000", amount=5000)], store=None))

    assert (again.row, again.status, again.warnings) == (first, 200, ())
    assert totals() == before
    assert OrderLine.objects.count() == 1
    assert Event.objects.filter(type="order.recorded").count() == 1


def test_other_content_under_the_same_key_is_a_conflict_kept_once():
    first = record_order(order(), at=NOON)
    other = order(lines=[line(amount=1)])

    outcomes = record(other) + record(other)

    assert [(o.status, type(o.error)) for o in outcomes] == [(409, OrderConflict)] * 2
    assert Rollup.objects.get().net_amount == first.net_amount == 5000
    conflict = EventConflict.objects.get()
    assert (conflict.kind, conflict.external_id, conflict.payload["lines"][0]["amount"]) == ("order", "1", 1)
    with pytest.raises(OrderConflict):
        record_order(other, at=NOON)


def test_a_key_twice_in_one_call_is_judged_against_its_first():
    first, same, other = record(order(), order(), order(lines=[line(amount=1)]))

    assert (first.status, same.status, other.status) == (201, 200, 409)
    assert first.row == same.row == Order.objects.get()
    assert EventConflict.objects.count() == 1


def test_pending_orders_and_other_currencies_do_not_count():
    pending, foreign = record(order(status="PENDING"), order("2", currency="CHF"))

    assert totals() == {}
    assert [event.payload["order"] for event in Event.objects.filter(type="order.recorded")] == [
        foreign.row.pk
    ]
    assert pending.row.status == "PENDING"


def test_a_pending_order_counts_from_its_payment_on():
    pending = record_order(order(status="PENDING"), at=NOON)
    assert not Event.objects.filter(type="order.recorded").exists()

    paid = pay_order(pending, at=NOON + timedelta(hours=1))
    pay_order(pending, at=NOON + timedelta(hours=2))

    assert paid.status == "PAID"
    assert totals() == {paid.customer_id: (1, 5000, NOON, NOON)}
    assert Event.objects.get(type="order.recorded").occurred_at == NOON + timedelta(hours=1)


def test_a_cancelled_order_does_not_count_any_more():
    kept, gone = (
        outcome.row for outcome in record(order(), order("2", ordered_at=NOON - timedelta(days=40)))
    )

    cancel_order(gone, at=NOON)
    cancel_order(gone, at=NOON)

    assert totals() == {kept.customer_id: (1, 5000, NOON, NOON)}
    assert [rollup.month for rollup in MonthlyRollup.objects.all()] == [date(2026, 11, 1)]
    event = Event.objects.get(type="order.cancelled")
    assert (event.payload, event.amount) == ({"order": gone.pk}, 5000)
    with pytest.raises(OrderNotPossible):
        pay_order(gone, at=NOON)


def test_without_a_counting_order_there_is_no_rollup():
    cancel_order(record_order(order(), at=NOON), at=NOON)

    assert Rollup.objects.count() == MonthlyRollup.objects.count() == 0


def test_months_begin_at_midnight_in_rome():
    record(
        order("1", ordered_at=datetime(2026, 3, 31, 21, 59, 59, tzinfo=UTC)),
        order("2", ordered_at=datetime(2026, 3, 31, 22, 0, tzinfo=UTC)),
    )

    assert sorted(MonthlyRollup.objects.values_list("month", "orders")) == [
        (date(2026, 3, 1), 1), (date(2026, 4, 1), 1),
    ]  # fmt: skip


def test_a_prospect_who_pays_is_a_customer():
    bob = CustomerFactory(status="PROSPECT", email="bob@mail.example")

    record(order(customer={"email": "bob@mail.example"}))

    bob.refresh_from_db()
    assert bob.status == "ACTIVE"


def test_an_erased_customer_buys_nothing():
    gone = CustomerFactory(status="ERASED")

    (outcome,) = record(order(customer={"id": str(gone.public_id)}))

    assert outcome.status == 410
    assert Order.objects.count() == 0


def test_a_merged_customers_orders_are_the_survivors():
    alice = CustomerFactory()
    merged = CustomerFactory(status="MERGED", merged_into=alice)

    (outcome,) = record(order(customer={"id": str(merged.public_id)}))

    assert outcome.row.customer == alice


def bulk():
    return [
        order(
            f"order-{n}",
            customer={"source": "pos", "source_id": str(n % 200)},
            store=f"MI-{n % 7}",
            sales_channel="store",
            lines=[line(f"SKU-{(n + k) % 300}", "2", line_id=str(k), amount=1000) for k in range(5)],
        )
        for n in range(500)
    ]


def test_a_bulk_takes_few_statements():
    with CaptureQueriesContext(connection) as first:
        outcomes = record(*bulk())
    with CaptureQueriesContext(connection) as again:
        repeats = record(*bulk())

    assert [outcome.status for outcome in outcomes] == [201] * 500
    assert [repeat.status for repeat in repeats] == [200] * 500
    assert (OrderLine.objects.count(), Customer.objects.count()) == (2500, 200)
    assert len(first) <= 45
    assert len(again) <= 8


@pytest.mark.django_db(transaction=True)
def test_the_same_batch_in_four_parallel_calls_is_recorded_once():
    record(*bulk()[:50])
    barrier, statuses, failures = threading.Barrier(4), [], []

    def call():
        try:
            barrier.wait()
            statuses.extend(outcome.status for outcome in record(*bulk()))
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=call) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert failures == []
    assert sorted(statuses) == [200] * 1550 + [201] * 450
    assert (Order.objects.count(), OrderLine.objects.count(), Customer.objects.count()) == (500, 2500, 200)
    assert Event.objects.filter(type="order.recorded").count() == 500
    assert sum(Rollup.objects.values_list("orders", flat=True)) == 500
    assert EventConflict.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_orders_of_one_customer_in_parallel_are_all_counted():
    barrier = threading.Barrier(5)

    def call(number):
        try:
            barrier.wait()
            record_order(order(str(number)), at=NOON)
        finally:
            connection.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    rollup = Rollup.objects.get()
    assert (rollup.orders, rollup.net_amount) == (5, 25000)
