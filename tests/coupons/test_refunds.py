"""Who gets how much of a refund, worked out without a database."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupons.refunds import Payment, Policy, share_refund
from customers.rules import refund_for

EURO_CARD = Payment(1220, units=1220)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy.CASH_FIRST, (1000, [0])),
        (Policy.CARD_FIRST, (0, [1000])),
        (Policy.PROPORTIONAL, (900, [100])),
    ],
)
def test_a_policy_says_who_is_first(policy, expected):
    assert share_refund(1000, cash=Payment(10980), tenders=[EURO_CARD], policy=policy) == expected


def test_what_one_has_not_paid_comes_from_the_other():
    assert share_refund(1500, cash=Payment(500), tenders=[EURO_CARD], policy=Policy.CASH_FIRST) == (
        500,
        [1000],
    )
    assert share_refund(1500, cash=Payment(500), tenders=[EURO_CARD], policy=Policy.CARD_FIRST) == (
        280,
        [1220],
    )


def test_points_go_back_whole_and_the_last_with_the_last_cent():
    points = Payment(amount=1000, units=200)
    first = points.units_for(333)
    rest = Payment(amount=1000, returned_amount=333, units=200, returned_units=first)

    assert (first, rest.units_for(667)) == (66, 134)


amounts = st.integers(0, 100_000)


@st.composite
def paid_orders(draw):
    """What a cart's lines cost, in how many units, and how it was paid: goods and shipping."""
    lines = draw(st.lists(st.tuples(amounts, st.integers(1, 5)), min_size=1, max_size=5))
    whole = sum(total for total, _units in lines) + draw(st.integers(0, 2000))
    tenders = []
    for share, value in draw(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 7)), max_size=3)):
        units = (whole * share // 100) // value
        left = whole - sum(one.amount for one in tenders)
        if units and units * value <= left:
            tenders.append(Payment(units * value, units=units))
    cash = whole - sum(one.amount for one in tenders)
    steps = [(place, total, units) for place, (total, units) in enumerate(lines) for _ in range(units)]
    order = draw(st.permutations(steps))
    policies = draw(st.lists(st.sampled_from(Policy), min_size=len(order), max_size=len(order)))
    return Payment(cash), tenders, list(zip(order, policies, strict=True)), whole


def _with(payment: Payment, part: int) -> Payment:
    return Payment(
        payment.amount,
        payment.returned_amount + part,
        payment.units,
        payment.returned_units + payment.units_for(part),
    )


@settings(max_examples=200, deadline=None)
@given(paid_orders())
def test_unit_by_unit_in_any_order_and_policy_the_refunds_are_what_was_paid(order):
    cash, tenders, steps, whole = order
    back = {}
    refunded = 0

    for (place, total, units), policy in steps:
        refund = refund_for(total, Decimal(units), returned=Decimal(back.get(place, 0)), more=Decimal(1))
        back[place] = back.get(place, 0) + 1
        refunded += refund
        money, parts = share_refund(refund, cash=cash, tenders=tenders, policy=policy)
        assert money + sum(parts) == refund
        assert min([refund, money, *parts]) >= 0
        cash = _with(cash, money)
        tenders = [_with(one, part) for one, part in zip(tenders, parts, strict=True)]
        assert all(0 <= one.returned_amount <= one.amount for one in [cash, *tenders])
        assert all(0 <= one.returned_units <= one.units for one in tenders)

    goods = sum({place: total for (place, total, _units), _policy in steps}.values())
    assert refunded == goods <= whole
    assert all(one.returned_units == one.units for one in tenders if not one.left)
