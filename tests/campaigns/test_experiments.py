"""Scenario 8 of the design, and lots that can be drawn again."""

from uuid import UUID, uuid5

import pytest
from django.db import connection

from campaigns.experiments import LOT, Outcome, Salt, Trial, bounds, compare, judge, lot, place_of

PERSON = UUID("6f0e6a4e-51a1-4b8e-9a52-1c63a5b4a111")


def two(first: int, second: int, *, people: int = 500):
    return [Trial("A", people, first), Trial("B", people, second)]


def test_twice_as_many_of_five_hundred_win():
    judgement = judge(two(60, 30), sample=500)

    assert (judgement.outcome, judgement.winner) == (Outcome.WINNER, "A")
    assert round(judgement.comparisons[0].chance, 6) == 0.000917


def test_nearly_the_same_has_no_winner():
    judgement = judge(two(52, 50), sample=500)

    assert (judgement.outcome, judgement.winner) == (Outcome.NO_WINNER, "")


def test_too_few_people_decide_nothing():
    assert judge(two(6, 3, people=50), sample=500).outcome == Outcome.TOO_FEW


def test_one_variant_alone_is_no_experiment():
    assert judge([Trial("A", 1_000, 10)], sample=500).outcome == Outcome.TOO_FEW


def test_the_winner_is_better_than_each_of_the_others():
    trials = [Trial("A", 1_000, 120), Trial("B", 1_000, 60), Trial("C", 1_000, 112)]

    judgement = judge(trials, sample=500)

    assert judgement.outcome == Outcome.NO_WINNER
    assert [each.significant for each in compare(trials)] == [True, False, True]


def test_three_variants_need_more_than_two_do():
    # p = 0.032: enough between two, not as the second of three (Holm: 0.025).
    pair = [Trial("A", 1_000, 100), Trial("B", 1_000, 73)]

    assert judge(pair, sample=500).winner == "A"
    assert judge([*pair, Trial("C", 1_000, 72)], sample=500).winner == ""


def test_shares_end_where_the_next_begins():
    assert bounds([1, 1]) == [5_000, 10_000]
    assert bounds([1, 0, 3]) == [2_500, 2_500, 10_000]
    assert [place_of(drawn, bounds([1, 0, 3])) for drawn in (0, 2_499, 2_500, 9_999)] == [0, 0, 2, 2]


def test_lots_fall_evenly_and_apart_from_each_other():
    people = [uuid5(PERSON, str(number)) for number in range(4_000)]

    held = [lot(Salt.HOLDOUT.of(7), person) < 1_000 for person in people]
    first = [lot(Salt.VARIANT.of(7), person) < 5_000 for person in people]

    assert 350 < sum(held) < 450
    assert 1_850 < sum(first) < 2_150
    assert 160 < sum(one and other for one, other in zip(held, first, strict=True)) < 240


@pytest.mark.django_db
def test_the_database_draws_the_same_lot():
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {LOT.format(salt='%s', person='%s::uuid')}", [Salt.HOLDOUT.of(7), PERSON])
        (drawn,) = cursor.fetchone()

    assert drawn == lot(Salt.HOLDOUT.of(7), PERSON)
