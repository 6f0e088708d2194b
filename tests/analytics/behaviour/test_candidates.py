import numpy as np
import pytest

from analytics.behaviour.backtest import TooLittleHistory, Trial, best_of, fit_before, try_out
from analytics.behaviour.candidates import Lesson, OwnHistory, RfmCell, cells_of, lesson_of
from analytics.behaviour.history import Purchases, Standing, standing_on
from analytics.behaviour.kinds import Kind
from analytics.behaviour.quality import Quality
from analytics.behaviour.rhythm import Rhythm


def people(count: int, *, days: int, seed: int = 7) -> Purchases:
    """Return people who each buy at a rate of their own, some of them stopping half way."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(0.7, 0.15, count)
    stops = np.where(rng.uniform(size=count) < 0.3, days // 2, days)
    bought = rng.uniform(size=(count, days)) < rates[:, None]
    bought &= np.arange(days) < stops[:, None]
    person, day = np.nonzero(bought)
    ids, person = np.unique(person, return_inverse=True)
    ones = np.ones(len(person), np.int64)
    return Purchases(ids, person, day, ones, ones * 1000)


def test_the_probability_of_own_history_is_one_less_the_chance_of_no_purchase():
    standing = standing_of(weights=[0.0, 1.5])

    said = OwnHistory(b=0.5, r=0.2, half_life=30.0).predict(standing)

    assert said.tolist() == pytest.approx([1 - np.exp(-0.1), 1 - np.exp(-0.85)])


def test_own_history_finds_again_how_people_were_made():
    rng = np.random.default_rng(3)
    bought = people(4_000, days=300)
    standing, _known = standing_on(bought, 250)
    truth = OwnHistory(b=0.4, r=0.3, half_life=25.0)
    outcome = rng.uniform(size=len(standing)) < truth.predict(standing)

    found = OwnHistory.learn([Lesson(standing, outcome)], 30)

    assert found.b == pytest.approx(0.4, rel=0.15)
    assert found.r == pytest.approx(0.3, rel=0.3)
    assert found.half_life == pytest.approx(25, rel=0.2)


def test_a_cell_is_the_code_of_three_fifths():
    ten = np.arange(10)
    standing = Standing(20, ten, last=ten, days=np.ones(10, int), orders=np.ones(10, int), amount=ten[::-1])

    found = cells_of(standing)

    # Nobody has more orders than another: F is 1 for all. R rises as M falls.
    assert (found // 25 + 1).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert (found // 5 % 5 + 1).tolist() == [1] * 10
    assert (found % 5 + 1).tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]


def test_a_cell_of_few_people_leans_on_the_average():
    standing = standing_of(weights=[0.0] * 30)
    lesson = Lesson(standing, np.array([True] * 10 + [False] * 20))

    rates = RfmCell.learn([lesson], 30).rates

    assert rates[0] == pytest.approx(1 / 3)  # Everybody is equal: one cell, at the average.
    assert rates[124] == pytest.approx(1 / 3)  # And whoever comes into an empty one is average, too.


def test_the_rhythm_of_whoever_bought_long_ago_says_that_they_are_gone():
    bought = people(800, days=300)
    model = Rhythm.learn([lesson_of(bought, 250, 30)], 30)

    recent = Standing(250, *(np.array([value]) for value in (10, 245, 30, 30, 1)))
    gone = Standing(250, *(np.array([value]) for value in (10, 60, 30, 30, 1)))

    assert model.predict(recent)[0] > 0.7
    assert model.predict(gone)[0] < 0.01


def test_every_model_is_tried_on_the_same_days_and_learns_only_from_before():
    bought = people(500, days=200)

    trials = try_out([OwnHistory, RfmCell], bought, until=200, horizon=14)

    assert [trial.kind for trial in trials] == [Kind.OWN_HISTORY, Kind.RFM_CELL]
    assert {tuple(trial.origins) for trial in trials} == {(186, 172, 158)}
    assert trials[0].quality.auc > 0.7
    later = Purchases(
        bought.ids, bought.person, np.where(bought.day >= 158, 199, bought.day), bought.orders, bought.amount
    )
    assert fit_before([OwnHistory], later, 158, 14) == fit_before([OwnHistory], bought, 158, 14)


def test_without_a_day_to_learn_from_nothing_is_tried():
    with pytest.raises(TooLittleHistory):
        try_out([OwnHistory], people(100, days=40), until=40, horizon=14)


def test_the_least_log_loss_over_the_horizons_wins_and_a_tie_is_the_first_model():
    def trial(kind: Kind, loss: float) -> Trial:
        return Trial(kind, 30, [1], Quality(0.8, loss, 0.1, []))

    better = [trial(Kind.OWN_HISTORY, 0.5), trial(Kind.RFM_CELL, 0.4)]
    same = [trial(Kind.RFM_CELL, 0.4), trial(Kind.OWN_HISTORY, 0.4)]

    assert best_of(better) == Kind.RFM_CELL
    assert best_of(same) == Kind.OWN_HISTORY


def standing_of(weights: list[float]) -> Standing:
    same = np.ones(len(weights), int)
    return Standing(100, same, same, same, same, same, {30.0: np.array(weights)})
