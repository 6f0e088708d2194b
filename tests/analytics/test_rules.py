"""RFM arithmetic on the small worked examples of the design."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.rules import (
    CODES,
    ELEVEN,
    RfmSegment,
    SegmentMap,
    are_thresholds,
    are_weights,
    fixed_recency_score,
    fixed_value_score,
    inverted,
    loyalty_level,
    quantile_score,
    quantile_scores,
    quantile_thresholds,
    scaled_weights,
)


@pytest.mark.parametrize(
    ("values", "scores"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]),
        ([1, 1, 1, 1, 1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 3, 4, 4, 5, 5]),
        ([7] * 10, [1] * 10),
        ([1, 1, 1, 1, 1, 1, 2, 2, 3, 9], [1, 1, 1, 1, 1, 1, 4, 4, 5, 5]),
        ([42], [1]),
    ],
)
def test_values_are_scored_by_how_many_stand_strictly_below(values, scores):
    assert quantile_scores(values) == scores


def test_the_most_recent_tenth_scores_five_and_inverted_one():
    days = [2, 10, 20, 35, 50, 75, 110, 160, 230, 340]

    scores = quantile_scores(days, smaller_is_better=True)

    assert scores == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert [inverted(score) for score in scores] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=80))
def test_scores_by_thresholds_are_the_scores_by_counting(values):
    counted = [quantile_score(sum(other < value for other in values), len(values)) for value in values]

    assert quantile_scores(values) == counted


@given(st.lists(st.integers(0, 30), min_size=1, max_size=80))
def test_scores_of_recency_are_the_scores_by_counting(days):
    counted = [quantile_score(sum(other > value for other in days), len(days)) for value in days]

    assert quantile_scores(days, smaller_is_better=True) == counted


def test_thresholds_run_from_worst_to_best():
    assert quantile_thresholds([5, 1, 4, 2, 3]) == [1, 2, 3, 4]
    assert quantile_thresholds([5, 1, 4, 2, 3], smaller_is_better=True) == [5, 4, 3, 2]


def test_a_merchants_own_thresholds_are_inclusive():
    assert [fixed_recency_score(days, [365, 180, 90, 30]) for days in (30, 31, 180, 365, 366)] == [
        5,
        4,
        3,
        2,
        1,
    ]
    assert [fixed_value_score(orders, [2, 3, 5, 10]) for orders in (1, 2, 4, 5, 10)] == [1, 2, 3, 4, 5]


def test_weights_are_scaled_so_that_sums_stay_between_three_and_fifteen():
    assert scaled_weights([1, 1, 1]) == [1, 1, 1]
    assert scaled_weights([2, 1, 1]) == [Decimal("1.5"), Decimal("0.75"), Decimal("0.75")]


@pytest.mark.parametrize(
    ("score_sum", "level"),
    [
        (3, "low"),
        (6, "low"),
        (Decimal("6.5"), "low"),
        (7, "medium"),
        (9, "medium"),
        (10, "high"),
        (13, "top"),
    ],
)
def test_a_sum_of_scores_has_a_loyalty_level(score_sum, level):
    assert loyalty_level(score_sum).code == level


def test_the_eleven_segments_hold_every_code_once():
    assert len(CODES) == 125
    assert sum(len(segment.codes) for segment in ELEVEN.segments) == 125
    assert [len(segment.codes) for segment in ELEVEN.segments] == [7, 8, 24, 7, 16, 8, 5, 22, 8, 14, 6]


def test_a_code_leads_to_its_segment():
    assert ELEVEN.of("555").name == "Champions"
    assert ELEVEN.of("155").code == "cant-lose"
    assert ELEVEN.in_order()[0] == "lost"
    assert ELEVEN.in_order()[-1] == "champions"


def test_a_map_that_forgets_or_repeats_a_code_is_refused():
    everyone = RfmSegment("all", "All", "All", "#000", "", frozenset(CODES))
    best = RfmSegment("best", "Best", "Best", "#000", "", frozenset({"555"}))

    with pytest.raises(ValueError, match=r"missing \['111'"):
        SegmentMap((best,))
    with pytest.raises(ValueError, match=r"twice \['555'\]"):
        SegmentMap((everyone, best))


@pytest.mark.parametrize("wrong", [10**400, float("inf"), float("nan"), -1, 1.5, True, "1", None])
def test_numbers_that_no_threshold_or_weight_can_be_are_told_from_those_that_can(wrong):
    steps = {"r": [4, 3, 2, 1], "f": [1, 2, 3, 4], "m": [1, 2, 3, 4]}

    assert are_thresholds(steps)
    assert not are_thresholds(steps | {"m": [0, 1, 2, wrong]})
    assert are_weights([1, 0.5, 2])
    assert wrong == 1.5 or not are_weights([1, 1, wrong])
