"""Thresholds to start from, what followed from each sum of scores, and the cut-off as a segment."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from analytics.cut_off import cut_off
from analytics.errors import PopulationTooSmall
from analytics.models import RfmCutOff, RfmScore
from analytics.services import (
    ContactTerms,
    choose_cut_off,
    create_rfm_model,
    cut_off_of,
    edit_cut_off,
    edit_rfm_model,
    measure_outcomes,
    run_rfm,
    starting_thresholds,
)
from customers.models import Segment
from operations.errors import InvalidInput
from tests.analytics.factories import buyer, purchase
from tests.factories import NOON

TODAY = date(2026, 11, 21)
USUAL = ContactTerms(30, Decimal(40), Decimal(10), Decimal(5), Decimal(0))

pytestmark = pytest.mark.django_db


@pytest.fixture
def model():
    return create_rfm_model("mine", name="Mine", minimum_population=1, commit_after_runs=1)


def scores() -> list[tuple]:
    return list(RfmScore.objects.order_by("customer").values_list("customer", "r", "f", "m", "segment"))


def test_thresholds_to_start_from_are_the_worst_values_that_got_each_score_and_keep_every_score(model):
    for days in range(1, 11):
        buyer(*[days + more * 20 for more in range(1 + days % 3)], amount=1000 * days)
    run_rfm(model, as_of=TODAY)
    by_fifths = scores()

    start = starting_thresholds(model, as_of=TODAY)

    # One, two or three orders are F1, F2 and F4: nobody has F3 or F5.
    assert start == {"r": [8, 6, 4, 2], "f": [2, 3, 3, 4], "m": [6000, 8000, 14000, 20000]}
    model.binning, model.thresholds = "FIXED", start
    model.full_clean()
    edit_rfm_model(model)
    run_rfm(model, as_of=TODAY)
    assert scores() == by_fifths


def test_thresholds_to_start_from_where_everybody_is_equal_leave_everybody_at_the_bottom(model):
    for _ in range(5):
        buyer(7)

    start = starting_thresholds(model, as_of=TODAY)

    assert start == {"r": [6, 6, 6, 6], "f": [2, 2, 2, 2], "m": [5001, 5001, 5001, 5001]}
    model.binning, model.thresholds = "FIXED", start
    model.full_clean()


def test_what_followed_is_told_by_the_sum_of_scores_before(model):
    model.binning = "FIXED"
    model.thresholds = {"r": [365, 180, 90, 60], "f": [2, 3, 4, 5], "m": [100, 200, 300, 400]}
    edit_rfm_model(model)
    again, never = buyer(40), buyer(40)  # Ten days before they were measured: 5 + 1 + 5.
    long_ago = buyer(330)  # 2 + 1 + 5.
    purchase(again, at=NOON - timedelta(days=5), amount=7000)
    purchase(again, at=NOON - timedelta(days=4), amount=1000)
    purchase(again, at=NOON, amount=99_999)  # Today does not count yet.

    row = measure_outcomes(model, as_of=TODAY)

    assert row.outcomes == {"8": [1, 0, 0], "11": [2, 1, 8000]}
    assert row.observed_on == TODAY
    assert {never.pk, long_ago.pk}.isdisjoint({again.pk})


def test_the_cut_off_puts_the_people_of_today_beside_what_followed(model):
    model.weights = [2, 1, 0]
    edit_rfm_model(model)
    for days in (1, 40, 80, 120, 160):
        buyer(days)
    run = run_rfm(model, as_of=TODAY)
    row = measure_outcomes(model, as_of=TODAY)

    found = cut_off(row.groups(run), row.terms)

    # R 1 to 5 weighs 2, F is 1 for everybody, M nothing: 3, 5, 7, 9 and 11.
    assert [step.group.customers for step in found.steps] == [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0]
    assert found.at(15).dropped == 5


def test_other_days_to_look_at_forget_what_was_measured(model):
    buyer(40)
    measure_outcomes(model, as_of=TODAY)

    same = edit_cut_off(model, replace(USUAL, contact_amount=Decimal("0.5")))
    assert same.outcomes == {"3": [1, 0, 0]}
    assert edit_cut_off(model, replace(USUAL, horizon_days=60)).observed_on is None
    assert cut_off_of(model).outcomes == {}


def test_terms_that_make_no_sense_are_refused(model):
    with pytest.raises(InvalidInput) as caught:
        edit_cut_off(model, replace(USUAL, margin_percent=Decimal(101), contact_amount=Decimal(-1)))

    assert sorted(mistake.pointer for mistake in caught.value.details) == [
        "/contact_amount",
        "/margin_percent",
    ]
    assert not RfmCutOff.objects.exists()


def test_too_few_to_be_measured_are_refused_and_what_was_known_stays(model):
    buyer(40)
    measure_outcomes(model, as_of=TODAY)
    model.minimum_population = 25
    edit_rfm_model(model)

    with pytest.raises(PopulationTooSmall):
        measure_outcomes(model, as_of=TODAY + timedelta(days=1))

    assert cut_off_of(model).observed_on == TODAY


def test_the_chosen_cut_off_is_a_segment_that_follows_when_chosen_again(model):
    for days in (1, 40, 80, 120, 160):
        buyer(days)
    run_rfm(model, as_of=TODAY)

    first = choose_cut_off(model, 5, at=NOON)
    second = choose_cut_off(model, 7, at=NOON + timedelta(minutes=1))

    assert first.segment == second.segment == Segment.objects.get(code="mine-worth-a-contact")
    # 3, 4, 5, 6 and 7.
    assert Segment.objects.get(code="mine-worth-a-contact").memberships.current().count() == 1
    with pytest.raises(InvalidInput):
        choose_cut_off(model, 16, at=NOON)
    assert cut_off_of(model).chosen_sum == 7
