import numpy as np
import pytest

from analytics.behaviour.history import Purchases, carried_on, decayed_days, standing_on

ALICE, BOB = 0, 1


def purchases(*entries: tuple[int, int]) -> Purchases:
    """Return one order of 10,00 for each (person, day)."""
    person, day = (np.array(column) for column in zip(*sorted(entries), strict=True))
    ones = np.ones(len(person), np.int64)
    return Purchases(np.unique(person), person, day, ones, ones * 1000)


def test_a_day_of_purchase_weighs_half_after_a_half_life():
    bought = purchases((ALICE, 70), (ALICE, 100), (BOB, 40))

    assert decayed_days(bought, 100 + 30, half_life=30).tolist() == [0.25 + 0.5, 0.125]


def test_carrying_a_weight_on_is_the_same_as_reading_the_past_again():
    before = purchases((ALICE, 70), (ALICE, 100))
    after = purchases((ALICE, 70), (ALICE, 100), (ALICE, 125), (ALICE, 128))

    weight = decayed_days(before, 110, half_life=21)[ALICE]

    carried = carried_on(weight, days=20, half_life=21, new_ages=(5, 2))
    assert carried == pytest.approx(decayed_days(after, 130, half_life=21)[ALICE])


def test_a_standing_knows_only_what_came_before_its_day():
    bought = purchases((ALICE, 70), (ALICE, 100), (ALICE, 130), (BOB, 130))

    standing, known = standing_on(bought, 130)

    assert known.tolist() == [True, False]
    assert (standing.first[0], standing.last[0], standing.days[0], standing.amount[0]) == (70, 100, 2, 2000)


def test_who_bought_within_some_days_did_so_from_the_first_to_before_the_last():
    bought = purchases((ALICE, 137), (BOB, 130))

    assert bought.bought_within(130, 7).tolist() == [False, True]
