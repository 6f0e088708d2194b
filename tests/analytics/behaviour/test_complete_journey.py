"""What the design says of the Complete Journey data as of 2017-10-01 (analytics.md, section 3)."""

from datetime import date

import pytest

from analytics.behaviour.backtest import CANDIDATES, fit_before
from analytics.behaviour.candidates import lesson_of
from analytics.behaviour.kinds import Kind
from analytics.behaviour.quality import judge
from analytics.services.behaviour import choose_behaviour_model, predict_behaviour
from analytics.services.behaviour_history import day_number, read_purchases
from customers.models import Trait
from customers.services.rollups import rebuild_rollups
from tests.analytics import datasets

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

OCTOBER = date(2017, 10, 1)


def test_own_history_tells_who_buys_in_30_days_better_than_rfm_and_bg_nbd():
    datasets.load(datasets.complete_journey())
    rebuild_rollups()
    purchases = read_purchases(before=date(2018, 1, 2), at_most=50_000)
    october = day_number(OCTOBER)

    quality = {}
    for horizon in (7, 14, 30):
        lesson = lesson_of(purchases, october, horizon)
        for predictor in fit_before(CANDIDATES, purchases, october, horizon):
            said = predictor.predict(lesson.standing)
            quality[predictor.candidate.kind, horizon] = judge(said, lesson.bought)

    own = {horizon: quality[Kind.OWN_HISTORY, horizon] for horizon in (7, 14, 30)}
    assert own[30].auc >= 0.88
    assert own[30].log_loss <= 0.31
    assert [round(own[horizon].auc, 3) for horizon in (7, 14, 30)] == [0.828, 0.860, 0.881]
    for horizon in (7, 14, 30):
        for other in (Kind.RFM_CELL, Kind.BG_NBD):
            assert own[horizon].auc > quality[other, horizon].auc
            assert own[horizon].log_loss < quality[other, horizon].log_loss


def test_the_whole_of_it_on_the_real_tables_chooses_own_history_and_writes_everybodys_traits():
    datasets.load(datasets.complete_journey())
    rebuild_rollups()

    model = choose_behaviour_model(as_of=OCTOBER)
    run = predict_behaviour(as_of=OCTOBER, model=model)

    assert model.kind == Kind.OWN_HISTORY
    assert run.population == 2_446
    assert Trait.objects.filter(code="buy_probability_30").count() == 2_446
    assert predict_behaviour(as_of=OCTOBER, model=model).changed_rows == 0
