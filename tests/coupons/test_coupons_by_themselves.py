"""A coupon that applies by itself: to its holder's next order, once, without anybody naming a code."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from coupons.engine import Cart, Line
from coupons.models import Coupon, Promotion
from coupons.services import issue_coupons, qualify, redeem_stack, stop_promotion, validate_stack
from customers.models import Identity
from operations.errors import InvalidInput
from tests.coupons.factories import NOW, amount, cart, coupon, customer, order, promotion, spending

pytestmark = pytest.mark.django_db


def test_it_is_taken_off_its_holders_next_order_and_off_no_other():
    anna = customer()
    gift = coupon(promotion(amount(1500)), holder=anna, automatic=True)

    first = redeem_stack(spending(who=anna, automatic=True, source_id="A-1"), at=NOW)
    second = validate_stack(spending(who=anna, automatic=True, source_id="A-2"), at=NOW)

    assert (first.discount_amount, second.calculation.discount_amount) == (1500, 0)
    gift.refresh_from_db()
    assert gift.uses == 1
    assert [one.coupon for one in first.redemptions.all()] == [gift]


def test_a_request_that_does_not_ask_for_automatic_incentives_leaves_it():
    anna = customer()
    gift = coupon(promotion(amount(1500)), holder=anna, automatic=True)

    assert validate_stack(spending(who=anna), at=NOW).calculation.discount_amount == 0
    assert validate_stack(spending(gift, who=anna), at=NOW).calculation.discount_amount == 1500


def test_nobody_else_gets_it():
    coupon(promotion(amount(1500)), holder=customer(), automatic=True)

    for stranger in (customer(), None):
        verdict = validate_stack(spending(who=stranger, automatic=True), at=NOW)

        assert (verdict.calculation.discount_amount, verdict.outcomes) == (0, [])


def test_named_as_well_it_counts_once():
    anna = customer()
    gift = coupon(promotion(amount(1500)), holder=anna, automatic=True, max_uses=2)

    stack = redeem_stack(spending(gift.code.lower(), who=anna, automatic=True), at=NOW)

    assert stack.discount_amount == 1500
    assert Coupon.objects.get().uses == 1
    assert len(qualify(spending(who=anna, automatic=True), at=NOW)) == 1


def test_one_that_does_not_fit_is_left_out_without_a_word():
    anna = customer()
    coupon(promotion(amount(1500)), holder=anna, automatic=True, items={"skus": ["TSHIRT-1"]})
    stopped = promotion(amount(700))
    coupon(stopped, holder=anna, automatic=True)
    coupon(promotion(amount(300)), holder=anna, automatic=True, valid_until=NOW + timedelta(days=1))
    stop_promotion(stopped, mode="HARD", at=NOW)

    verdict = validate_stack(spending(who=anna, automatic=True), at=NOW)
    later = validate_stack(spending(who=anna, automatic=True), at=NOW + timedelta(days=1))

    assert (verdict.valid, verdict.calculation.discount_amount, len(verdict.outcomes)) == (True, 300, 1)
    assert later.calculation.discount_amount == 0


def test_only_a_coupon_with_a_holder_applies_by_itself():
    with pytest.raises(InvalidInput) as refused:
        issue_coupons(promotion(), count=1, automatic=True, at=NOW)

    assert [one.pointer for one in refused.value.details] == ["/automatic"]
    assert Coupon.objects.count() == 0
    made = coupon()
    with pytest.raises(IntegrityError), transaction.atomic():
        Coupon.objects.filter(pk=made.pk).update(automatic=True)


def test_codes_of_promotions_that_ended_do_not_crowd_out_the_good_ones(monkeypatch):
    monkeypatch.setattr("coupons.services.verdicts.MOST_OWN", 1)
    anna, over = customer(), promotion()
    coupon(over, holder=anna)
    good = coupon(promotion(), holder=anna)
    Promotion.objects.filter(pk=over.pk).update(ends_at=NOW)

    wallet = qualify(spending(who=anna), at=NOW)

    assert [(offer.coupon, outcome.error) for offer, outcome in wallet] == [(good, None)]


def test_a_personal_coupon_asks_for_its_holder_a_verified_address_a_first_order_and_its_own_articles():
    conditions = {"holder_only": True, "verified_email": True, "first_order_only": True}
    strict = promotion(amount(1000), conditions=conditions)
    anna, ben = customer(email="anna@mail.example"), customer(email="ben@mail.example")
    gift = coupon(strict, holder=anna, items={"skus": ["TSHIRT-1"]})
    line = Line(line_id="1", unit_price=1200, quantity=Decimal(1), sku="TSHIRT-1")
    shirt = {"cart": Cart(lines=(line,), currency="EUR")}

    def error(who, **fields):
        verdict = validate_stack(spending(gift, who=who, **{**shirt, **fields}), at=NOW)
        return verdict.error.key if verdict.error else verdict.calculation.discount_amount

    assert error(anna) == "customer_rules_violated"  # Nobody has proved that the address is hers.
    Identity.objects.update(verified_at=NOW)
    assert error(anna) == 1000
    assert error(ben) == "customer_rules_violated"
    assert error(anna, cart=cart(1200)) == "order_rules_violated"
    order(anna)
    assert error(anna) == "customer_rules_violated"
