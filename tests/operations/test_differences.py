import pytest

from operations.differences import Arm, holm, share_interval, two_proportions


def test_two_shares_are_compared_with_the_pooled_share():
    # scipy.stats.chi2_contingency([[60, 440], [30, 470]], correction=False) and [[52, 448], [50, 450]].
    assert round(two_proportions(Arm(500, 60), Arm(500, 30)), 6) == 0.000917
    assert round(two_proportions(Arm(500, 52), Arm(500, 50)), 4) == 0.8345


def test_nobody_differs_from_nobody():
    assert two_proportions(Arm(0, 0), Arm(10, 5)) == 1.0
    assert two_proportions(Arm(10, 0), Arm(10, 0)) == 1.0


@pytest.mark.parametrize(
    ("chances", "stands"),
    [
        ([0.01, 0.04, 0.03, 0.005], [True, False, False, True]),
        ([0.04], [True]),
        ([0.04, 0.03], [False, False]),
        ([0.01, 0.04], [True, True]),
        ([], []),
    ],
)
def test_several_differences_stand_as_holm_says(chances, stands):
    assert holm(chances) == stands


def test_a_share_has_wilsons_interval():
    # scipy.stats.binomtest(10, 100).proportion_ci(method="wilson")
    found = share_interval(10, 100)

    assert [round(each, 4) for each in (found.value, found.low, found.high)] == [0.1, 0.0552, 0.1744]
    assert share_interval(0, 10).low == 0.0
    assert share_interval(10, 10).high == 1.0
    assert share_interval(0, 0) is None
