"""What a tree of rules may look like, and the law that a rule and its opposite share out all customers."""

from datetime import timedelta

import pytest
from django.db.models import Count, JSONField, Max, Min, Sum, Value
from hypothesis import HealthCheck, given, settings

from customers.models import Customer, Event, Order, Rollup, Trait
from customers.segments.catalogue import catalogue, listed_fields
from customers.segments.compiler import compile_rules
from customers.segments.fields import Field, Kind
from customers.segments.known import known_values
from customers.segments.rules import parse_rules
from customers.services import create_segment, record_event, replace_members
from operations.errors import InvalidInput
from tests.customers.rule_trees import trees
from tests.factories import NOON, ConsentFactory, CustomerFactory, OrderFactory

JSON_NULL = Value(None, JSONField())
LEAF = {"field": "customer.city", "operator": "=", "value": "Milano"}


def all_of(*rules, **more):
    return {"combinator": "and", "rules": list(rules), **more}


def mistakes(rules):
    with pytest.raises(InvalidInput) as refused:
        parse_rules(rules, catalogue())
    return [(mistake.pointer, mistake.message) for mistake in refused.value.details]


@pytest.mark.parametrize(
    ("rules", "pointer"),
    [
        (None, "/rules"),
        ([], "/rules"),
        ({"combinator": "and"}, "/rules"),
        ({"combinator": "xor", "rules": []}, "/rules/combinator"),
        (all_of(**{"not": "yes"}), "/rules/not"),
        (all_of(speling=1), "/rules"),
        (all_of("city"), "/rules/rules/0"),
        (all_of(LEAF, {"field": "customer.shoe"}), "/rules/rules/1/field"),
        (all_of(LEAF | {"operator": ">"}), "/rules/rules/0/operator"),
        (all_of(LEAF | {"operator": "regex"}), "/rules/rules/0/operator"),
        (all_of(LEAF | {"value": 5}), "/rules/rules/0/value"),
        (all_of(LEAF | {"value": "a\0b"}), "/rules/rules/0/value"),
        (all_of(LEAF | {"operator": "in", "value": []}), "/rules/rules/0/value"),
        (all_of({"field": "stats.orders", "operator": "=", "value": True}), "/rules/rules/0/value"),
        (all_of({"field": "stats.orders", "operator": "=", "value": 2.5}), "/rules/rules/0/value"),
        (all_of({"field": "stats.orders", "operator": "between", "value": [3, 1]}), "/rules/rules/0/value"),
        (all_of({"field": "stats.orders", "operator": "=", "value": 10**30}), "/rules/rules/0/value"),
        (all_of({"field": "customer.birth_date", "operator": "<", "value": "12/1/80"}),
         "/rules/rules/0/value"),
        (all_of({"field": "consent.email.MARKETING", "operator": "=", "value": "YES"}),
         "/rules/rules/0/value"),
        (all_of({"field": "trait.golf", "operator": "=", "value": {"a": 1}}), "/rules/rules/0/value"),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_each_mistake_says_where_it_is(rules, pointer):
    assert pointer in [place for place, _ in mistakes(rules)]


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({"match": {"mode": "often"}}, "/value/match"),
        ({"match": {"mode": "atLeast", "threshold": -1}}, "/value/match/threshold"),
        ({"window": {"last_days": "90"}}, "/value/window"),
        ({"window": {"days_ago": [5, 1]}}, "/value/window"),
        ({"window": {"season": "winter"}}, "/value/window"),
        ({"window": {"from": "2026-02-30"}}, "/value/window"),
        ({"window": {"from": "2026-11-21T12:00:00"}}, "/value/window"),
        ({"window": {"from": "2026-12-01", "until": "2026-11-01"}}, "/value/window"),
        ({"where": all_of({"field": "customer.city", "operator": "=", "value": "X"})},
         "/value/where/rules/0/field"),
        ({"whre": all_of()}, "/value"),
        (3, "/value"),
    ],
)  # fmt: skip
def test_each_mistake_inside_an_event_says_where_it_is(value, pointer):
    leaf = {"field": "event.order.recorded", "operator": "happened", "value": value}

    assert f"/rules/rules/0{pointer}" in [place for place, _ in mistakes(all_of(leaf))]


def test_groups_are_nested_six_deep_and_no_deeper():
    tree = all_of(LEAF)
    for _ in range(5):
        tree = all_of(tree)

    parse_rules(tree, catalogue())

    assert mistakes(all_of(tree)) == [("/rules" + "/rules/0" * 6, "Groups are nested at most 6 deep.")]


def test_a_tree_has_a_hundred_conditions_and_no_more():
    fifty = all_of(*[LEAF] * 50)

    parse_rules(all_of(fifty, fifty), catalogue())

    assert mistakes(all_of(fifty, fifty, LEAF)) == [("/rules", "At most 100 conditions.")]


def test_what_the_editor_adds_for_itself_is_no_mistake():
    parsed = parse_rules(
        all_of(LEAF | {"id": "r-1", "valueSource": "value"}, id="root", path=[]), catalogue()
    )

    assert [leaf.code for leaf in parsed.leaves()] == ["customer.city"]


def test_an_app_contributes_fields_with_a_part_known_later():
    field = Field("rfm.*.segment", "RFM segment", Kind.TEXT, reader=None, expand=lambda: ["all-orders"])

    parsed = parse_rules(
        all_of({"field": "rfm.my.model.segment", "operator": "=", "value": "Champions"}), [field]
    )

    assert parsed.rules[0].parts == ("my.model",)
    assert [code for code, _ in listed_fields([field])] == ["rfm.all-orders.segment"]


@pytest.fixture
def crowd(db):
    """People who differ in everything a rule may ask for, the empty included."""
    for number in range(12):
        customer = CustomerFactory(
            email=None,
            city=["Milano", "Roma", ""][number % 3],
            birth_date=None if number % 4 else (NOON - timedelta(days=11_000 + number * 31)).date(),
        )
        OrderFactory.create_batch(
            number % 5,
            customer=customer,
            ordered_at=NOON - timedelta(days=number * 20),
            lines=[("SKU-A" if number % 2 else "SKU-B", 1, 1000 * number, 0)],
        )
        if number % 3:
            state = ["GRANTED", "WITHDRAWN"][number % 2]
            ConsentFactory(customer=customer, state=state, address=f"{number}@mail.example")
        if number % 2:
            value = [3, "golf", ["golf", "tyres"], True, JSON_NULL, 0.5][number // 2]
            Trait.objects.create(customer=customer, code="interest", value=value, computed_at=NOON)
    OrderFactory(customer=None)
    people = list(Customer.objects.values_list("pk", flat=True))
    totals = Order.objects.exclude(customer=None).values("customer_id")
    for total in totals.annotate(
        orders=Count("pk"),
        net_amount=Sum("net_amount"),
        first_order_at=Min("ordered_at"),
        last_order_at=Max("ordered_at"),
    ):
        Rollup.objects.create(**total)
        record_event(
            "nps.answered",
            external_id=f"nps-{total['customer_id']}",
            occurred_at=NOON - timedelta(days=total["orders"] * 9),
            customer=Customer.objects.get(pk=total["customer_id"]),
            payload={"score": total["orders"], "comment": "good"},
        )
    Customer.objects.filter(pk__in=people[::2]).update(attributes={"interest": "golf", "shoe": 43})
    record_event("nps.answered", external_id="nobody", occurred_at=NOON, payload={"score": 1})
    replace_members(create_segment(code="some", name="Some", kind="MANUAL"), people[::3], at=NOON)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=trees())
def test_a_rule_and_its_opposite_share_out_all_customers(crowd, rules):
    opposite = rules | {"not": not rules["not"]}

    held = set(compile_rules(rules, as_of=NOON).values_list("pk", flat=True))
    rest = set(compile_rules(opposite, as_of=NOON).values_list("pk", flat=True))

    assert len(held) + len(rest) == 12
    assert not held & rest


def test_the_values_of_a_column_are_listed_once_in_order(db):
    for number, code in enumerate(["b", "a", "c", "a", "b"]):
        customer = CustomerFactory(email=None)
        Trait.objects.create(customer=customer, code=code, value=number, computed_at=NOON)

    assert known_values(Trait, "code") == ["a", "b", "c"]
    assert known_values(Event, "type") == []
