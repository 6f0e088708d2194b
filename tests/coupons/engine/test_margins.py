"""The margin guard and the margin filter: scenario 5 and what surrounds it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupons.engine import Cart, Effect, Items, Line, MarginFloor, Part, calculate
from coupons.engine.incentive import Kind
from tests.coupons.engine.carts import amount, candidate, context, percent

A = Line("A", 10000, unit_cost=6000)
B = Line("B", 5000, unit_cost=4500)
UNKNOWN = Line("U", 1000)
FLOOR = MarginFloor(Decimal(15))
LENIENT = MarginFloor(Decimal(15), allow_unknown=True)


def outcome(effect, *lines, floor=None):
    one = candidate(effect, margin_floor=floor)
    return calculate(Cart(lines, "EUR"), [one], context()).outcomes[0]


def test_articles_below_a_margin_are_left_out():
    items = Items(min_margin_percent=Decimal(15))

    assert outcome(percent(20, target="ITEMS", items=items), A, B).discounts == {"A": 2000}


def test_articles_of_unknown_cost_are_below_every_margin():
    items = Items(min_margin_percent=Decimal(15))

    assert outcome(percent(20, target="ITEMS", items=items), UNKNOWN).error == "order_rules_violated"


def test_a_discount_stops_where_the_margin_would_be_given_up():
    found = outcome(percent(50), A, floor=FLOOR)

    assert found.discounts == {"A": 2941}


def test_the_floor_is_a_net_one():
    line = Line("A", 12200, Decimal(1), tax_rate=Decimal(22), unit_cost=6000)

    # net floor 7059, gross ceil(8611.98) = 8612.
    assert outcome(percent(50), line, floor=FLOOR).discounts == {"A": 3588}


def test_the_cost_is_multiplied_first():
    line = Line("A", 1000, Decimal(3), unit_cost=333)

    # 999 / 0.85 = 1175.3, not three times 391.8 rounded up.
    assert outcome(percent(90), line, floor=FLOOR).discounts == {"A": 3000 - 1176}


def test_a_percent_does_not_go_to_others_where_a_floor_keeps_it_back():
    found = outcome(percent(50), A, Line("C", 10000, unit_cost=0), floor=FLOOR)

    assert found.discounts == {"A": 2941, "C": 5000}


def test_an_amount_goes_where_there_is_room():
    found = outcome(amount(6000), A, Line("C", 10000, unit_cost=0), floor=FLOOR)

    assert found.discounts == {"A": 2941, "C": 3059}


def test_nothing_but_margin_left_is_refused():
    found = outcome(percent(10), B, floor=FLOOR)

    assert found.error == "margin_guard_violated"


@pytest.mark.parametrize(("floor", "discounts"), [(FLOOR, {"A": 1000}), (LENIENT, {"A": 1000, "U": 100})])
def test_an_unknown_cost_is_denied_or_allowed(floor, discounts):
    found = outcome(percent(10), A, UNKNOWN, floor=floor)

    assert found.discounts == discounts
    checked = {check.rule: check for check in found.trace}
    assert checked["cost_known"].actual == ["U"]


def test_with_no_cost_known_at_all_it_is_refused():
    found = outcome(percent(10), UNKNOWN, floor=FLOOR)

    assert found.error == "margin_guard_violated"
    assert next(check for check in found.trace if check.rule == "cost_known").expected == "DENY"


def test_a_bundle_and_free_pieces_keep_to_the_floor():
    lines = [Line("A", 1000, Decimal(2), sku="A", unit_cost=600), Line("B", 500, sku="B", unit_cost=100)]
    bundle = Effect(Kind.FIXED_PRICE, amount=100, bundle=(Part("sku", "A", 2), Part("sku", "B")))
    free = Effect(Kind.FREE_UNITS, buy=1, percent=Decimal(100))

    assert outcome(bundle, *lines, floor=FLOOR).discounts == {"A": 588, "B": 382}
    assert outcome(free, *lines, floor=FLOOR).discounts == {"B": 382}


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 99), st.integers(0, 10**6),
                       st.sampled_from([0, 4, 10, 22])), min_size=1, max_size=6),
    st.sampled_from([percent(50), percent(33, target="ITEMS"), amount(5000)]),
    st.integers(0, 9999),
)  # fmt: skip
def test_what_is_paid_keeps_the_margin(articles, effect, basis_points):
    percent_kept = Decimal(basis_points) / 100
    lines = [
        Line(str(n), price, Decimal(quantity), unit_cost=cost, tax_rate=Decimal(rate))
        for n, (price, quantity, cost, rate) in enumerate(articles)
    ]

    found = outcome(effect, *lines, floor=MarginFloor(percent_kept))

    for line in lines:
        if line.line_id in found.discounts:
            paid = line.amount - found.discounts[line.line_id]
            net = Decimal(paid) * 100 / (100 + line.tax_rate)
            assert net * (100 - percent_kept) >= line.unit_cost * line.quantity * 100 - Decimal("1e-9")
