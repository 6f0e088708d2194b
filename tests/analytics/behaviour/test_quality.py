import numpy as np
import pytest

from analytics.behaviour.calibration import Calibration, calibrate
from analytics.behaviour.quality import auc, judge, log_loss


def test_the_auc_is_the_share_of_pairs_in_the_right_order_ties_counting_half():
    bought = np.array([True, True, False, False])

    assert auc(np.array([0.9, 0.4, 0.4, 0.1]), bought) == 0.875
    assert auc(np.array([0.1, 0.2, 0.8, 0.9]), bought) == 0.0


def test_without_a_buyer_there_is_no_auc():
    assert auc(np.array([0.9, 0.4]), np.array([False, False])) is None


def test_the_log_loss_of_a_coin_is_the_logarithm_of_two():
    assert log_loss(np.array([0.5, 0.5]), np.array([True, False])) == pytest.approx(np.log(2))


def test_tenths_go_from_the_likeliest_on_and_hold_everybody():
    said = np.linspace(0.01, 1, 100)
    bought = said > 0.5

    found = judge(said, bought)

    assert [tenth.bought for tenth in found.tenths] == [10, 10, 10, 10, 10, 0, 0, 0, 0, 0]
    assert found.people == 100
    assert found.tenths[0].predicted == pytest.approx(0.955)


def test_a_calibration_brings_what_was_said_to_what_came_true():
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.05, 0.95, 20_000)
    bought = rng.uniform(size=20_000) < truth
    timid = Calibration(shift=-1.0, slope=0.5).applied(truth)

    found = calibrate(timid, bought)

    assert found.applied(timid).mean() == pytest.approx(bought.mean(), abs=0.005)
    assert found.slope == pytest.approx(2, abs=0.1)


def test_too_few_people_teach_no_calibration():
    assert calibrate(np.full(10, 0.3), np.array([True] * 5 + [False] * 5)) == Calibration()
