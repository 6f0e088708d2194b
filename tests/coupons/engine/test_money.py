"""Arithmetic of money: what was computed by hand, and what holds for every number."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupons.engine import allocate, net_of, percent_of

weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any)


@pytest.mark.parametrize(
    ("total", "shares", "parts"),
    [
        (100, [333, 333, 334], [33, 33, 34]),
        (1000, [999, 999, 999], [334, 333, 333]),
        (200, [1000, 999], [100, 100]),
        (5000, [20000, 10000], [3333, 1667]),
        (1, [1, 2], [0, 1]),
        (0, [1, 2], [0, 0]),
    ],
)
def test_a_discount_is_shared_by_largest_remainder(total, shares, parts):
    assert allocate(total, shares) == parts


@given(weights, st.data())
def test_parts_sum_to_the_whole_and_stay_within_their_weights(shares, data):
    total = data.draw(st.integers(0, sum(shares)))

    parts = allocate(total, shares)

    assert sum(parts) == total
    assert all(0 <= part <= share for part, share in zip(parts, shares, strict=True))


@given(weights, st.data())
def test_no_part_is_a_whole_unit_away_from_its_exact_share(shares, data):
    total = data.draw(st.integers(0, sum(shares)))

    for part, share in zip(allocate(total, shares), shares, strict=True):
        assert abs(part * sum(shares) - total * share) < sum(shares)


def test_more_than_the_weights_hold_is_never_shared():
    with pytest.raises(ValueError):
        allocate(11, [5, 5])


@pytest.mark.parametrize(
    ("amount", "percent", "result"),
    [
        (333, "10", 33),
        (335, "10", 34),
        (1999, "10", 200),
        (12345, "15", 1852),
        (1, "50", 1),
        (999, "0.05", 0),
    ],
)
def test_a_percent_is_rounded_half_up_once(amount, percent, result):
    assert percent_of(amount, Decimal(percent)) == result


@pytest.mark.parametrize(
    ("gross", "rate", "net"), [(10980, "22", 9000), (12200, "22", 10000), (110, "10", 100), (5, "0", 5)]
)
def test_net_is_gross_without_its_tax(gross, rate, net):
    assert net_of(gross, Decimal(rate)) == net
