"""The rolling back-test: on days in the past each model says who will buy, and is held against who did."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.behaviour.calibration import Calibration, calibrate
from analytics.behaviour.candidates import Candidate, Lesson, OwnHistory, RfmCell, lesson_of
from analytics.behaviour.history import Floats, Purchases, Standing
from analytics.behaviour.kinds import Kind
from analytics.behaviour.quality import Quality, judge
from analytics.behaviour.rhythm import Rhythm

CANDIDATES: tuple[type[Candidate], ...] = (OwnHistory, Rhythm, RfmCell)
LESSONS = 4  # Days a model learns from, one horizon apart.
TRIALS = 3  # Days it is tried on.
FIRST_LESSON_AFTER = 28  # Days of history before anything can be learned.


class TooLittleHistory(Exception):
    """There is no day in the past to learn from and another one to be tried on."""


@dataclass(frozen=True)
class Predictor:
    """A fitted model with its calibration: what is asked about people."""

    candidate: Candidate
    calibration: Calibration

    def predict(self, standing: Standing) -> Floats:
        return self.calibration.applied(self.candidate.predict(standing))


@dataclass(frozen=True)
class Trial:
    """How one model did for one horizon, over all days it was tried on."""

    kind: Kind
    horizon: int
    origins: list[int]
    quality: Quality


def fit(kind: type[Candidate], lessons: Sequence[Lesson], horizon: int) -> Predictor:
    """Return the model learned from these lessons and calibrated on all of them.

    On the latest alone a feed that was late by some days would make everybody unlikely to buy.
    """
    candidate = kind.learn(lessons, horizon)
    said = np.concatenate([candidate.predict(lesson.standing) for lesson in lessons])
    bought = np.concatenate([lesson.bought for lesson in lessons])
    return Predictor(candidate, calibrate(said, bought))


def fit_before(
    kinds: Iterable[type[Candidate]], purchases: Purchases, origin: int, horizon: int
) -> list[Predictor]:
    """Return each model learned from what was known on the morning of a day.

    Raises TooLittleHistory.
    """
    lessons = _lessons(purchases, origin, horizon)
    return [fit(kind, lessons, horizon) for kind in kinds]


def try_out(
    kinds: Sequence[type[Candidate]],
    purchases: Purchases,
    *,
    until: int,
    horizon: int,
    trials: int = TRIALS,
) -> list[Trial]:
    """Try every model on the last days whose horizon is over by `until`, each learned only from before.

    Raises TooLittleHistory when there is no such day.
    """
    said: dict[Kind, list[Floats]] = {kind.kind: [] for kind in kinds}
    came_true, origins = [], []
    for number in range(1, trials + 1):
        origin = until - number * horizon
        try:
            predictors = fit_before(kinds, purchases, origin, horizon)
        except TooLittleHistory:
            break
        lesson = lesson_of(purchases, origin, horizon)
        origins.append(origin)
        came_true.append(lesson.bought)
        for predictor in predictors:
            said[predictor.candidate.kind].append(predictor.predict(lesson.standing))
    if not origins:
        raise TooLittleHistory
    bought = np.concatenate(came_true)
    return [
        Trial(kind, horizon, origins, judge(np.concatenate(parts), bought)) for kind, parts in said.items()
    ]


def best_of(trials: Iterable[Trial]) -> Kind:
    """Return the model with the least mean log-loss over the horizons; the earlier in `Kind` on a tie."""
    losses: dict[Kind, list[float]] = {}
    for trial in trials:
        losses.setdefault(trial.kind, []).append(trial.quality.log_loss)
    order = list(Kind)
    return min(losses, key=lambda kind: (round(float(np.mean(losses[kind])), 6), order.index(kind)))


def _lessons(purchases: Purchases, origin: int, horizon: int) -> list[Lesson]:
    earliest = purchases.first_day + FIRST_LESSON_AFTER
    days = [origin - number * horizon for number in range(1, LESSONS + 1)]
    lessons = [lesson_of(purchases, day, horizon) for day in days if day >= earliest]
    if not lessons or not len(lessons[0].standing):
        raise TooLittleHistory
    return lessons
