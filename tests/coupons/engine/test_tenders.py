"""Gift cards and points pay what incentives have left: scenarios 7 and 8."""

from decimal import Decimal

import pytest

from coupons.engine import Application, Cart, Items, Line, Tender, calculate
from tests.coupons.engine.carts import candidate, cart, context, percent


def card(available, amount=None, key="card", **fields):
    return Tender(key, "gift_card", available=available, amount=amount, currency="EUR", **fields)


def points(available, amount=None, **fields):
    return Tender("points", "points", available=available, amount=amount, **fields)


def run(a_cart, *asked):
    return calculate(a_cart, asked, context())


def test_a_gift_card_pays_what_is_due_and_keeps_the_rest():
    result = run(cart(3240), card(5000))

    assert result.outcomes[0].tender_amount == 3240
    assert (result.total_amount, result.tender_amount, result.due_amount) == (3240, 3240, 0)


def test_a_gift_card_pays_all_it_has():
    result = run(cart(2500), card(1760))

    assert (result.tender_amount, result.due_amount) == (1760, 740)


@pytest.mark.parametrize(
    ("tender", "error"),
    [
        (card(0), "gift_card_empty"),
        (card(0, 100), "gift_card_empty"),
        (card(1000, 1001), "gift_card_balance_exceeded"),
        (points(0), "points_exceeded"),
        (points(10, 11), "points_exceeded"),
        (card(1000, error="coupon_expired"), "coupon_expired"),
        (Tender("k", "gift_card", available=100, currency="USD"), "currency_mismatch"),
    ],
)
def test_what_cannot_pay_is_refused(tender, error):
    result = run(cart(500), tender)

    assert result.outcomes[0].error == error
    assert (result.tender_amount, result.due_amount) == (0, 500)
    assert not result.holds(Application.ALL)


def test_a_named_amount_pays_no_more_than_is_due():
    assert run(cart(500), card(5000, 900)).outcomes[0].units == 500
    assert run(cart(500), card(5000, 200)).outcomes[0].units == 200


def test_tender_comes_last_and_lowers_no_tax_base():
    line = Line("A", 12200, tax_rate=Decimal(22))

    result = run(Cart((line,), "EUR"), card(1220))

    assert (result.lines[0].net_amount, result.lines[0].tax_amount) == (10000, 2200)
    assert (result.total_amount, result.due_amount) == (12200, 10980)


def test_tender_pays_after_incentives_wherever_it_stands():
    result = run(cart(10000), card(50000), candidate(percent(10)))

    assert [outcome.candidate.key for outcome in result.outcomes] == ["card", "one"]
    assert result.outcomes[0].tender_amount == 9000


def test_tender_pays_shipping_too():
    assert run(cart(1000, shipping_amount=500), card(5000)).due_amount == 0


def test_points_pay_in_whole_points():
    result = run(cart(1234), points(100, unit_value=50))

    assert (result.outcomes[0].units, result.tender_amount, result.due_amount) == (24, 1200, 34)


def test_two_cards_pay_one_after_the_other():
    result = run(cart(1000), card(700, key="a"), card(700, key="b"), card(700, key="c"))

    assert [outcome.tender_amount for outcome in result.outcomes] == [700, 300, 0]
    assert result.outcomes[2].status == "SKIPPED"


SHIRT = Items(skus=frozenset({"TSHIRT-1"}))


def test_a_card_for_one_article_pays_that_article():
    a_cart = Cart((Line("1", 1200, sku="TSHIRT-1"), Line("2", 2000, sku="MUG")), "EUR", shipping_amount=500)

    result = run(a_cart, card(1500, items=SHIRT), card(1500, key="b", items=SHIRT))

    assert [outcome.tender_amount for outcome in result.outcomes] == [1200, 0]
    assert result.due_amount == 2500


def test_a_card_for_an_article_that_is_not_there_is_refused():
    assert run(cart(1000), card(1500, items=SHIRT)).outcomes[0].error == "order_rules_violated"


def test_a_tender_with_a_refused_coupon_holds_only_in_part():
    result = run(cart(1000), candidate(percent(10), currency="USD"), card(500))

    assert result.holds(Application.PARTIAL)
    assert not result.holds(Application.ALL)
