import numpy as np
import pytest

from analytics.behaviour.discounts import Guard, answered, best_discounts

GUARD = Guard(lowest=0.05, highest=0.20, step=0.05, margin_floor=0.0, response=8)


def best(probability: float, *, sensitivity: float = 0.5, margin: float = 0.3, guard: Guard = GUARD):
    return best_discounts(np.array([probability]), np.array([sensitivity]), np.array([margin]), guard)


def test_a_discount_multiplies_the_odds_of_an_average_person():
    said = answered(np.array([0.5]), np.array([0.5]), 0.1, response=8)

    assert said[0] == pytest.approx(1 / (1 + np.exp(-0.8)))


def test_somebody_who_never_follows_discounts_is_not_moved():
    assert answered(np.array([0.2]), np.array([0.0]), 0.2, response=8)[0] == pytest.approx(0.2)


def test_the_discount_chosen_earns_more_than_every_other_one():
    found = best(0.2, sensitivity=0.6)

    chance = {d: answered(np.array([0.2]), np.array([0.6]), d, 8)[0] for d in (0, 0.05, 0.1, 0.15, 0.2)}
    earned = {d: chance[d] * (0.3 - d) for d in chance}
    assert found.discount[0] == max(earned, key=earned.get) == 0.1
    assert found.earned[0] == pytest.approx(earned[0.1])
    assert found.earned_without[0] == pytest.approx(0.06)


def test_whoever_buys_anyway_gets_none():
    assert best(0.95).discount[0] == 0


def test_on_a_tie_the_smaller_discount_is_chosen():
    # A person nobody can move, and no margin to lose: every discount and none earn the same, nothing.
    assert best(0.5, sensitivity=0.0, margin=0.0).discount[0] == 0


def test_the_margin_that_has_to_stay_caps_the_discount():
    free = best(0.02, sensitivity=0.8).discount[0]
    kept = best(0.02, sensitivity=0.8, guard=Guard(0.05, 0.20, 0.05, 0.22, 8)).discount[0]

    assert (free, kept) == (0.15, 0.05)


def test_steps_end_with_the_largest_that_fits():
    assert Guard(0.05, 0.12, 0.05, 0, 8).steps.tolist() == [0.05, 0.1]
    assert Guard(0.05, 0.15, 0.05, 0, 8).steps.tolist() == [0.05, 0.1, 0.15]
    assert Guard(0.05, 0.05, 0.01, 0, 8).steps.tolist() == [0.05]
