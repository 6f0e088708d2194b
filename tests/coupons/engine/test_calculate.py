"""What incentives do to a cart: the scenarios of the design computed by hand, in minor units."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from coupons.engine import (
    Application,
    Budget,
    Cart,
    Conditions,
    CouponFacts,
    Items,
    Limit,
    Line,
    MinimumSpend,
    Stacking,
    Validity,
    WeeklyHours,
    calculate,
)
from coupons.engine.incentive import Basis, SpendBasis, SpendScope
from tests.coupons.engine.carts import NOW, amount, candidate, cart, context, parts, percent


def run(a_cart, *candidates, **facts):
    return calculate(a_cart, candidates, context(**facts))


def refusal(a_cart, a_candidate, **facts):
    return run(a_cart, a_candidate, **facts).outcomes[0].error


# --- Scenarios 1 to 4 and 8 ---


def test_a_percent_of_the_order_is_rounded_once_and_allocated():
    result = run(cart(333, 333, 334), candidate(percent(10)))

    assert parts(result.outcomes[0]) == [33, 33, 34]
    assert (result.discount_amount, result.total_amount) == (100, 900)


def test_a_percent_of_items_is_rounded_line_by_line():
    result = run(cart(333, 333, 334), candidate(percent(10, target="ITEMS")))

    assert parts(result.outcomes[0]) == [33, 33, 33]
    assert result.total_amount == 901


def test_an_amount_is_allocated_by_largest_remainder():
    result = run(cart(999, 999, 999), candidate(amount(1000)))

    assert parts(result.outcomes[0]) == [334, 333, 333]
    assert result.total_amount == 1997


@pytest.mark.parametrize(
    ("currency", "prices", "rate", "expected", "total"),
    [("JPY", (1000, 999), 10, [100, 100], 1799), ("KWD", (12345,), 15, [1852], 10493)],
)
def test_minor_units_are_whole_in_every_currency(currency, prices, rate, expected, total):
    result = run(cart(*prices, currency=currency), candidate(percent(rate), currency=currency))

    assert parts(result.outcomes[0]) == expected
    assert result.total_amount == total


def test_a_second_percent_works_on_what_the_first_left():
    result = run(cart(10000), candidate(percent(10), "a"), candidate(percent(20), "b"))

    assert [outcome.discount_amount for outcome in result.outcomes] == [1000, 1800]
    assert result.total_amount == 7200


def test_a_second_percent_can_work_on_the_initial_price():
    initial = Stacking(basis=Basis.INITIAL)

    result = run(
        cart(10000),
        candidate(percent(10), "a", stacking=initial),
        candidate(percent(20), "b", stacking=initial),
    )

    assert [outcome.discount_amount for outcome in result.outcomes] == [1000, 2000]
    assert result.total_amount == 7000


@pytest.mark.parametrize("target", ["ORDER", "ITEMS"])
def test_a_percent_stops_at_its_limit(target):
    result = run(cart(20000, 10000), candidate(percent(25, target=target, limit=5000)))

    assert parts(result.outcomes[0]) == [3333, 1667]


def test_a_discount_lowers_the_tax_base():
    line = Line("A", unit_price=12200, tax_rate=Decimal(22))

    result = run(Cart((line,), "EUR"), candidate(percent(10)))

    assert result.total_amount == 10980
    assert (result.lines[0].net_amount, result.lines[0].tax_amount) == (9000, 1980)


# --- Clamping and targets ---


def test_a_discount_never_exceeds_what_is_left():
    result = run(cart(500, 300), candidate(amount(1000), "a"), candidate(amount(100), "b"))

    assert [outcome.status for outcome in result.outcomes] == ["APPLICABLE", "SKIPPED"]
    assert result.total_amount == 0


def test_shipping_is_left_alone():
    result = run(cart(500, shipping_amount=700), candidate(amount(1000)))

    assert (result.total_amount, result.due_amount) == (0, 700)


def test_a_coupon_for_one_article_takes_off_no_more_than_it_costs():
    shirt = Line("1", unit_price=1200, sku="TSHIRT-1")
    mug = Line("2", unit_price=2000, sku="MUG")
    own = CouponFacts(items=Items(skus=frozenset({"TSHIRT-1"})))

    result = run(Cart((shirt, mug), "EUR"), candidate(amount(1500), coupon=own))

    assert result.outcomes[0].discounts == {"1": 1200}


def test_a_cart_without_the_article_breaks_the_order_rules():
    own = CouponFacts(items=Items(skus=frozenset({"TSHIRT-1"})))

    assert refusal(cart(2000), candidate(amount(1500), coupon=own)) == "order_rules_violated"


@pytest.mark.parametrize(
    ("items", "eligible"),
    [
        (Items(brands=frozenset({"ACME"})), ["1", "2"]),
        (Items(brands=frozenset({"ACME"}), exclude=Items(categories=frozenset({"toys"}))), ["1"]),
        (Items(exclude=Items(skus=frozenset({"S1"}))), ["2", "3"]),
        (Items(skus=frozenset({"S3"}), categories=frozenset({"food"})), ["1", "3"]),
        (Items(collections=frozenset({"summer"}), products=frozenset({"P2"})), ["2", "3"]),
    ],
)
def test_items_name_the_lines_that_are_meant(items, eligible):
    a_cart = Cart(
        (
            Line("1", 1000, sku="S1", product="P1", category="food", brand="ACME"),
            Line("2", 1000, sku="S2", product="P2", category="toys", brand="ACME"),
            Line("3", 1000, sku="S3", product="P3", category="toys", collection="summer"),
        ),
        "EUR",
    )

    result = run(a_cart, candidate(percent(10, target="ITEMS", items=items)))

    assert list(result.outcomes[0].discounts) == eligible


def test_a_weighed_article_costs_its_rounded_weight():
    line = Line("A", unit_price=333, quantity=Decimal("1.5"))

    assert line.amount == 500


# --- Validity ---


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"validity": Validity(stopped=True)}, "promotion_stopped"),
        ({"validity": Validity(stopped=True, draining=True)}, "promotion_stopped"),
        ({"validity": Validity(stopped=True, draining=True), "coupon": CouponFacts()}, None),
        ({"validity": Validity(enabled=False)}, "coupon_not_active"),
        ({"validity": Validity(starts_at=NOW)}, None),
        ({"validity": Validity(starts_at=NOW + timedelta(seconds=1))}, "coupon_not_active"),
        ({"validity": Validity(ends_at=NOW)}, "coupon_expired"),
        ({"validity": Validity(ends_at=NOW + timedelta(seconds=1))}, None),
        ({"coupon": CouponFacts(active=False)}, "coupon_disabled"),
        ({"coupon": CouponFacts(valid_until=NOW)}, "coupon_expired"),
        ({"coupon": CouponFacts(valid_from=NOW + timedelta(seconds=1))}, "coupon_not_active"),
        ({"coupon": CouponFacts(uses=1, max_uses=1)}, "quantity_exceeded"),
        ({"coupon": CouponFacts(uses=99, max_uses=None)}, None),
        ({"currency": "USD"}, "currency_mismatch"),
        ({"missing": True}, "not_found"),
        ({"spent": True}, "duplicate_redemption"),
    ],
)
def test_state_and_dates_decide_first(fields, error):
    assert refusal(cart(1000), candidate(percent(10), **fields)) == error


@pytest.mark.parametrize(
    ("at", "error"),
    [
        (datetime(2026, 10, 22, 7, 30, tzinfo=UTC), None),
        (datetime(2026, 10, 29, 7, 30, tzinfo=UTC), "coupon_not_active_now"),
        (datetime(2026, 10, 22, 9, 0, tzinfo=UTC), "coupon_not_active_now"),
        (datetime(2026, 10, 22, 8, 59, 59, tzinfo=UTC), None),
        (datetime(2026, 10, 23, 7, 30, tzinfo=UTC), "coupon_not_active_now"),
    ],
)
def test_hours_are_local_and_half_open(at, error):
    hours = Conditions(weekly_hours=(WeeklyHours(frozenset({3}), time(9), time(11)),))
    thursdays = candidate(percent(10), conditions=hours, zone="Europe/Rome")

    assert refusal(cart(1000), thursdays, at=at) == error


# --- Conditions ---


@pytest.mark.parametrize(
    ("conditions", "facts", "error"),
    [
        (Conditions(segment="vip"), {}, "customer_rules_violated"),
        (Conditions(segment="vip"), {"segments": frozenset({"vip"})}, None),
        (Conditions(first_order_only=True), {"customer": "7"}, None),
        (
            Conditions(first_order_only=True),
            {"customer": "7", "has_ordered": True},
            "customer_rules_violated",
        ),
        (Conditions(first_order_only=True), {}, "customer_rules_violated"),
        (Conditions(stores=frozenset({"S1"})), {}, "order_rules_violated"),
        (Conditions(sales_channels=frozenset({"web"})), {}, "order_rules_violated"),
    ],
)
def test_conditions_of_person_and_place(conditions, facts, error):
    assert refusal(cart(1000), candidate(percent(10), conditions=conditions), **facts) == error


def test_conditions_of_place_are_met_there():
    conditions = Conditions(stores=frozenset({"S1"}), sales_channels=frozenset({"web"}))

    a_cart = replace(cart(1000), store="S1", sales_channel="web")

    assert refusal(a_cart, candidate(percent(10), conditions=conditions)) is None


@pytest.mark.parametrize(
    ("coupon", "customer", "error"),
    [
        (CouponFacts(holder="7", personal=True), "7", None),
        (CouponFacts(holder="7", personal=True), "8", "customer_rules_violated"),
        (CouponFacts(holder="7", personal=True), None, "customer_rules_violated"),
        (CouponFacts(holder="7"), "8", None),
    ],
)
def test_a_personal_coupon_is_for_its_holder(coupon, customer, error):
    assert refusal(cart(1000), candidate(percent(10), coupon=coupon), customer=customer) == error


def test_holder_only_makes_every_coupon_of_the_promotion_personal():
    only = candidate(percent(10), conditions=Conditions(holder_only=True), coupon=CouponFacts(holder="7"))

    assert refusal(cart(1000), only, customer="8") == "customer_rules_violated"
    assert refusal(cart(1000), only, customer="7") is None


def test_a_missing_spend_says_how_much_is_missing():
    conditions = Conditions(minimum_spend=MinimumSpend(5000))

    outcome = run(cart(3750), candidate(percent(10), conditions=conditions)).outcomes[0]

    assert outcome.error == "order_rules_violated"
    assert outcome.missing == {"amount": 1250}


@pytest.mark.parametrize(
    ("basis", "error"),
    [(SpendBasis.INITIAL, None), (SpendBasis.BEFORE, None), (SpendBasis.AFTER, "order_rules_violated")],
)
def test_a_minimum_spend_states_its_basis(basis, error):
    conditions = Conditions(minimum_spend=MinimumSpend(9000, basis))
    first, second = candidate(percent(10), "a"), candidate(percent(10), "b", conditions=conditions)

    assert run(cart(10000), first, second).outcomes[1].error == error


def test_a_minimum_spend_can_count_the_eligible_items_alone():
    items = Items(skus=frozenset({"S1"}))
    a_cart = Cart((Line("1", 1000, sku="S1"), Line("2", 9000, sku="S2")), "EUR")
    minimum = MinimumSpend(5000, scope=SpendScope.ELIGIBLE_ITEMS)
    one = candidate(percent(10, target="ITEMS", items=items), conditions=Conditions(minimum_spend=minimum))

    assert run(a_cart, one).outcomes[0].missing == {"amount": 4000}


# --- Limits and budgets ---


@pytest.mark.parametrize(
    ("limit", "error"),
    [
        (Limit("COUPON", "DAY", uses=2, used=2), "quantity_exceeded"),
        (Limit("PROMOTION", "TOTAL", uses=2, used=2), "redemption_rules_violated"),
        (Limit("CUSTOMER", "TOTAL", uses=2, used=1), None),
        (Limit("CUSTOMER", "TOTAL", uses=2, unknown=True), "customer_rules_violated"),
    ],
)
def test_a_limit_holds(limit, error):
    assert refusal(cart(1000), candidate(percent(10), limits=(limit,))) == error


def test_a_limit_counts_what_the_same_request_takes():
    limit = Limit("PROMOTION", "TOTAL", uses=1, key="p")

    result = run(
        cart(1000), candidate(percent(10), "a", limits=(limit,)), candidate(percent(10), "b", limits=(limit,))
    )

    assert [outcome.error for outcome in result.outcomes] == [None, "redemption_rules_violated"]


@pytest.mark.parametrize(
    ("used", "partial", "discount", "error"),
    [
        (7000, False, 3000, None),
        (9000, False, 0, "budget_exceeded"),
        (9000, True, 1000, None),
        (10000, True, 0, "budget_exceeded"),
    ],
)
def test_a_budget_refuses_or_gives_what_is_left(used, partial, discount, error):
    budget = Budget("b", cap=10000, used=used, partial=partial)

    outcome = run(cart(4000, 2000), candidate(amount(3000), budgets=(budget,))).outcomes[0]

    assert (outcome.discount_amount, outcome.error) == (discount, error)


def test_a_budget_of_redemptions_counts_one_by_one():
    budget = Budget("b", cap=3, used=2, amounts=False)

    result = run(
        cart(1000),
        candidate(percent(10), "a", budgets=(budget,)),
        candidate(percent(10), "b", budgets=(budget,)),
    )

    assert [outcome.error for outcome in result.outcomes] == [None, "budget_exceeded"]


# --- Together ---


def test_lower_rank_goes_first_and_answers_keep_the_request_order():
    result = run(
        cart(10000),
        candidate(percent(20), "late", stacking=Stacking(rank=2)),
        candidate(amount(5000), "early", stacking=Stacking(rank=1)),
    )

    assert [(o.candidate.key, o.discount_amount) for o in result.outcomes] == [
        ("late", 1000),
        ("early", 5000),
    ]


@pytest.mark.parametrize("exclusive_first", [True, False])
def test_an_exclusive_incentive_stands_alone(exclusive_first):
    alone = candidate(percent(10), "alone", stacking=Stacking(exclusive=True))
    other = candidate(percent(10), "other")
    pair = (alone, other) if exclusive_first else (other, alone)

    result = run(cart(10000), *pair)

    assert [outcome.error for outcome in result.outcomes] == [None, "stacking_limit_exceeded"]


def test_a_category_caps_how_many_apply():
    shops = Stacking(category="shop", max_in_category=1)

    result = run(
        cart(10000),
        candidate(percent(10), "a", stacking=shops),
        candidate(percent(10), "b", stacking=shops),
        candidate(percent(10), "c", stacking=Stacking(category="other")),
    )

    assert [outcome.error for outcome in result.outcomes] == [None, "stacking_limit_exceeded", None]


def test_application_says_whether_one_refusal_stops_all():
    result = run(cart(1000), candidate(percent(10), "a"), candidate(percent(10), "b", currency="USD"))

    assert result.holds(Application.PARTIAL)
    assert not result.holds(Application.ALL)


def test_what_nobody_asked_for_by_name_cannot_refuse_the_rest():
    uninvited = candidate(percent(10), "b", currency="USD", optional=True)

    result = run(cart(1000), candidate(percent(10), "a"), uninvited)

    assert result.holds(Application.ALL)


def test_nothing_applied_holds_in_no_way():
    result = run(cart(0), candidate(percent(10)))

    assert [outcome.status for outcome in result.outcomes] == ["SKIPPED"]
    assert not result.holds(Application.PARTIAL)
    assert not result.holds(Application.ALL)


def test_the_trace_names_every_rule_that_was_asked():
    conditions = Conditions(segment="vip", minimum_spend=MinimumSpend(500))

    trace = run(cart(1000), candidate(percent(10), conditions=conditions)).outcomes[0].trace

    assert {check.rule: check.passed for check in trace} == {
        "not_spent_on_this_order": True,
        "promotion.not_stopped": True,
        "promotion.activated": True,
        "currency": True,
        "segment": False,
        "items": True,
        "exclusive": True,
        "minimum_spend": True,
    }
