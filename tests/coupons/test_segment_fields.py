"""Who holds a coupon that can be used, as segments ask."""

from datetime import timedelta

import pytest

from coupons.models import Promotion
from coupons.services import stop_promotion
from customers.segments.compiler import compile_rules
from tests.coupons.factories import NOW, coupon, customer, promotion

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def who(field, operator, value, *, as_of=NOW):
    rules = {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]}
    return list(compile_rules(rules, as_of=as_of))


def test_whoever_holds_a_code_of_an_ended_promotion_holds_no_usable_one():
    anna, sale = customer(), promotion(ends_at=NOW + DAY)
    coupon(sale, holder=anna)

    for as_of, holders in ((NOW, [anna]), (NOW + DAY, [])):
        assert who("coupon.any", "=", True, as_of=as_of) == holders
        assert who("coupon.held", "=", sale.code, as_of=as_of) == holders
    assert who("coupon.any", "=", False, as_of=NOW + DAY) == [anna]


def test_a_code_of_a_scheduled_promotion_is_usable_from_its_start_on():
    anna, sale = customer(), promotion(starts_at=NOW + DAY)
    coupon(sale, holder=anna)

    assert sale.status == Promotion.Status.SCHEDULED
    assert who("coupon.any", "=", True) == []
    assert who("coupon.any", "=", True, as_of=NOW + DAY) == [anna]


def test_a_code_stays_usable_while_its_promotion_only_hands_out_no_more():
    anna, sale = customer(), promotion()
    coupon(sale, holder=anna, valid_until=NOW + 5 * DAY)

    stop_promotion(sale, mode="DRAIN", reason="", at=NOW)
    assert who("coupon.days_to_expiry", "<=", 5) == [anna]

    stop_promotion(sale, mode="HARD", reason="", at=NOW)
    assert who("coupon.days_to_expiry", "<=", 5) == []
