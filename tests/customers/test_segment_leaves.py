"""What each kind of condition means, with exact answers."""

from datetime import UTC, date, datetime, timedelta

import pytest

from customers.models import Customer
from customers.segments.birthdays import age_on, next_birthday
from customers.segments.catalogue import catalogue
from customers.segments.compiler import compile_rules
from customers.segments.rules import parse_rules
from customers.segments.seasons import SeasonWindow, Span, Which
from customers.segments.sentences import sentence_of
from customers.segments.shares import number_of
from customers.segments.starters import STARTERS
from customers.services import create_segment, explain_membership, record_event
from operations.errors import InvalidInput
from tests.factories import NOON, CustomerFactory, OrderFactory, ProductFactory

ORDER = "event.order.recorded"
WINTER = Span("winter", "Winter", (12, 1), (2, 29))
SUMMER = Span("summer", "Summer", (6, 1), (8, 31))
YEAR = (
    Span("spring", "Spring", (3, 1), (5, 31)),
    SUMMER,
    Span("autumn", "Autumn", (9, 1), (11, 30)),
    WINTER,
)


def all_of(*rules, **more):
    return {"combinator": "and", "rules": list(rules), **more}


def on(field, operator, /, **value):
    return {"field": field, "operator": operator, "value": value}


def holders(*rules, as_of=NOON):
    return set(compile_rules(all_of(*rules), as_of=as_of).values_list("first_name", flat=True))


def ordered(customer, days_ago, amount=5000, sku="SKU-A"):
    ordered_at = NOON - timedelta(days=days_ago)
    return OrderFactory(customer=customer, ordered_at=ordered_at, lines=[(sku, 1, amount, 0)])


def happened(customer, type, days_ago, **payload):
    record_event(
        type,
        external_id=f"{type}-{customer.pk}-{days_ago}-{payload}",
        occurred_at=NOON - timedelta(days=days_ago),
        customer=customer,
        payload=payload,
    )


@pytest.fixture
def cast(db):
    """Alice bought 20 and 30 euro, Bob 90 euro, Carla nothing; none of them is anybody else."""
    alice, bob, carla = (CustomerFactory(first_name=name, email=None) for name in ("Alice", "Bob", "Carla"))
    ordered(alice, 10, 2000)
    ordered(alice, 40, 3000, sku="SKU-B")
    ordered(bob, 20, 9000)
    OrderFactory(customer=None)
    return alice, bob, carla


@pytest.mark.parametrize(
    ("function", "of", "operator", "value", "found"),
    [
        ("sum", "amount", ">=", 5000, {"Alice", "Bob"}),
        ("sum", "amount", ">", 5000, {"Bob"}),
        ("sum", "amount", "<=", 5000, {"Alice", "Carla"}),
        ("sum", "amount", "=", 0, {"Carla"}),
        ("sum", "amount", "between", [1, 6000], {"Alice"}),
        ("avg", "amount", "=", 2500, {"Alice"}),
        ("avg", "amount", "<", 10_000, {"Alice", "Bob"}),
        ("max", "amount", ">=", 3000, {"Alice", "Bob"}),
        ("min", "amount", "<=", 2000, {"Alice"}),
        ("distinct", "sku", ">=", 2, {"Alice"}),
        ("distinct", "sku", "<", 1, {"Carla"}),
        ("distinct", "day", "=", 2, {"Alice"}),
        ("sum", "quantity", "=", 2, {"Alice"}),
    ],
)
def test_a_figure_over_orders(cast, function, of, operator, value, found):
    leaf = on(ORDER, "aggregate", function=function, of=of, operator=operator, value=value)

    assert holders(leaf) == found


def test_a_figure_counts_only_its_window_and_what_its_conditions_let_through(cast):
    figure = {"function": "sum", "of": "amount", "operator": ">=", "value": 2000}
    only_a = all_of({"field": "sku", "operator": "=", "value": "SKU-A"})

    assert holders(on(ORDER, "aggregate", **figure, window={"last_days": 15})) == {"Alice"}
    assert holders(on(ORDER, "aggregate", **figure | {"value": 3000}, where=only_a)) == {"Bob"}


def test_what_was_spent_on_articles_is_not_what_their_orders_came_to(db):
    alice = CustomerFactory(first_name="Alice", email=None)
    OrderFactory(customer=alice, lines=[("TYRE", 1, 9000, 1000), ("MUG", 2, 700, 0)])
    mugs = all_of({"field": "sku", "operator": "=", "value": "MUG"})
    spent = {"function": "sum", "of": "amount", "operator": "=", "where": mugs}

    assert holders(on("event.product.bought", "aggregate", **spent, value=700)) == {"Alice"}
    assert holders(on(ORDER, "aggregate", **spent, value=8700)) == {"Alice"}


def test_a_figure_over_the_details_of_events(db):
    alice, bob = (CustomerFactory(first_name=name, email=None) for name in ("Alice", "Bob"))
    happened(alice, "nps.answered", 5, score=9)
    happened(alice, "nps.answered", 6, score=10)
    happened(bob, "nps.answered", 5, score=3)

    average = on(
        "event.nps.answered", "aggregate", function="avg", of="payload.score", operator=">=", value=9.5
    )
    low = all_of({"field": "payload.score", "operator": "<=", "value": 6})

    assert holders(average) == {"Alice"}
    assert holders(on("event.nps.answered", "happened", where=low)) == {"Bob"}


def test_the_last_and_the_first_time(cast):
    is_a = all_of({"field": "sku", "operator": "=", "value": "SKU-A"})

    assert holders(on(ORDER, "last", where=is_a)) == {"Alice", "Bob"}
    assert holders(on(ORDER, "first", where=is_a)) == {"Bob"}
    assert holders(on(ORDER, "last", where=is_a, window={"days_ago": [30, 50]})) == set()
    assert holders(on(ORDER, "last")) == {"Alice", "Bob"}


def test_one_thing_after_another(db):
    alice, bob, carla = (CustomerFactory(first_name=name, email=None) for name in ("Alice", "Bob", "Carla"))
    for who in (alice, bob, carla):
        happened(who, "product.tried", 30)
    ordered(alice, 25)
    ordered(bob, 5)
    ordered(carla, 31)
    bought = {"field": ORDER, "within": {"days": 14}}

    assert holders(on("event.product.tried", "sequence", then=[bought])) == {"Alice"}
    assert holders(on("event.product.tried", "sequence", then=[bought | {"within": None}])) == {
        "Alice",
        "Bob",
    }
    not_bought = bought | {"negated": True}
    assert holders(on("event.product.tried", "sequence", then=[not_bought])) == {"Bob", "Carla"}


def test_what_did_not_follow_is_known_only_when_its_time_is_over(db):
    alice = CustomerFactory(first_name="Alice", email=None)
    happened(alice, "cart.updated", 0, cart="1")
    not_ordered = on(
        "event.cart.updated", "sequence", then=[{"field": ORDER, "negated": True, "within": {"hours": 24}}]
    )
    by_day = on(
        "event.cart.updated", "sequence", then=[{"field": ORDER, "negated": True, "within": {"days": 1}}]
    )

    assert holders(not_ordered, as_of=NOON + timedelta(hours=23)) == set()
    assert holders(not_ordered, as_of=NOON + timedelta(hours=24)) == {"Alice"}
    # Noon in Rome, and a day: until the next day is over there, at 23:00 UTC.
    assert holders(by_day, as_of=datetime(2026, 11, 22, 22, 59, tzinfo=UTC)) == set()
    assert holders(by_day, as_of=datetime(2026, 11, 22, 23, 0, tzinfo=UTC)) == {"Alice"}


def test_a_chain_of_three_steps(db):
    alice, bob = (CustomerFactory(first_name=name, email=None) for name in ("Alice", "Bob"))
    for who in (alice, bob):
        happened(who, "product.viewed", 20)
        happened(who, "product.tried", 15)
    ordered(alice, 10)
    tried, bought = {"field": "event.product.tried"}, {"field": ORDER}

    assert holders(on("event.product.viewed", "sequence", then=[tried, bought])) == {"Alice"}
    assert holders(on("event.product.viewed", "sequence", then=[tried, bought | {"negated": True}])) == {
        "Bob"
    }


def test_a_window_that_begins_with_another_event(cast):
    for who in cast:
        happened(who, "visit.recorded", 15)
    since = {"since_event": {"field": "event.visit.recorded"}}

    assert holders(on(ORDER, "happened", window=since)) == {"Alice"}
    assert holders(on(ORDER, "happened", match={"mode": "none"}, window=since)) == {"Bob", "Carla"}


@pytest.mark.parametrize(
    ("which", "today", "first", "last"),
    [
        ("current", date(2026, 11, 21), date(2026, 9, 1), date(2026, 11, 30)),
        ("previous", date(2026, 11, 21), date(2026, 6, 1), date(2026, 8, 31)),
        ("previous_same", date(2026, 11, 21), date(2025, 9, 1), date(2025, 11, 30)),
        ("current", date(2027, 1, 5), date(2026, 12, 1), date(2027, 2, 28)),
        ("previous", date(2027, 1, 5), date(2026, 9, 1), date(2026, 11, 30)),
        ("previous_same", date(2029, 1, 5), date(2027, 12, 1), date(2028, 2, 29)),
    ],
)
def test_seasons_go_round_and_the_winter_over_new_year(which, today, first, last):
    assert SeasonWindow(Which(which), YEAR).days(today) == (first, last)


def test_a_named_season_is_the_one_that_began_last_and_the_year_before():
    assert SeasonWindow(Which.CURRENT, (SUMMER,)).days(date(2026, 11, 21))[0] == date(2026, 6, 1)
    assert SeasonWindow(Which.PREVIOUS, (SUMMER,)).days(date(2026, 11, 21))[0] == date(2025, 6, 1)
    assert SeasonWindow(Which.PREVIOUS_SAME, (WINTER,)).days(date(2026, 11, 21))[0] == date(2024, 12, 1)


def test_orders_of_a_season(cast):
    OrderFactory(customer=cast[2], ordered_at=datetime(2025, 10, 3, tzinfo=UTC))

    assert holders(on(ORDER, "happened", window={"season": "previous_same"})) == {"Carla"}
    assert holders(on(ORDER, "happened", window={"season": "current", "of": "autumn"})) == {"Alice", "Bob"}
    assert holders(on(ORDER, "happened", window={"season": "previous"})) == set()


def test_ages_and_birthdays_know_the_29th_of_february(db):
    assert age_on(date(2027, 2, 27), date(2000, 2, 29)) == 26
    assert age_on(date(2027, 2, 28), date(2000, 2, 29)) == 27
    assert next_birthday(date(2000, 2, 29), date(2027, 1, 1)) == date(2027, 2, 28)
    CustomerFactory(first_name="Leap", birth_date=date(2000, 2, 29), email=None)
    CustomerFactory(first_name="First", birth_date=date(2000, 3, 1), email=None)
    CustomerFactory(first_name="Nobody", email=None)
    eve, day = date(2027, 2, 27), date(2027, 2, 28)

    today = {"field": "customer.days_to_birthday", "operator": "=", "value": 0}
    soon = {"field": "customer.days_to_birthday", "operator": "<=", "value": 1}
    adult = {"field": "customer.age", "operator": ">=", "value": 27}
    assert holders(today, as_of=day) == {"Leap"}
    assert holders(soon, as_of=day) == {"Leap", "First"}
    assert holders(adult, as_of=eve) == set()
    assert holders(adult, as_of=day) == {"Leap"}
    assert holders({"field": "customer.age", "operator": "=", "value": 26}, as_of=day) == {"First"}


def test_a_random_share_is_the_same_every_time_and_another_for_another_word(db):
    CustomerFactory.create_batch(60, email=None)

    def drawn(word):
        leaf = {"field": f"random.{word}", "operator": "<", "value": 50}
        return set(compile_rules(all_of(leaf), as_of=NOON).values_list("pk", flat=True))

    expected = {one.pk for one in Customer.objects.all() if number_of("a", str(one.public_id)) < 50}
    assert drawn("a") == drawn("a") == expected
    assert drawn("a") != drawn("b")
    assert 10 < len(drawn("a")) < 50


def test_a_number_that_no_calendar_holds_is_no_error(cast):
    for value in (10**15, -(10**15)):
        for field in ("stats.days_since_last_order", "customer.age", "customer.days_to_birthday"):
            assert holders({"field": field, "operator": ">", "value": value}) in (
                set(),
                {"Alice", "Bob", "Carla"},
            )


@pytest.mark.parametrize(
    ("leaf", "pointer"),
    [
        (on(ORDER, "aggregate", function="sum", of="sku", operator=">", value=1), "/value/function"),
        (on(ORDER, "aggregate", function="sum", of="shoe", operator=">", value=1), "/value/of"),
        (on(ORDER, "aggregate", function="sum", of="amount", operator="~", value=1), "/value/operator"),
        (on(ORDER, "aggregate", function="sum", of="amount", operator=">", value="1"), "/value/value"),
        (on(ORDER, "aggregate"), "/value/of"),
        (on(ORDER, "sequence"), "/value/then"),
        (on(ORDER, "sequence", then=[{"field": "customer.city"}]), "/value/then/0/field"),
        (on(ORDER, "sequence", then=[{"field": ORDER, "within": {"weeks": 1}}]), "/value/then/0/within"),
        (
            on(ORDER, "sequence", then=[{"field": ORDER, "negated": True}, {"field": ORDER}]),
            "/value/then/0/negated",
        ),
        (on(ORDER, "last", match={"mode": "none"}), "/value"),
        (on(ORDER, "happened", window={"season": "current", "of": "monsoon"}), "/value/window"),
        (on(ORDER, "happened", window={"from": "0001-01-01T00:00:00+14:00"}), "/value/window"),
        (on(ORDER, "happened", window={"until": "9999-12-31T23:59:59-12:00"}), "/value/window"),
        (on(ORDER, "happened", window={"days_ago": [0, 36501]}), "/value/window"),
        (
            on(ORDER, "happened", window={"since_event": {"field": "segment"}}),
            "/value/window/since_event/field",
        ),
        (on(ORDER, "happened", window={"since_event": "x"}), "/value/window/since_event"),
    ],
)
@pytest.mark.django_db
def test_each_mistake_about_an_event_says_where_it_is(leaf, pointer):
    with pytest.raises(InvalidInput) as refused:
        parse_rules(all_of(leaf), catalogue())

    assert f"/rules/rules/0{pointer}" in [mistake.pointer for mistake in refused.value.details]


@pytest.mark.parametrize(
    ("leaf", "said"),
    [
        (
            on(ORDER, "aggregate", function="sum", of="amount", operator=">=", value=30000,
               window={"season": "previous_same"}),
            "The sum of Amount of Order placed is at least €300.00, in the same season a year ago",
        ),
        (
            on("event.product.tried", "sequence", window={"last_days": 60},
               then=[{"field": ORDER, "negated": True, "within": {"days": 14}}]),
            "has done Article tried, in the last 60 days, then not Order placed within 14 days",
        ),
        (
            on(ORDER, "last", where=all_of({"field": "brand", "operator": "=", "value": "Acme"})),
            "The last Order placed: Brand is Acme",
        ),
        (
            on(ORDER, "happened", match={"mode": "none"},
               window={"since_event": {"field": "event.cart.abandoned"}}),
            "has not done Order placed, since the last Cart abandoned",
        ),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_events_are_said_as_marketers_know_them(leaf, said):
    assert sentence_of(parse_rules(all_of(leaf), catalogue())).parts[0].text == said


@pytest.mark.parametrize("starter", STARTERS, ids=lambda starter: starter.code)
@pytest.mark.django_db
def test_every_starter_is_valid_and_counts(starter):
    assert compile_rules(starter.rules, as_of=NOON).count() == 0
    assert sentence_of(parse_rules(starter.rules, catalogue())).parts


def test_starters_find_whom_they_name(db):
    alice = CustomerFactory(first_name="Alice", email=None)
    bob = CustomerFactory(first_name="Bob", email=None)
    ProductFactory(sku="SKU-A")
    happened(alice, "cart.abandoned", 2, cart="1")
    happened(bob, "cart.abandoned", 2, cart="2")
    ordered(bob, 1)
    happened(alice, "product.tried", 30)
    ordered(bob, 800)
    rules = {starter.code: starter.rules for starter in STARTERS}

    def found(code):
        return set(compile_rules(rules[code], as_of=NOON).values_list("first_name", flat=True))

    assert found("cart-abandoned") == {"Alice"}
    assert found("tried-not-bought") == {"Alice"}
    assert found("replacement-due") == set()


def test_an_explanation_gives_each_figure_its_value(cast):
    alice = cast[0]
    rules = all_of(
        on(ORDER, "aggregate", function="sum", of="amount", operator=">=", value=5000),
        on(ORDER, "last"),
        on(ORDER, "sequence", then=[{"field": ORDER}]),
        {"field": "customer.age", "operator": "null"},
    )
    segment = create_segment(code="s", name="S", rules=rules)

    explained = explain_membership(segment, alice, as_of=NOON)

    assert [rule["met"] for rule in explained["rules"]] == [True, True, True, True]
    assert [rule["actual"] for rule in explained["rules"]] == [5000, "2026-11-11T11:00:00+00:00", 1, None]
