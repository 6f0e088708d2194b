"""The model of what each person does next: chosen by a rolling back-test, applied to all every night."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import numpy as np
import structlog
from django.db import transaction
from django.utils import timezone

from analytics.behaviour.backtest import (
    CANDIDATES,
    Predictor,
    TooLittleHistory,
    Trial,
    best_of,
    fit_before,
    try_out,
)
from analytics.behaviour.calibration import Calibration
from analytics.behaviour.habits import next_window
from analytics.behaviour.kinds import HORIZONS, Kind
from analytics.behaviour.traits import (
    HABIT_CODES,
    INTERESTS,
    NEXT_ORDER_WINDOW,
    PREDICTED_CODES,
    PROBABILITIES,
)
from analytics.errors import BehaviourRunInProgress, HistoryTooShort
from analytics.models import BehaviourModel, BehaviourRun, BehaviourState
from analytics.services.behaviour_history import (
    Kept,
    day_number,
    day_of,
    read_purchases,
    read_states,
    refresh_states,
)
from analytics.services.habits import Averages, read_averages, read_habits, read_interests, strangers
from customers.services.profiling import sweep_profiles
from customers.services.traits import write_traits
from operations.locks import only_one, retry_deadlocks

log = structlog.get_logger(__name__)

LEARN_FROM = 50_000
# Their habits are some ten rows each, held together.
PEOPLE_AT_ONCE = 50_000
FEWEST_PEOPLE = 25
BARS = 20
BY_KIND = {candidate.kind: candidate for candidate in CANDIDATES}


def choose_behaviour_model(*, as_of: date, at: datetime | None = None) -> BehaviourModel:
    """Try every way to predict on the last weeks, and fit the one that did best up to a day.

    Least mean log-loss over the horizons wins. Nothing is predicted yet: the next run uses the model.

    Raises HistoryTooShort, BehaviourRunInProgress; nothing is changed then.
    """
    started = time.monotonic()
    with only_one("analytics.behaviour", otherwise=BehaviourRunInProgress):
        purchases = read_purchases(before=as_of, at_most=LEARN_FROM)
        if purchases.population < FEWEST_PEOPLE:
            raise HistoryTooShort
        until = day_number(as_of)
        try:
            trials = [
                trial
                for horizon in HORIZONS
                for trial in try_out(CANDIDATES, purchases, until=until, horizon=horizon)
            ]
            kind = best_of(trials)
            predictors = {
                str(horizon): _stored(fit_before([BY_KIND[kind]], purchases, until, horizon)[0])
                for horizon in HORIZONS
            }
        except TooLittleHistory as error:
            raise HistoryTooShort from error
        return BehaviourModel.objects.create(
            as_of=as_of,
            kind=kind,
            predictors=predictors,
            trials=[_told(trial) for trial in trials],
            population=purchases.population,
            learned_from=purchases.population,
            first_on=day_of(purchases.first_day),
            duration_ms=round((time.monotonic() - started) * 1000),
        )


def predict_behaviour(
    *, as_of: date, model: BehaviourModel | None = None, at: datetime | None = None
) -> BehaviourRun:
    """Write what everybody is likely to do next, as of a day, and what they usually do, as traits.

    Only the orders since the last run are read, and the habits only of those who bought since. A run on the
    same data changes nothing. Without a model the latest is taken, or chosen where there is none yet.

    Raises HistoryTooShort, BehaviourRunInProgress.
    """
    at = at or timezone.now()
    model = model or BehaviourModel.objects.first() or choose_behaviour_model(as_of=as_of, at=at)
    with only_one("analytics.behaviour", otherwise=BehaviourRunInProgress):
        run = retry_deadlocks(lambda: _predict(model, as_of=as_of, at=at))
        sweep_profiles(at=at)
    return run


@transaction.atomic
def _predict(model: BehaviourModel, *, as_of: date, at: datetime) -> BehaviourRun:
    started = time.monotonic()
    predictors = predictors_of(model)
    half_lives = _half_lives(predictors)
    before = BehaviourRun.objects.first()
    refreshed = refresh_states(as_of=as_of, since=_since(model, before, as_of=as_of), half_lives=half_lives)
    kept = read_states(as_of=as_of, half_lives=half_lives)
    probabilities = {days: one.predict(kept.standing) for days, one in predictors.items()}
    changed = write_traits(
        _predictions(kept, probabilities), codes=PREDICTED_CODES, at=at, model_version=model.version
    )
    everybody = refreshed.touched is None
    averages = read_averages(as_of=as_of) if everybody else Averages(**before.habits["averages"])
    whose = kept.ids.tolist() if everybody else refreshed.touched
    counts, rows = _write_habits(whose, averages, as_of=as_of, model=model, at=at)
    changed += rows
    if everybody:
        gone = strangers(HABIT_CODES)
        changed += write_traits([], codes=HABIT_CODES, at=at, model_version=model.version, among=gone)
    changed += write_traits(
        read_interests(as_of=as_of), codes=[INTERESTS], at=at, model_version=model.version
    )
    return BehaviourRun.objects.create(
        model=model,
        as_of=as_of,
        population=len(kept.ids),
        read_anew=refreshed.read_anew,
        carried_on=refreshed.carried_on,
        changed_rows=changed,
        distribution={str(days): _bars(each) for days, each in probabilities.items()},
        # A night that read only some keeps what the last run over everybody counted.
        habits={"averages": asdict(averages), "counts": counts} if everybody else before.habits,
        duration_ms=round((time.monotonic() - started) * 1000),
    )


def _write_habits(
    customers: Sequence[int], averages: Averages, *, as_of: date, model: BehaviourModel, at: datetime
) -> tuple[dict[str, Counter[str]], int]:
    """Write the habits of these customers, a portion at a time; return how many of each kind, and rows."""
    counts: dict[str, Counter[str]] = {}
    changed = 0
    for start in range(0, len(customers), PEOPLE_AT_ONCE):
        some = customers[start : start + PEOPLE_AT_ONCE]
        habits = read_habits(as_of=as_of, among=some, averages=averages)
        changed += write_traits(
            habits.rows, codes=HABIT_CODES, at=at, model_version=model.version, among=some
        )
        for what, counted in habits.counts.items():
            counts.setdefault(what, Counter()).update(counted)
    return counts, changed


def predictors_of(model: BehaviourModel) -> dict[int, Predictor]:
    """Return the stored model of each horizon, ready to be asked."""
    return {
        int(horizon): Predictor(
            BY_KIND[Kind(model.kind)](**stored["parameters"]), Calibration(**stored["calibration"])
        )
        for horizon, stored in model.predictors.items()
    }


def _half_lives(predictors: dict[int, Predictor]) -> list[float]:
    """Return the half-lives whose n_w are kept; of a model without, none."""
    found = [getattr(one.candidate, "half_life", None) for one in predictors.values()]
    return sorted({value for value in found if value is not None})


def _since(model: BehaviourModel, before: BehaviourRun | None, *, as_of: date) -> date | None:
    """Return the day up to which histories were kept for this very model; None when all are to be read."""
    if before is None or before.model_id != model.pk or before.as_of > as_of:
        return None
    return before.as_of if BehaviourState.objects.exists() else None


def _predictions(kept: Kept, probabilities: dict[int, np.ndarray]) -> Iterator[tuple[int, str, Any]]:
    longest = max(probabilities)
    window = next_window(
        today=kept.standing.origin,
        last=kept.standing.last,
        short_gap=kept.short_gap,
        long_gap=kept.long_gap,
        gaps=kept.standing.days - 1,
        probability=probabilities[longest],
        horizon=longest,
    )
    ids = kept.ids.tolist()
    for days, values in probabilities.items():
        code = PROBABILITIES[days]
        for customer_id, value in zip(ids, np.round(values, 3).tolist(), strict=True):
            yield customer_id, code, value
    again = kept.standing.days > 1
    days = {number: day_of(number).isoformat() for number in {*window.start.tolist(), *window.end.tolist()}}
    ends = zip(ids, again.tolist(), window.start.tolist(), window.end.tolist(), strict=True)
    for customer_id, bought_again, start, end in ends:
        if bought_again:
            yield customer_id, NEXT_ORDER_WINDOW, {"from": days[start], "until": days[end]}


def _bars(probability: np.ndarray) -> dict[str, Any]:
    places = np.minimum((probability * BARS).astype(int), BARS - 1)
    mean = float(probability.mean()) if len(probability) else 0.0
    return {"people": np.bincount(places, minlength=BARS).tolist(), "mean": round(mean, 4)}


def _stored(predictor: Predictor) -> dict[str, Any]:
    return {
        "parameters": predictor.candidate.parameters(),
        "calibration": asdict(predictor.calibration),
    }


def _told(trial: Trial) -> dict[str, Any]:
    quality = trial.quality
    return {
        "kind": trial.kind.value,
        "horizon": trial.horizon,
        "origins": [day_of(origin).isoformat() for origin in trial.origins],
        "auc": quality.auc and round(quality.auc, 4),
        "log_loss": round(quality.log_loss, 4),
        "brier": round(quality.brier, 4),
        "people": quality.people,
        "bought": quality.bought,
        "tenths": [[tenth.people, round(tenth.predicted, 4), tenth.bought] for tenth in quality.tenths],
    }
