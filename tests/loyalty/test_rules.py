from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules import (
    Basis,
    Expiry,
    ExpiryKind,
    Occasion,
    evaluate,
    kept_of,
    points_for,
    read_multipliers,
    read_terms,
)
from operations.errors import InvalidInput

ROME = "Europe/Rome"


def test_one_point_per_full_euro_after_the_coupon_and_after_the_multiplier():
    paid = 5990 - 590

    assert points_for(paid, points=1, per_amount=100) == 54
    assert points_for(paid, points=1, per_amount=100, factor=Decimal("1.5")) == 81
    assert points_for(5990, points=1, per_amount=100, factor=Decimal("1.5")) == 89
    assert points_for(99, points=1, per_amount=100) == 0


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(1, 1000), st.integers(1, 10**6))
def test_what_is_kept_of_an_order_is_what_the_rest_would_have_earned(amount, retained, points, per_amount):
    terms = read_terms("PER_AMOUNT", {"points": points, "per_amount": per_amount})
    retained = min(amount, retained)
    earned = points_for(amount, points=points, per_amount=per_amount)

    kept = kept_of(terms, Basis(retained), factor=Decimal(1), given=earned)

    assert kept == points_for(retained, points=points, per_amount=per_amount) <= earned


def test_a_partial_return_floors_both_sides():
    terms = read_terms("PER_AMOUNT", {"points": 1, "per_amount": 100})

    assert kept_of(terms, Basis(3040), factor=Decimal(1), given=59) == 30


@pytest.mark.parametrize(
    ("earned", "months", "expires"),
    [
        ("2026-01-31T10:00:00+01:00", 1, "2026-03-01T00:00:00+01:00"),
        ("2026-11-30T23:30:00+01:00", 12, "2027-12-01T00:00:00+01:00"),
        ("2026-03-28T23:30:00+00:00", 6, "2026-09-30T00:00:00+02:00"),
    ],
)
def test_points_expire_at_the_end_of_a_local_day(earned, months, expires):
    policy = Expiry(ExpiryKind.MONTHS, months=months)

    assert policy.expires_at(datetime.fromisoformat(earned), zone=ROME) == datetime.fromisoformat(expires)


def test_points_without_a_term_never_expire():
    assert Expiry().expires_at(datetime.fromisoformat("2026-01-31T10:00:00+01:00"), zone=ROME) is None


def test_multipliers_whose_conditions_hold_multiply_each_other():
    multipliers = [
        {"factor": "2", "weekdays": ["SAT"]},
        {"factor": "1.5", "segment": "gold", "sales_channels": ["web"]},
        {"factor": "3", "stores": ["rome"]},
    ]
    saturday = {"sales_channel": "web", "store": "milan", "segments": frozenset({"gold"})}

    assert factor_of(multipliers, "2026-11-21", **saturday) == Decimal("3.0")
    assert factor_of(multipliers, "2026-11-22") == 1
    assert factor_of([], "2026-11-21", **saturday) == 1


def factor_of(multipliers, day, **facts):
    terms = read_terms("PER_AMOUNT", {"points": 1, "per_amount": 100, "multipliers": multipliers})
    at = datetime.fromisoformat(f"{day}T12:00:00+01:00")
    return evaluate(terms, Occasion("order.recorded", at, ROME, paid=100, goods=100, **facts)).factor


@pytest.mark.parametrize(
    ("multipliers", "pointer"),
    [
        ("double", "/multipliers"),
        ([{"factor": "2"}] * 13, "/multipliers"),
        ([{}], "/multipliers/0/factor"),
        ([{"factor": 2}], "/multipliers/0/factor"),
        ([{"factor": "0"}], "/multipliers/0/factor"),
        ([{"factor": "NaN"}], "/multipliers/0/factor"),
        ([{"factor": "1.005"}], "/multipliers/0/factor"),
        ([{"factor": "2", "weekdays": ["saturday"]}], "/multipliers/0/weekdays"),
        ([{"factor": "2", "stores": "milan"}], "/multipliers/0/stores"),
        ([{"factor": "2", "segment": 5}], "/multipliers/0/segment"),
        ([{"factor": "2", "moon": "full"}], "/multipliers/0/moon"),
    ],
)
def test_each_mistake_in_the_multipliers_says_where_it_is(multipliers, pointer):
    with pytest.raises(InvalidInput) as refused:
        read_multipliers(multipliers)

    assert pointer in [mistake.pointer for mistake in refused.value.details]
