"""Lift against a holdout, with the design's numbers."""

from analytics.lift import Arm, conversion_lift, pooled_lift, revenue_lift


def test_six_percent_against_less_than_five_is_not_significant():
    lift = conversion_lift(Arm(10_000, 620), Arm(1_000, 48))

    assert [round(100 * each, 2) for each in (lift.difference, lift.low, lift.high)] == [1.4, -0.01, 2.81]
    assert not lift.significant


def test_against_four_percent_it_is():
    assert conversion_lift(Arm(10_000, 620), Arm(1_000, 40)).significant


def test_revenue_is_compared_by_welch():
    # scipy.stats.ttest_ind(equal_var=False).confidence_interval() on the same samples.
    treated, holdout = Arm(5, 5, 30.0, 250.0), Arm(3, 3, 20.0, 100.0)

    lift = revenue_lift(treated, holdout)

    assert [round(each, 4) for each in (lift.difference, lift.low, lift.high)] == [10.0, -12.4459, 32.4459]


def test_an_arm_without_people_says_nothing():
    assert conversion_lift(Arm(0, 0), Arm(10, 1)) is None
    assert revenue_lift(Arm(1, 1), Arm(10, 1)) is None
    assert pooled_lift([]) is None


def test_several_campaigns_weigh_by_their_people():
    one, other = conversion_lift(Arm(100, 20), Arm(100, 10)), conversion_lift(Arm(300, 30), Arm(300, 30))

    pooled = pooled_lift([(one, 100), (other, 300)])

    assert round(pooled.difference, 4) == 0.025
    assert pooled.low < 0 < pooled.high
