"""Totals by product line and place: what they come to, and that a count anew would find the same."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from customers.invariants import declared
from customers.models import MonthlyRollup, Order, Product, Rollup, ScopedRollup, StaleScope, Store
from customers.segments.compiler import compile_rules
from customers.services import (
    cancel_order,
    merge_customers,
    pay_order,
    record_orders,
    record_return,
    refresh_rollups,
    undo_merge,
)
from customers.services.rollups import rebuild_rollups
from customers.services.scopes import keep_scopes
from operations.models import JobRun
from operations.services import carry_out
from tests.factories import NOON, CustomerFactory, OrderFactory, ProductFactory, SourceProfileFactory

pytestmark = pytest.mark.django_db
LINES = {"TYRE": "Tyres", "RIM": "Tyres", "WAX": "Car care", "BAG": ""}
FEW = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def catalogue():
    _catalogue()


def _catalogue():
    for sku, line in LINES.items():
        ProductFactory(sku=sku, product_line=line)
    for code, country in (("milano", "IT"), ("lugano", "CH"), ("nowhere", "")):
        Store.objects.create(code=code, country=country)


def item(number, customer, *skus, days_ago=1, **more):
    lines = [{"sku": sku, "quantity": "2", "amount": 1000 * place} for place, sku in enumerate(skus, start=1)]
    who = {"id": str(customer.public_id)} if customer else None
    return {
        "source": "pos", "source_id": str(number), "customer": who, "currency": "EUR", "lines": lines,
        "ordered_at": NOON - timedelta(days=days_ago),
    } | more  # fmt: skip


def bought(*items):
    return [outcome.row for outcome in record_orders([*items], at=NOON)]


def totals(customer):
    rows = ScopedRollup.objects.filter(customer=customer)
    return {(row.scope, row.scope_value): (row.orders, row.net_amount) for row in rows}


def counted():
    """Return every customer's totals as the orders say, worked out without SQL."""
    found = defaultdict(list)
    for order in Order.objects.whole().filter(customer__isnull=False, status="PAID", currency="EUR"):
        places = {
            "CHANNEL": order.sales_channel and order.sales_channel.code,
            "STORE": order.store and order.store.code,
            "COUNTRY": order.store and order.store.country.code,
            "BUSINESS_UNIT": order.business_unit and order.business_unit.code,
        }
        sold = defaultdict(int)
        for line in order.lines.all():
            sold[line.product.product_line] += line.total_amount - sum(
                back.refund_amount for back in line.returned.all()
            )
        parts = [(scope, value, order.net_amount) for scope, value in places.items()]
        parts += [("PRODUCT_LINE", value, amount) for value, amount in sold.items()]
        for scope, value, amount in parts:
            if value:
                found[order.customer_id, scope, value].append((amount, order.ordered_at))
    return {
        key: (len(orders), sum(amount for amount, _ in orders), min(days)[0], max(days)[0])
        for key, orders in found.items()
        for days in [[(ordered_at,) for _, ordered_at in orders]]
    }


def kept():
    return {
        (row.customer_id, row.scope, row.scope_value): (
            row.orders,
            row.net_amount,
            row.first_order_at,
            row.last_order_at,
        )
        for row in ScopedRollup.objects.all()
    }


def test_an_order_counts_once_for_each_product_line_and_for_each_place(catalogue):
    alice = CustomerFactory()

    bought(item(1, alice, "TYRE", "RIM", "WAX", "BAG", store="milano", sales_channel="till"))
    bought(item(2, alice, "TYRE", store="lugano", business_unit="retail"))
    bought(item(3, None, "TYRE"), item(4, alice, "TYRE", currency="USD"))

    assert totals(alice) == {
        ("PRODUCT_LINE", "Tyres"): (2, 4000),
        ("PRODUCT_LINE", "Car care"): (1, 3000),
        ("STORE", "milano"): (1, 10000),
        ("STORE", "lugano"): (1, 1000),
        ("COUNTRY", "IT"): (1, 10000),
        ("COUNTRY", "CH"): (1, 1000),
        ("CHANNEL", "till"): (1, 10000),
        ("BUSINESS_UNIT", "retail"): (1, 1000),
    }


def test_what_comes_back_lessens_its_own_product_line(catalogue):
    alice = CustomerFactory()
    first, second = bought(item(1, alice, "TYRE", "WAX"), item(2, alice, "RIM"))

    record_return(first, source_id="r1", returned_at=NOON, quantities={"2": Decimal(1)})
    cancel_order(second, at=NOON)

    assert totals(alice) == {("PRODUCT_LINE", "Tyres"): (1, 1000), ("PRODUCT_LINE", "Car care"): (1, 1000)}


purchases = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.lists(st.sampled_from(sorted(LINES)), min_size=1, max_size=3),
        st.sampled_from(["milano", "lugano", "nowhere", None]),
        st.sampled_from(["till", None]),
        st.integers(1, 300),
        st.sampled_from(["PAID", "PAID", "PENDING"]),
    ),
    min_size=1,
    max_size=8,
)
deeds = st.lists(
    st.tuples(st.sampled_from(["return", "cancel", "pay", "merge", "unmerge"]), st.integers(0, 7)), max_size=6
)


@FEW
@given(history=purchases, then=deeds)
def test_whatever_happens_the_totals_are_what_a_count_finds(db, history, then):
    with transaction.atomic():
        _live(history, then)
        transaction.set_rollback(True)


def _live(history, then):
    _catalogue()
    people, merges = [CustomerFactory() for _ in range(3)], []
    items = [
        item(number, people[who], *skus, store=store, sales_channel=channel, days_ago=days, status=status)
        for number, (who, skus, store, channel, days, status) in enumerate(history)
    ]
    rows = bought(*items)
    assert kept() == counted()
    for number, (deed, which) in enumerate(then):
        order = Order.objects.get(pk=rows[which % len(rows)].pk)
        match deed:
            case "return" if order.status == "PAID" and not order.returns.exists():
                record_return(order, source_id=f"r{number}", returned_at=NOON, quantities={"1": Decimal(1)})
            case "cancel" if order.status != "REFUNDED":
                cancel_order(order, at=NOON)
            case "pay" if order.status == "PENDING":
                pay_order(order, at=NOON)
            case "merge" if not merges:
                merges.append(merge_customers(people[0], [people[1]], reason="one", at=NOON))
            case "unmerge" if len(merges) == 1:
                merges.append(undo_merge(merges[0], at=NOON))

        assert kept() == counted()
    before = kept()
    rebuild_rollups()
    assert kept() == before


def test_the_command_puts_right_what_somebody_wrote_into_the_totals(catalogue):
    bought(item(1, CustomerFactory(), "TYRE", store="milano"))
    before = kept()
    ScopedRollup.objects.update(net_amount=1)
    Rollup.objects.update(orders=99)
    MonthlyRollup.objects.all().delete()

    call_command("rebuild_rollups")

    assert kept() == before
    assert Rollup.objects.get(scope="ALL").orders == MonthlyRollup.objects.get(scope="ALL").orders == 1


def rules(field, operator, value, mode="atLeast", window=None):
    where = {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]}
    match = {"mode": mode} if mode == "none" else {"mode": mode, "threshold": 1}
    return {
        "combinator": "and",
        "rules": [
            {
                "field": "event.order.recorded",
                "operator": "happened",
                "value": {"match": match, "where": where, **({"window": window} if window else {})},
            }
        ],
    }


def holders(*args, as_of=NOON, **more):
    with CaptureQueriesContext(connection) as queries:
        found = set(compile_rules(rules(*args, **more), as_of=as_of).values_list("pk", flat=True))
    return found, "customers_scopedrollup" in queries[-1]["sql"]


@pytest.mark.parametrize(
    ("leaf", "who"),
    [
        (("product_line", "=", "Tyres"), "ab"),
        (("product_line", "=", "Tyres", "none"), "c"),
        (("product_line", "in", ["Car care", "Books"]), "a"),
        (("store", "=", "lugano"), "b"),
        (("store", "=", "lugano", "none"), "ac"),
        (("sales_channel", "=", "till"), "a"),
    ],
)
def test_ever_and_never_are_answered_by_the_totals(catalogue, leaf, who):
    people = dict(zip("abc", [CustomerFactory() for _ in range(3)], strict=True))
    bought(item(1, people["a"], "TYRE", "WAX", sales_channel="till"))
    bought(item(2, people["b"], "RIM", store="lugano"), item(3, people["c"], "BAG"))

    assert holders(*leaf) == ({people[each].pk for each in who}, True)


def test_what_was_bought_after_the_day_asked_about_is_not_seen(catalogue):
    alice = CustomerFactory()
    bought(item(1, alice, "TYRE", days_ago=10))

    assert holders("product_line", "=", "Tyres", as_of=NOON - timedelta(days=11)) == (set(), True)
    assert holders("product_line", "=", "Tyres", as_of=NOON - timedelta(days=10)) == ({alice.pk}, True)


def test_a_window_with_a_beginning_is_answered_by_the_orders(catalogue):
    alice = CustomerFactory()
    bought(item(1, alice, "TYRE", days_ago=10))

    assert holders("product_line", "=", "Tyres", window={"last_days": 5}) == (set(), False)
    assert holders("product_line", "!=", "Tyres") == (set(), False)


def test_an_article_that_moves_is_read_from_the_orders_until_the_job_has_counted(catalogue):
    alice = CustomerFactory()
    bought(item(1, alice, "BAG"))

    Product.objects.filter(sku="BAG").update(product_line="Luggage")

    assert [(one.scope, one.scope_value) for one in StaleScope.objects.all()] == [("PRODUCT_LINE", "Luggage")]
    assert holders("product_line", "=", "Luggage") == ({alice.pk}, False)
    assert holders("product_line", "=", "Tyres") == (set(), True)
    job = carry_out(keep_scopes())
    assert (job.status, job.result) == ("DONE", {"customers": 1})
    assert holders("product_line", "=", "Luggage") == ({alice.pk}, True)
    assert totals(alice) == {("PRODUCT_LINE", "Luggage"): (1, 1000)}
    assert keep_scopes() is None


def test_totals_by_scope_that_the_orders_do_not_tell_are_named(catalogue):
    def broken():
        (query,) = [one.broken for one in declared() if one.key == "customers.totals"]
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    alice = CustomerFactory()
    bought(item(1, alice, "TYRE", store="milano"))
    assert broken() == []

    ScopedRollup.objects.filter(scope="STORE").update(orders=2)
    assert broken() == [(alice.pk, "STORE", "milano", 2, 1, 1000, 1000)]

    Product.objects.filter(sku="TYRE").update(product_line="Wheels")
    assert broken() == []


def test_one_count_is_promised_at_a_time(catalogue):
    Store.objects.filter(code="milano").update(country="FR")

    assert keep_scopes().status == "QUEUED"
    assert keep_scopes() is None
    assert JobRun.objects.count() == 1


def test_what_became_stale_during_a_count_stays_stale(catalogue, monkeypatch):
    alice = CustomerFactory()
    bought(item(1, alice, "BAG"))
    Product.objects.filter(sku="BAG").update(product_line="Luggage")
    job = keep_scopes()

    from customers.services import scopes

    refresh = scopes.refresh_scopes

    def move_on(ids):
        refresh(ids)
        Product.objects.filter(sku="BAG").update(product_line="Bags")

    monkeypatch.setattr(scopes, "refresh_scopes", move_on)
    carry_out(job)

    assert {one.scope_value for one in StaleScope.objects.all()} == {"Luggage", "Bags"}


def test_a_merge_and_its_undoing_move_the_totals(catalogue):
    alice, double = CustomerFactory(), CustomerFactory()
    profile = SourceProfileFactory(customer=double)
    OrderFactory(customer=alice, lines=[("TYRE", 1, 100, 0)])
    OrderFactory(customer=double, source_profile=profile, lines=[("TYRE", 1, 300, 0)])
    refresh_rollups([alice.pk, double.pk])

    operation = merge_customers(alice, [double], reason="one", at=NOON)

    assert (totals(alice), totals(double)) == ({("PRODUCT_LINE", "Tyres"): (2, 400)}, {})
    undo_merge(operation, at=NOON)
    assert totals(alice) == {("PRODUCT_LINE", "Tyres"): (1, 100)}
    assert totals(double) == {("PRODUCT_LINE", "Tyres"): (1, 300)}


@pytest.mark.parametrize(
    ("field", "operator", "value", "who"),
    [
        ("stats.product_line.Tyres.orders", ">=", 2, "a"),
        ("stats.product_line.Tyres.orders", "=", 0, "c"),
        ("stats.product_line.Car care.net_amount", ">=", 2000, "a"),
        ("stats.product_line.Tyres.net_amount", "<", 2000, "bc"),
        ("stats.product_line.Tyres.days_since_last_order", "<=", 5, "a"),
        ("stats.product_line.Tyres.days_since_last_order", "null", None, "c"),
        ("stats.sales_channel.till.first_order_at", "=", {"days_ago": 30}, "a"),
        ("stats.store.lugano.net_amount", ">", 0, "b"),
    ],
)
def test_a_rule_asks_how_much_somebody_bought_of_one_scope(catalogue, field, operator, value, who):
    people = dict(zip("abc", [CustomerFactory() for _ in range(3)], strict=True))
    bought(item(1, people["a"], "TYRE", "WAX", sales_channel="till", days_ago=30))
    bought(item(2, people["a"], "RIM", days_ago=5), item(3, people["b"], "RIM", store="lugano", days_ago=9))

    leaf = {"field": field, "operator": operator, "value": value}
    found = compile_rules({"combinator": "and", "rules": [leaf]}, as_of=NOON)

    assert set(found.values_list("pk", flat=True)) == {people[each].pk for each in who}
