"""What is said of rewards, milestones and challenges."""

import pytest
from django.utils import translation

from loyalty.admin.adjustment_forms import AdjustmentForm
from loyalty.challenge_words import time_words
from loyalty.models import Challenge, Milestone, Reward
from loyalty.wording import gift_words, milestone_words


@pytest.mark.parametrize(
    ("metric", "threshold", "words"),
    [("YEARS", 1, "Every year"), ("YEARS", 2, "Every 2 years"), ("ORDERS", 1, "Every order")],
)
def test_what_repeats_each_time_is_every_year_and_not_every_1_year(metric, threshold, words):
    milestone = Milestone(metric=metric, threshold=threshold, repeats=True)

    assert milestone_words(milestone) == words


@pytest.mark.parametrize(("points", "words"), [(1, "1 point"), (50, "50 points")])
def test_one_point_is_not_one_points(points, words):
    assert gift_words(Reward(kind=Reward.Kind.POINTS, points_given=points)) == words


@pytest.mark.parametrize(
    ("window", "period", "key", "words"),
    [
        ("PERIOD", "MONTH", "2026-11-01", "nov 2026"),
        ("PERIOD", "QUARTER", "2026-10-01", "T4 2026"),
        ("PERIOD", "YEAR", "2026-01-01", "2026"),
        ("PERIOD", "WEEK", "2026-11-16", "16 nov 2026"),
        ("FIXED", "", "3", "3"),
    ],
)
def test_the_time_a_challenge_was_reached_is_told_as_its_period(window, period, key, words):
    with translation.override("it"):
        assert time_words(Challenge(window=window, period=period), key) == words


def test_points_are_good_until_a_day_in_the_plural_in_italian():
    with translation.override("it"):
        assert AdjustmentForm()["expires_on"].label == "Validi fino al"
