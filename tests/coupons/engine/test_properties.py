"""What holds for every cart and every stack of incentives and means of payment."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from coupons.engine import (
    Application,
    Budget,
    Cart,
    Effect,
    Items,
    Line,
    MarginFloor,
    Outcome,
    Part,
    Stacking,
    Tender,
    Tier,
    calculate,
)
from coupons.engine.incentive import Basis, Choose, Grouping, Kind, Target
from tests.coupons.engine.carts import candidate, context

skus = st.sampled_from(["S1", "S2", "S3"])
percents = st.decimals("0.01", "100", allow_nan=False, places=2)
counts = st.integers(1, 6)
lines = st.builds(
    Line,
    line_id=st.just(""),
    unit_price=st.integers(0, 10**7),
    quantity=st.one_of(
        st.integers(1, 99).map(Decimal), st.decimals("0.001", "99", allow_nan=False, places=3)
    ),
    sku=skus,
    tax_rate=st.sampled_from([Decimal(0), Decimal(4), Decimal(10), Decimal(22)]),
    unit_cost=st.one_of(st.none(), st.integers(0, 10**6)),
    discounted=st.booleans(),
)
carts = st.builds(
    lambda lines, shipping: Cart(
        tuple(replace(line, line_id=str(place)) for place, line in enumerate(lines)), "EUR", shipping
    ),
    st.lists(lines, min_size=1, max_size=8),
    st.integers(0, 2000),
)
items = st.builds(
    Items,
    skus=st.frozensets(skus, max_size=2),
    exclude_discounted=st.booleans(),
    min_margin_percent=st.one_of(st.none(), st.just(Decimal(20))),
)
fields = {"target": st.sampled_from(Target), "items": items}
effects = st.one_of(
    st.builds(
        Effect,
        st.just(Kind.PERCENT),
        percent=percents,
        amount_limit=st.one_of(st.none(), st.integers(1, 10**7)),
        **fields,
    ),
    st.builds(Effect, st.just(Kind.AMOUNT), amount=st.integers(1, 10**8), **fields),
    st.builds(
        Effect,
        st.just(Kind.FIXED_PRICE),
        amount=st.integers(0, 10**7),
        unit_limit=st.one_of(st.none(), counts),
        bundle=st.one_of(
            st.just(()),
            st.lists(st.builds(Part, st.just("sku"), skus, counts), min_size=1, max_size=3).map(tuple),
        ),
        **fields,
    ),
    st.builds(Effect, st.just(Kind.FREE_SHIPPING), amount_limit=st.one_of(st.none(), counts), **fields),
    st.builds(
        Effect,
        st.just(Kind.FREE_UNITS),
        buy=st.integers(0, 4),
        get=counts,
        percent=percents,
        choose=st.sampled_from(Choose),
        grouping=st.sampled_from(Grouping),
        unit_limit=st.one_of(st.none(), counts),
        **fields,
    ),
    st.builds(
        Effect,
        st.just(Kind.TIERS),
        tiers=st.tuples(
            st.builds(Tier, st.integers(0, 10**6), amount=st.integers(1, 10**6)),
            st.builds(Tier, st.integers(10**6 + 1, 10**8), percent=percents),
        ),
        **fields,
    ),
    st.builds(Effect, st.just(Kind.GIFT_ITEM), gift_sku=skus, get=counts),
)
budgets = st.tuples(st.builds(Budget, key=st.just("b"), cap=st.integers(0, 10**6), used=st.just(0),
                              amounts=st.booleans(), partial=st.booleans()))  # fmt: skip
incentives = st.builds(
    candidate,
    effects,
    stacking=st.builds(Stacking, rank=st.integers(0, 2), basis=st.sampled_from(Basis)),
    budgets=st.one_of(st.just(()), budgets),
    margin_floor=st.one_of(st.none(), st.builds(MarginFloor, st.sampled_from([Decimal(0), Decimal(30)]),
                                                allow_unknown=st.booleans())),
)  # fmt: skip
tenders = st.builds(
    Tender,
    key=st.just("t"),
    kind=st.sampled_from(["gift_card", "points"]),
    available=st.integers(0, 10**8),
    unit_value=st.integers(1, 100),
    amount=st.one_of(st.none(), st.integers(1, 10**8)),
    items=st.one_of(st.none(), items.map(lambda one: Items(skus=one.skus))),
)
stacks = st.lists(st.one_of(incentives, incentives, tenders), min_size=1, max_size=6)


@given(carts, stacks)
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
    assert 0 <= result.shipping_discount_amount <= a_cart.shipping_amount
    shipping = a_cart.shipping_amount - result.shipping_discount_amount
    assert result.due_amount == result.total_amount + shipping - result.tender_amount >= 0


@given(carts, stacks)
def test_an_incentive_keeps_to_its_limit_and_its_lines(a_cart, stack):
    result = calculate(a_cart, stack, context())

    for outcome in result.outcomes:
        assert all(part > 0 for part in outcome.discounts.values())
        if outcome.status != "APPLICABLE":
            assert (outcome.discounts, outcome.shipping_amount, outcome.tender_amount) == ({}, 0, 0)
            assert not outcome.gifts
        if not isinstance(outcome.candidate, Tender):
            _keeps_to_its_effect(a_cart, outcome)


def _keeps_to_its_effect(a_cart: Cart, outcome: Outcome) -> None:
    effect = outcome.candidate.effect
    if effect.kind == Kind.AMOUNT:
        assert outcome.discount_amount <= effect.amount
    if effect.amount_limit is not None:
        assert outcome.given_amount <= effect.amount_limit
    assert not outcome.shipping_amount or effect.kind == Kind.FREE_SHIPPING
    covered = {line.line_id for line in a_cart.lines if effect.items.cover(line)}
    if effect.kind != Kind.GIFT_ITEM:
        assert set(outcome.discounts) <= covered
    quantities = {line.line_id: line.quantity for line in a_cart.lines}
    assert all(0 < units <= quantities[line_id] for line_id, units in outcome.line_units.items())
    if effect.unit_limit is not None and not effect.bundle:
        assert sum(outcome.line_units.values()) <= effect.unit_limit


@given(carts, stacks)
def test_a_budget_holds_for_the_whole_stack(a_cart, stack):
    result = calculate(a_cart, stack, context())

    spent: Counter = Counter()
    for outcome in result.applied:
        for budget in getattr(outcome.candidate, "budgets", ()):
            spent[budget.amounts] += outcome.given_amount if budget.amounts else 1
            if budget.amounts and not budget.partial:
                assert outcome.given_amount <= budget.cap
    caps = [b for one in stack if not isinstance(one, Tender) for b in one.budgets]
    for amounts, used in spent.items():
        assert used <= max(budget.cap for budget in caps if budget.amounts == amounts)


@given(carts, stacks)
def test_a_tender_pays_what_its_account_loses(a_cart, stack):
    result = calculate(a_cart, stack, context())

    for outcome in result.outcomes:
        if isinstance(outcome.candidate, Tender):
            tender = outcome.candidate
            assert outcome.tender_amount == outcome.units * tender.unit_value
            assert outcome.units <= tender.available
            assert tender.amount is None or outcome.units <= tender.amount


@given(carts, stacks)
def test_the_same_question_has_the_same_answer(a_cart, stack):
    assert calculate(a_cart, stack, context()) == calculate(a_cart, stack, context())


@given(carts, st.lists(incentives, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_ranks_decide_and_not_the_order_of_the_request(a_cart, stack, shuffled):
    ranked = [
        replace(one, key=str(rank), stacking=replace(one.stacking, rank=rank))
        for rank, one in enumerate(stack)
    ]
    mixed = list(ranked)
    shuffled.shuffle(mixed)

    one, other = (calculate(a_cart, some, context()) for some in (ranked, mixed))

    assert one.lines == other.lines
    assert {o.candidate.key: o for o in one.outcomes} == {o.candidate.key: o for o in other.outcomes}


@given(carts, st.lists(incentives, min_size=1, max_size=4))
def test_what_was_refused_might_as_well_not_have_been_asked(a_cart, stack):
    asked = [replace(one, key=str(place)) for place, one in enumerate(stack)]
    result = calculate(a_cart, asked, context())

    again = calculate(a_cart, [o.candidate for o in result.applied], context())

    assert again.lines == result.lines
    assert [o.discounts for o in again.outcomes] == [o.discounts for o in result.applied]
    assert not again.applied or again.holds(Application.ALL)


@given(carts, percents)
def test_a_percent_of_the_order_does_not_depend_on_the_order_of_lines(a_cart, rate):
    turned = replace(a_cart, lines=tuple(reversed(a_cart.lines)))
    whole = candidate(Effect(Kind.PERCENT, percent=rate))

    assert (
        calculate(a_cart, [whole], context()).discount_amount
        == calculate(turned, [whole], context()).discount_amount
    )
