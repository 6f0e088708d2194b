"""Traits of the whole population: only what differs is written, and never about whom it must not be."""

from datetime import date, timedelta

import pytest
from django.db import connection

from customers.models import ChangedCustomers, Customer, Trait
from customers.segments.compiler import compile_rules
from customers.segments.fields import Field, Kind, Rows
from customers.segments.trait_fields import JsonDay, Listed, trait_fields
from customers.services import create_segment
from customers.services.traits import write_traits
from customers.traits import KnownTrait, TraitKind, plain, trait_label, trait_words
from tests.factories import NOON, CustomerFactory

LATER = NOON + timedelta(days=1)
pytestmark = pytest.mark.django_db


def written(codes=("score", "likes"), **more):
    rows = Trait.objects.filter(code__in=codes, **more).order_by("customer", "code")
    return [(row.customer_id, row.code, row.value) for row in rows]


def test_values_are_written_changed_and_taken_away():
    alice, bob, carla = CustomerFactory.create_batch(3)
    rows = [(alice.pk, "score", 0.5), (alice.pk, "likes", ["a\\b", 'c"d\n']), (bob.pk, "score", 1)]

    first = write_traits(rows, codes=["score", "likes"], at=NOON, model_version="v1")
    again = write_traits(iter(rows), codes=["score", "likes"], at=LATER, model_version="v2")
    changed = write_traits(
        [(alice.pk, "score", 0.6), (alice.pk, "likes", None), (carla.pk, "score", 2)],
        codes=["score", "likes"], at=LATER, model_version="v3",
    )  # fmt: skip

    assert (first, again, changed) == (3, 0, 4)  # alice's score, carla's; alice's likes and bob's score go
    assert written() == [(alice.pk, "score", 0.6), (carla.pk, "score", 2)]
    assert set(Trait.objects.values_list("model_version", "computed_at")) == {("v3", LATER)}


def test_what_stands_there_already_is_not_even_locked():
    alice = CustomerFactory()
    Trait.objects.create(customer=alice, code="score", value=0.5, computed_at=NOON)

    write_traits([(alice.pk, "score", 0.5)], codes=["score"], at=LATER, model_version="v1")

    with connection.cursor() as cursor:
        cursor.execute("SELECT xmax::text FROM customers_trait")
        assert cursor.fetchall() == [("0",)]


def test_other_codes_stay_as_they_are():
    alice = CustomerFactory()
    Trait.objects.create(customer=alice, code="pet", value="cat", computed_at=NOON)

    write_traits([(alice.pk, "score", 1)], codes=["score"], at=NOON, model_version="v1")

    assert set(alice.traits.values_list("code", flat=True)) == {"pet", "score"}


def test_nothing_is_written_about_whoever_is_not_to_be_profiled():
    people = CustomerFactory.create_batch(5)
    write_traits([(each.pk, "score", 1) for each in people], codes=["score"], at=NOON, model_version="v1")
    objected, restricted, erased, anonymous, alice = people
    Customer.objects.filter(pk=objected.pk).update(profiling=Customer.Profiling.OBJECTED)
    Customer.objects.filter(pk=restricted.pk).update(restricted_at=NOON)
    Customer.objects.filter(pk=erased.pk).update(status=Customer.Status.ERASED)
    Customer.objects.filter(pk=anonymous.pk).update(status=Customer.Status.ANONYMOUS)

    changed = write_traits(
        [*((each.pk, "score", 2) for each in people), (0, "score", 3)],
        codes=["score"], at=LATER, model_version="v2",
    )  # fmt: skip

    assert changed == 5
    assert written() == [(alice.pk, "score", 2)]


def test_a_code_that_was_not_announced_writes_nothing_at_all():
    alice = CustomerFactory()

    with pytest.raises(ValueError, match="likes"):
        write_traits([(alice.pk, "likes", 1)], codes=["score"], at=NOON, model_version="v1")

    assert written() == []


def test_of_two_values_of_one_trait_the_later_line_holds():
    alice = CustomerFactory()

    write_traits([(alice.pk, "score", 1), (alice.pk, "score", 2)], codes=["score"], at=NOON, model_version="")

    assert written() == [(alice.pk, "score", 2)]


def test_live_segments_hear_of_who_changed():
    alice, bob = CustomerFactory.create_batch(2)
    rules = {
        "combinator": "and",
        "rules": [{"field": "trait.score", "operator": ">", "value": 1}],
    }
    create_segment(code="keen", name="Keen", rules=rules, refresh="LIVE")
    ChangedCustomers.objects.all().delete()
    write_traits([(alice.pk, "score", 1), (bob.pk, "score", 1)], codes=["score"], at=NOON, model_version="")
    ChangedCustomers.objects.all().delete()

    write_traits([(alice.pk, "score", 2), (bob.pk, "score", 1)], codes=["score"], at=NOON, model_version="")

    assert [(note.customers, note.quiet) for note in ChangedCustomers.objects.all()] == [([alice.pk], False)]


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (TraitKind.NUMBER, 3.25, "3.2"),
        (TraitKind.PROBABILITY, 0.714, "71%"),
        (TraitKind.PROBABILITY, 0.0214, "2.1%"),
        (TraitKind.MONEY, 128450, "€1,284.50"),
        (TraitKind.LIST, ["milk", "bread"], "milk, bread"),
        (TraitKind.LIST, [], "–"),
        (TraitKind.TEXT, "single", "One channel"),
        (TraitKind.WINDOW, {"from": "2026-11-25", "until": "2026-12-02"}, "25 Nov 2026 to 2 Dec 2026"),
        (TraitKind.MONEY, None, "–"),
        (TraitKind.WINDOW, "soon", "soon"),
    ],
)
def test_a_value_is_written_as_its_kind_says(kind, value, words):
    trait = KnownTrait("x", "X", kind, words={"single": "One channel"})

    assert trait.shown(value) == words


def test_a_trait_that_nobody_named_is_written_as_it_is():
    assert trait_label("household_size") == "Household size"
    assert [plain(each) for each in (True, None, ["a", 1], {"a": 2.5})] == ["yes", "–", "a, 1", "a: 2.5"]
    assert trait_words("nobody_named_it", 1200) == "1,200"


def test_a_named_trait_is_a_field_of_its_kind():
    fields = {field.code: field for field in trait_fields()}

    assert fields["trait.predicted_value_90"].kind is Kind.MONEY
    assert (fields["trait.probability_active"].minimum, fields["trait.probability_active"].maximum) == (0, 1)


@pytest.mark.parametrize(
    ("reader", "operator", "value", "holds"),
    [
        (Listed("value"), "=", "Milk", True),
        (Listed("value"), "=", "Mil", False),
        (Listed("value"), "in", ["Cake", "Bread"], True),
        (Listed("value"), "contains", "rea", True),
        (Listed("value"), "beginsWith", "mi", True),
        (Listed("value"), "beginsWith", "il", False),
    ],
)
def test_a_list_is_compared_member_by_member(reader, operator, value, holds):
    alice = CustomerFactory()
    Trait.objects.create(customer=alice, code="likes", value=["Milk", "Bread"], computed_at=NOON)
    rows = Rows(lambda moment: Trait.objects.filter(code="likes"), reader)

    condition = rows.condition(operator, value, moment=None, parts=())

    assert Customer.objects.filter(condition).exists() is holds


def test_the_ends_of_a_window_are_days(settings, monkeypatch):
    alice, _bob = CustomerFactory.create_batch(2)
    value = {"from": "2026-11-25", "until": "2026-12-02"}
    Trait.objects.create(customer=alice, code="next", value=value, computed_at=NOON)
    rows = Rows(lambda moment: Trait.objects.filter(code="next"), JsonDay("value", key="until"))
    field = Field("trait.next.until", "Next, until", Kind.DATE, rows)
    monkeypatch.setattr("customers.segments.compiler.catalogue", lambda: (field,))

    def found(operator, value=None):
        rules = {"combinator": "and", "rules": [{"field": field.code, "operator": operator, "value": value}]}
        return list(compile_rules(rules, as_of=NOON).values_list("pk", flat=True))

    assert (
        found("=", "2026-12-02") == found(">", "2026-12-01") == found("<=", {"days_ago": -11}) == [alice.pk]
    )
    assert found("between", ["2026-12-01", "2026-12-02"]) == found("notNull") == [alice.pk]
    assert found("<", "2026-12-02") == []
    assert rows.actual(alice.pk, moment=None, parts=()) == date(2026, 12, 2)
