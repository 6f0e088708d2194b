"""Fixed prices, bundles, free pieces, tiers, gifts and shipping: numbers computed by hand, minor units."""

from decimal import Decimal

import pytest

from coupons.engine import Budget, Cart, Conditions, Effect, Items, Line, Part, Stacking, Tier, calculate
from coupons.engine.incentive import Basis, Choose, Grouping, Kind, Target
from tests.coupons.engine.carts import amount, candidate, cart, context, parts, percent


def run(a_cart, *candidates, **facts):
    return calculate(a_cart, candidates, context(**facts))


def first(a_cart, effect, **fields):
    return run(a_cart, candidate(effect, **fields)).outcomes[0]


def free(buy, get=1, **fields):
    return Effect(Kind.FREE_UNITS, buy=buy, get=get, **{"percent": Decimal(100), **fields})


def fixed(price, **fields):
    return Effect(Kind.FIXED_PRICE, amount=price, **fields)


def shelf(*articles, **fields):
    """A cart of (sku, unit price, quantity)."""
    lines = tuple(
        Line(str(place), price, Decimal(quantity), sku=sku, category=sku[0], brand=sku[-1])
        for place, (sku, price, quantity) in enumerate(articles, start=1)
    )
    return Cart(lines, "EUR", **fields)


# --- Scenario 6: three for two ---

SIX = (2000, 1500, 1500, 1000, 800, 500)


@pytest.mark.parametrize(
    ("grouping", "choose", "discounts"),
    [
        (Grouping.OVERALL, Choose.CHEAPEST, {"E": 800, "F": 500}),
        (Grouping.PER_GROUP, Choose.CHEAPEST, {"C": 1500, "F": 500}),
        (Grouping.OVERALL, Choose.MOST_EXPENSIVE, {"A": 2000, "B": 1500}),
        (Grouping.PER_GROUP, Choose.MOST_EXPENSIVE, {"A": 2000, "D": 1000}),
    ],
)
def test_three_for_two_says_which_pieces_are_free(grouping, choose, discounts):
    outcome = first(cart(*SIX), free(2, grouping=grouping, choose=choose))

    assert outcome.discounts == discounts
    assert outcome.line_units == dict.fromkeys(discounts, 1)


def test_pieces_of_one_line_are_chosen_one_by_one():
    outcome = first(shelf(("A1", 1000, 5), ("B1", 400, 4)), free(2, grouping=Grouping.PER_GROUP))

    # Groups: 1000 1000 1000, 1000 1000 400, 400 400 400.
    assert outcome.discounts == {"1": 1000, "2": 800}
    assert outcome.line_units == {"1": 1, "2": 2}


def test_a_group_has_to_be_complete():
    outcome = first(cart(1000, 900, 800, 700, 600), free(2))

    assert outcome.discounts == {"E": 600}


def test_too_few_pieces_say_how_many_are_missing():
    outcome = first(cart(1000), free(2))

    assert outcome.error == "order_rules_violated"
    assert outcome.missing == {"quantity": 2}


def test_every_second_piece_at_half_price():
    outcome = first(cart(1000, 801, 601, 401), free(1, percent=Decimal(50), grouping=Grouping.PER_GROUP))

    assert outcome.discounts == {"B": 401, "D": 201}


def test_a_limit_of_pieces_stops_the_giving():
    outcome = first(shelf(("A1", 1000, 30)), free(2, unit_limit=4))

    assert (outcome.discount_amount, outcome.line_units) == (4000, {"1": 4})


def test_what_is_weighed_cannot_be_counted():
    weighed = Cart((Line("A", 1000, Decimal("1.5")), Line("B", 900), Line("C", 800)), "EUR")

    assert first(weighed, free(1)).discounts == {"C": 800}


def test_a_huge_quantity_takes_no_longer():
    outcome = first(shelf(("A1", 3, 999_999), ("B1", 2, 999_999)), free(2, grouping=Grouping.PER_GROUP))

    assert sum(outcome.line_units.values()) == 666_666


def test_free_pieces_count_what_earlier_incentives_left():
    half = candidate(percent(50), "a")

    assert run(cart(1000, 600), half, candidate(free(1), "b")).outcomes[1].discounts == {"B": 300}
    initial = candidate(free(1), "b", stacking=Stacking(basis=Basis.INITIAL))
    assert run(cart(1000, 600), half, initial).outcomes[1].discounts == {"B": 300}


# --- Fixed prices ---


def test_the_order_for_a_price():
    outcome = first(cart(6000, 4000), fixed(7500))

    assert outcome.discounts == {"A": 1500, "B": 1000}


def test_an_order_that_costs_less_is_left_alone():
    assert first(cart(6000), fixed(7500)).status == "SKIPPED"


def test_each_article_for_a_price():
    items = Items(categories=frozenset("A"))
    outcome = first(
        shelf(("A1", 1999, 3), ("A2", 500, 1), ("B1", 1999, 1)), fixed(999, target=Target.ITEMS, items=items)
    )

    assert outcome.discounts == {"1": 3000}


def test_a_weighed_article_for_a_price():
    by_weight = Cart((Line("A", 1000, Decimal("1.5")),), "EUR")

    assert first(by_weight, fixed(801, target=Target.ITEMS)).discounts == {"A": 298}


def test_the_first_two_pieces_for_a_price_are_the_dearest():
    outcome = first(shelf(("A1", 1500, 3), ("A2", 2000, 1)), fixed(1000, target=Target.ITEMS, unit_limit=2))

    assert outcome.discounts == {"1": 500, "2": 1000}
    assert outcome.line_units == {"1": 1, "2": 1}


MENU = (Part("category", "B"), Part("category", "D", 2))


def test_a_bundle_for_a_price():
    outcome = first(shelf(("B1", 800, 1), ("D1", 300, 2), ("E1", 999, 1)), fixed(1000, bundle=MENU))

    # 1400 for 1000: 400 shared as 800 to 600.
    assert outcome.discounts == {"1": 229, "2": 171}
    assert outcome.line_units == {"1": 1, "2": 2}


def test_as_many_bundles_as_are_complete_of_the_dearest_pieces():
    outcome = first(shelf(("B1", 800, 2), ("B2", 900, 1), ("D1", 300, 5)), fixed(1000, bundle=MENU))

    # Two bundles: 900 + 800 + 4 x 300 = 2900 for 2000.
    assert outcome.discount_amount == 900
    assert outcome.line_units == {"1": 1, "2": 1, "3": 4}


def test_a_bundle_that_costs_less_than_its_price_is_not_made():
    any_three = (Part("category", "A", 3),)

    outcome = first(
        shelf(("A1", 1000, 1), ("A2", 900, 1), ("A3", 800, 1), ("A4", 100, 3)), fixed(2000, bundle=any_three)
    )

    assert outcome.discount_amount == 700
    assert outcome.line_units == {"1": 1, "2": 1, "3": 1}


def test_a_piece_that_fits_two_parts_goes_where_it_is_needed():
    parts_of_it = (Part("brand", "1"), Part("category", "B"))

    outcome = first(shelf(("B1", 2000, 1), ("B2", 1500, 1)), fixed(1000, bundle=parts_of_it))

    assert outcome.discount_amount == 2500


def test_a_limit_of_bundles():
    outcome = first(shelf(("B1", 800, 9), ("D1", 300, 18)), fixed(1000, bundle=MENU, unit_limit=2))

    assert outcome.discount_amount == 800


def test_an_incomplete_bundle_says_what_is_missing():
    outcome = first(shelf(("B1", 800, 1), ("D1", 300, 1)), fixed(1000, bundle=MENU))

    assert outcome.error == "order_rules_violated"
    assert outcome.missing == {"products": [{"category": "D", "quantity": 1}]}


# --- Tiers ---

STEPS = Effect(Kind.TIERS, tiers=(Tier(5000, amount=500), Tier(10000, percent=Decimal(15))))


@pytest.mark.parametrize(("spent", "discount"), [(5000, 500), (9999, 500), (10000, 1500), (20000, 3000)])
def test_the_highest_tier_that_is_reached_is_given(spent, discount):
    assert first(cart(spent), STEPS).discount_amount == discount


def test_below_the_first_tier_the_rest_is_named():
    outcome = first(cart(3750), STEPS)

    assert (outcome.error, outcome.missing) == ("order_rules_violated", {"amount": 1250})


def test_the_trace_names_what_the_next_tier_takes():
    outcome = first(cart(9000), STEPS)

    assert outcome.missing is None
    assert [check.missing for check in outcome.trace if check.rule == "tier"] == [{"amount": 1000}]


# --- Gifts and shipping ---

MUG = Effect(Kind.GIFT_ITEM, gift_sku="MUG", get=2)


def test_a_gift_in_the_cart_costs_nothing():
    outcome = first(shelf(("SHIRT", 3000, 1), ("MUG", 800, 3)), MUG)

    assert outcome.discounts == {"2": 1600}
    assert outcome.line_units == {"2": 2}
    assert outcome.gifts == ()


def test_a_gift_that_is_not_in_the_cart_is_named():
    result = run(shelf(("SHIRT", 3000, 1), ("MUG", 800, 1)), candidate(MUG))

    assert result.outcomes[0].discounts == {"2": 800}
    assert [(gift.sku, gift.quantity) for gift in result.gifts] == [("MUG", 1)]


def test_a_gift_alone_is_an_effect():
    outcome = first(shelf(("SHIRT", 3000, 1)), MUG)

    assert (outcome.status, outcome.discount_amount) == ("APPLICABLE", 0)
    assert outcome.gifts[0].quantity == 2


def test_free_shipping_touches_shipping_alone():
    result = run(cart(1000, shipping_amount=500), candidate(Effect(Kind.FREE_SHIPPING)))

    assert (result.discount_amount, result.shipping_discount_amount) == (0, 500)
    assert (result.total_amount, result.due_amount) == (1000, 1000)


def test_free_shipping_has_a_limit_and_is_given_once():
    shipping = Effect(Kind.FREE_SHIPPING, amount_limit=300)

    result = run(cart(1000, shipping_amount=500), *[candidate(shipping, key) for key in "abc"])

    assert [outcome.shipping_amount for outcome in result.outcomes] == [300, 200, 0]
    assert [outcome.status for outcome in result.outcomes] == ["APPLICABLE", "APPLICABLE", "SKIPPED"]
    assert result.due_amount == 1000


def test_a_budget_bears_shipping_too():
    budget = Budget("b", cap=400, used=0, partial=True)

    result = run(cart(1000, shipping_amount=500), candidate(Effect(Kind.FREE_SHIPPING), budgets=(budget,)))

    assert result.shipping_discount_amount == 400


def test_a_gift_counts_as_one_redemption():
    spent = Budget("b", cap=1, used=1, amounts=False)

    assert first(shelf(("SHIRT", 3000, 1)), MUG, budgets=(spent,)).error == "budget_exceeded"


# --- Which lines ---


def test_what_is_reduced_already_can_be_left_out():
    lines = (Line("A", 1000, discounted=True), Line("B", 1000), Line("C", 1000, sku="C"))
    only_full = Items(exclude_discounted=True)
    on_c = candidate(amount(100, target="ITEMS", items=Items(skus=frozenset("C"))), "a")

    result = run(Cart(lines, "EUR"), on_c, candidate(percent(10, target="ITEMS", items=only_full), "b"))

    assert result.outcomes[1].discounts == {"B": 100}


# --- Conditions of content, place and person ---


@pytest.mark.parametrize(
    ("conditions", "missing"),
    [
        ((Part("sku", "A1", 2),), None),
        ((Part("sku", "A1", 3),), {"products": [{"sku": "A1", "quantity": 1}]}),
        (
            (Part("category", "B", 1), Part("brand", "2", 2)),
            {"products": [{"category": "B", "quantity": 1}, {"brand": "2", "quantity": 1}]},
        ),
    ],
)
def test_a_cart_has_to_contain_what_is_asked(conditions, missing):
    a_cart = shelf(("A1", 1000, 2), ("A2", 1000, 1))

    outcome = first(a_cart, percent(10), conditions=Conditions(contains=conditions))

    assert outcome.missing == missing
    assert outcome.error == ("order_rules_violated" if missing else None)


@pytest.mark.parametrize(
    ("conditions", "country", "facts", "error"),
    [
        ({"countries": {"IT"}}, "IT", {}, None),
        ({"countries": {"IT"}}, "", {"country": "IT"}, None),
        ({"countries": {"IT"}}, "DE", {"country": "IT"}, "order_rules_violated"),
        ({"countries": {"IT"}}, "", {}, "order_rules_violated"),
        ({"regions": {"Toscana"}}, "", {"region": "Toscana"}, None),
        ({"regions": {"Toscana"}}, "", {}, "customer_rules_violated"),
        ({"languages": {"it"}}, "", {"language": "it-CH"}, None),
        ({"languages": {"it-CH"}}, "", {"language": "it"}, "customer_rules_violated"),
        ({"verified_email": True}, "", {}, "customer_rules_violated"),
        ({"verified_email": True}, "", {"verified_email": True}, None),
        ({"metadata": {"gift": True}}, "", {}, "order_rules_violated"),
    ],
)
def test_conditions_of_place_and_person(conditions, country, facts, error):
    fields = {name: frozenset(v) if isinstance(v, set) else v for name, v in conditions.items()}
    one = candidate(percent(10), conditions=Conditions(**fields))

    assert run(cart(1000, country=country), one, **facts).outcomes[0].error == error


@pytest.mark.parametrize("where", ["order", "line"])
def test_metadata_of_the_order_or_of_a_line_meet_the_condition(where):
    said = {"gift": True, "other": 1}
    lines = (Line("A", 1000, metadata=said if where == "line" else {}),)
    a_cart = Cart(lines, "EUR", metadata=said if where == "order" else {})

    outcome = first(a_cart, percent(10), conditions=Conditions(metadata={"gift": True}))

    assert outcome.error is None


# --- How many ---


def test_an_incentive_says_beside_how_many_it_stands():
    pair = Stacking(max_applied=2)

    result = run(cart(10000), *[candidate(percent(10), key, stacking=pair) for key in "abc"])

    assert [outcome.error for outcome in result.outcomes] == [None, None, "stacking_limit_exceeded"]


def test_the_programme_says_how_many_one_order_takes():
    result = run(cart(10000), *[candidate(percent(10), key) for key in "ab"], most_applied=1)

    assert [outcome.error for outcome in result.outcomes] == [None, "stacking_limit_exceeded"]


def test_parts_of_tiers_on_items_are_rounded_line_by_line():
    effect = Effect(Kind.TIERS, Target.ITEMS, tiers=(Tier(100, percent=Decimal(10)),))

    assert parts(first(cart(333, 333, 334), effect)) == [33, 33, 33]
