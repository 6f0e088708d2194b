from decimal import Decimal

import pytest

from analytics.engagement import are_signal_weights, decay, engagement


def test_a_sign_of_interest_counts_half_after_fourteen_days():
    assert decay(0) == Decimal(1)
    assert decay(14) == Decimal("0.5")
    assert decay(28) == Decimal("0.25")
    assert decay(7) == Decimal("0.707106781")


def test_engagement_is_the_sum_of_what_the_signs_weigh_today():
    signs = [("message.opened", 14), ("message.clicked", 28), ("product.tried", 14), ("cart.abandoned", 0)]

    # 1 x .5 + 3 x .25 + 8 x .5 + 10
    assert engagement(signs) == Decimal("15.25")


def test_what_has_no_weight_and_what_is_long_ago_counts_nothing():
    assert engagement([("order.recorded", 1), ("visit.recorded", 141)]) == Decimal(0)
    assert engagement([("visit.recorded", 140)]) == Decimal("0.00")


def test_the_merchants_own_weights_and_half_life_hold():
    assert engagement([("review.written", 7)], weights={"review.written": 2.5}, half_life_days=7) == Decimal(
        "1.25"
    )


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ({"message.opened": 1}, True),
        ({"message.opened": 0, "visit.recorded": 0.5}, True),
        ({"message.opened": 0}, False),
        ({}, False),
        ({"message.opened": -1}, False),
        ({"message.opened": True}, False),
        ({"message.opened": 1001}, False),
        ({"Message Opened": 1}, False),
        ({"message.opened": float("nan")}, False),
        ([], False),
        (None, False),
    ],
)
def test_weights_are_numbers_from_0_to_1000_by_type_of_event(value: object, valid: bool):
    assert are_signal_weights(value) is valid
