from decimal import Decimal

import pytest

from analytics.cut_off import SumGroup, Terms, cut_off

TERMS = Terms(
    margin=Decimal("0.4"), uplift=Decimal("0.1"), contact_amount=Decimal(50), reward_amount=Decimal(100)
)
GROUPS = [
    SumGroup(3, customers=1_000, observed=1_000, buyers=10, net_amount=500_00),
    SumGroup(6, customers=400, observed=500, buyers=50, net_amount=2_500_00),
    SumGroup(9, customers=300, observed=200, buyers=80, net_amount=7_500_00),
    SumGroup(15, customers=100, observed=100, buyers=70, net_amount=10_000_00),
]


def test_a_contact_earns_the_buy_rate_times_the_margin_times_the_uplift():
    found = cut_off(GROUPS, TERMS)

    assert found.at(9).group.buy_rate == Decimal("0.4")
    # 80 of 200 bought for 93.75 each: .4 x 93.75 x .4 x .1 = 1.50, exactly contact and reward together.
    assert found.at(9).earned == Decimal("150")
    assert found.at(9).is_worth_it
    assert found.at(6).earned == Decimal("20")
    assert not found.at(6).is_worth_it


def test_the_cut_off_is_the_smallest_sum_worth_contacting():
    assert cut_off(GROUPS, TERMS).smallest_worthwhile == 9


def test_the_slider_tells_how_many_are_dropped_and_what_is_given_up():
    step = cut_off(GROUPS, TERMS).at(9)

    assert step.dropped == 1_400
    # 1,000 people x 0.50 + 400 people x 5.00, of which a contact brings a tenth.
    assert step.revenue_given_up == 50_00 + 200_00
    assert step.cost_saved == 1_400 * 150
    assert step.contacted == 400
    # 300 x (1.50 - 1.50) + 100 x (4.00 - 1.50)
    assert step.profit == 250_00


def test_the_lowest_step_drops_nobody_and_an_empty_sum_is_not_worth_a_contact():
    found = cut_off(GROUPS, TERMS)

    assert found.at(3).dropped == 0
    assert found.at(3).revenue_given_up == 0
    assert found.at(4).group.customers == 0
    assert not found.at(4).is_worth_it
    assert [step.score_sum for step in found.steps] == list(range(3, 16))


def test_the_most_profitable_cut_off_ignores_a_small_group_that_bought_by_chance():
    lucky = SumGroup(4, customers=2, observed=2, buyers=1, net_amount=80_00)

    found = cut_off([lucky, *GROUPS[1:]], TERMS)

    assert found.smallest_worthwhile == 4
    assert found.most_profitable == 10  # From 9 on as much is left, but it writes to more.


def test_nobody_is_worth_a_contact_that_costs_more_than_it_brings():
    found = cut_off(GROUPS, Terms(Decimal("0.4"), Decimal(0), Decimal(1)))

    assert found.smallest_worthwhile is None
    assert found.most_profitable is None


def test_a_free_contact_is_worth_it_wherever_somebody_was_observed():
    found = cut_off(GROUPS, Terms(Decimal("0.4"), Decimal("0.1"), Decimal(0)))

    assert found.smallest_worthwhile == 3


@pytest.mark.parametrize(("asked", "given"), [(0, 3), (3, 3), (15, 15), (99, 15)])
def test_the_slider_ends_at_3_and_15(asked: int, given: int):
    assert cut_off(GROUPS, TERMS).at(asked).score_sum == given
