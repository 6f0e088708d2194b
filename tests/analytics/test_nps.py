"""The Net Promoter Score (analytics.md, sections 4 and 5)."""

import pytest

from analytics.nps import Nps, group_of


def test_25_promoters_15_passives_and_10_detractors_are_plus_30():
    nps = Nps(25, 15, 10)

    assert (nps.answers, nps.score) == (50, 30)
    assert nps.margin == pytest.approx(21.648, abs=0.001)
    assert nps.interval == pytest.approx((8.352, 51.648), abs=0.001)


def test_without_answers_there_is_no_score():
    nps = Nps(0, 0, 0)

    assert nps.score is nps.margin is nps.interval is None


@pytest.mark.parametrize(
    ("counts", "score", "interval"),
    [((4, 0, 0), 100, (100, 100)), ((0, 0, 1), -100, (-100, -100)), ((1, 0, 1), 0, (-100, 100))],
)
def test_the_interval_stays_within_the_scale(counts, score, interval):
    assert (Nps(*counts).score, Nps(*counts).interval) == (score, interval)


def test_nine_and_ten_promote_and_up_to_six_detracts():
    groups = [group_of(score) for score in range(11)]

    assert groups == ["DETRACTOR"] * 7 + ["PASSIVE"] * 2 + ["PROMOTER"] * 2
