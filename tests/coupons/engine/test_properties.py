"""What holds for every cart and every stack of incentives."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from coupons.engine import Budget, Cart, Effect, Items, Line, Stacking, calculate
from coupons.engine.incentive import Basis, Kind, Target
from tests.coupons.engine.carts import candidate, context

skus = st.sampled_from(["S1", "S2", "S3"])
carts = st.lists(
    st.builds(
        Line,
        line_id=st.just(""),
        unit_price=st.integers(0, 10**7),
        quantity=st.one_of(
            st.integers(1, 99).map(Decimal), st.decimals("0.001", "99", allow_nan=False, places=3)
        ),
        sku=skus,
        tax_rate=st.sampled_from([Decimal(0), Decimal(4), Decimal(10), Decimal(22)]),
    ),
    min_size=1,
    max_size=8,
).map(
    lambda lines: Cart(
        tuple(Line(**{**vars_of(line), "line_id": str(place)}) for place, line in enumerate(lines)), "EUR"
    )
)
effects = st.builds(
    Effect,
    kind=st.sampled_from([Kind.PERCENT, Kind.AMOUNT]),
    target=st.sampled_from(Target),
    percent=st.decimals("0.01", "100", allow_nan=False, places=2),
    amount=st.integers(1, 10**8),
    amount_limit=st.one_of(st.none(), st.integers(1, 10**7)),
    items=st.builds(Items, skus=st.frozensets(skus, max_size=2)),
)
budgets = st.tuples(st.builds(Budget, key=st.just("b"), cap=st.integers(0, 10**6), used=st.just(0),
                              amounts=st.booleans(), partial=st.booleans()))  # fmt: skip
candidates = st.lists(
    st.builds(
        candidate,
        effects,
        stacking=st.builds(Stacking, rank=st.integers(0, 2), basis=st.sampled_from(Basis)),
        budgets=st.one_of(st.just(()), budgets),
    ),
    min_size=1,
    max_size=4,
)


def vars_of(line):
    return {name: getattr(line, name) for name in line.__dataclass_fields__}


@given(carts, candidates)
def test_no_line_goes_below_zero_and_nothing_is_lost(a_cart, stack):
    result = calculate(a_cart, stack, context())

    for line in result.lines:
        given_to_line = sum(o.discounts.get(line.line.line_id, 0) for o in result.outcomes)
        assert given_to_line == line.discount_amount
        assert 0 <= line.total_amount <= line.line.amount
        assert line.net_amount + line.tax_amount == line.total_amount
        assert 0 <= line.net_amount <= line.total_amount
    assert result.discount_amount == sum(o.discount_amount for o in result.outcomes)
    assert result.total_amount == a_cart.amount - result.discount_amount >= 0


@given(carts, candidates)
def test_an_incentive_keeps_to_its_limit_its_budget_and_its_lines(a_cart, stack):
    result = calculate(a_cart, stack, context())

    for outcome in result.outcomes:
        effect = outcome.candidate.effect
        assert all(part > 0 for part in outcome.discounts.values())
        if effect.kind == Kind.AMOUNT:
            assert outcome.discount_amount <= effect.amount
        elif effect.amount_limit is not None:
            assert outcome.discount_amount <= effect.amount_limit
        covered = {line.line_id for line in a_cart.lines if effect.items.cover(line)}
        assert set(outcome.discounts) <= covered
        if outcome.status != "APPLICABLE":
            assert outcome.discounts == {}
    spent = sum(o.discount_amount for o in result.outcomes if any(b.amounts for b in o.candidate.budgets))
    caps = [b.cap for o in result.outcomes for b in o.candidate.budgets if b.amounts]
    assert not caps or spent <= max(caps)


@given(carts, candidates)
def test_the_same_question_has_the_same_answer(a_cart, stack):
    assert calculate(a_cart, stack, context()) == calculate(a_cart, stack, context())
