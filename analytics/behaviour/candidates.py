"""The ways to tell whether somebody buys within so many days, which a back-test compares.

Each is fitted on days in the past whose outcome is known and then predicts from how people stand today.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from analytics.behaviour.history import Floats, Purchases, Standing, standing_on
from analytics.behaviour.kinds import Kind
from analytics.rules import SCORES

SHORTEST_HALF_LIFE, LONGEST_HALF_LIFE = 3.0, 730.0
GROUPS_PER_DAY = 64
CELL_PRIOR = 5  # So many average people are added to each cell, that three of them do not make a rule.


@dataclass(frozen=True)
class Lesson:
    """How people stood on a day, and who of them bought in the days that followed."""

    standing: Standing
    bought: NDArray[np.bool_]


class Candidate(Protocol):
    """One fitted model for one horizon."""

    kind: ClassVar[Kind]

    @classmethod
    def learn(cls, lessons: Sequence[Lesson], horizon: int) -> "Candidate":
        """Return the model fitted on what is known, the latest lesson first."""

    def predict(self, standing: Standing) -> Floats:
        """Return each person's probability to buy within the horizon."""

    def parameters(self) -> dict[str, Any]:
        """Return what makes the same model again: `cls(**parameters)`."""


def lesson_of(purchases: Purchases, origin: int, horizon: int) -> Lesson:
    """Return what is learned from a day whose horizon is over."""
    standing, known = standing_on(purchases, origin)
    return Lesson(standing, purchases.bought_within(origin, horizon)[known])


@dataclass(frozen=True)
class OwnHistory:
    """P = 1 - exp(-b (r + n_w)): each person by their own days of purchase, faded with a half-life in days.

    `r` is what everybody has in common, so that nobody's probability is nil. The three are found by maximum
    likelihood (analytics.md, section 3).
    """

    b: float
    r: float
    half_life: float
    kind: ClassVar[Kind] = Kind.OWN_HISTORY

    @classmethod
    def learn(cls, lessons: Sequence[Lesson], horizon: int) -> "OwnHistory":
        from scipy.optimize import minimize_scalar

        bought = np.concatenate([lesson.bought for lesson in lessons])

        def weights(half_life: float) -> Floats:
            return np.concatenate([_weight(lesson.standing, half_life) for lesson in lessons])

        best = minimize_scalar(
            lambda log_half_life: _fit_rate(weights(np.exp(log_half_life)), bought)[0],
            bounds=(np.log(SHORTEST_HALF_LIFE), np.log(LONGEST_HALF_LIFE)),
            method="bounded",
            options={"xatol": 0.04},
        )
        half_life = round(float(np.exp(best.x)), 2)
        _loss, b, r = _fit_rate(weights(half_life), bought)
        return cls(b, r, half_life)

    def predict(self, standing: Standing) -> Floats:
        return -np.expm1(-self.b * (self.r + standing.weight(self.half_life)))

    def parameters(self) -> dict[str, Any]:
        return asdict(self)


def _weight(standing: Standing, half_life: float) -> Floats:
    # Not through the standing: a search passes by many half-lives, and none of them is wanted again.
    past = standing.purchases
    fading = np.exp2(-np.arange(standing.origin - past.day.min(initial=standing.origin) + 1) / half_life)
    return np.bincount(past.person, fading[standing.origin - past.day], past.population)


def _fit_rate(weights: Floats, bought: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return the mean loss and the b and r of least loss at these weights.

    People of nearly the same weight are taken together at their mean: the search then does not depend on
    how many they are.
    """

    from scipy.optimize import minimize

    group = (weights * GROUPS_PER_DAY).astype(np.int64)
    people = np.bincount(group)
    some = people > 0
    mean = np.bincount(group, weights)[some] / people[some]
    buyers = np.bincount(group, bought)[some]
    others = people[some] - buyers

    def loss(logs: Floats) -> tuple[float, Floats]:
        b, r = np.exp(logs)
        exponent = np.maximum(b * (r + mean), 1e-12)
        some_day = -np.expm1(-exponent)
        value = buyers * np.log(some_day) - others * exponent
        slope = buyers * (1 - some_day) / some_day - others
        gradient = np.array([(slope * exponent).sum(), slope.sum() * b * r])
        return -float(value.sum()) / len(weights), -gradient / len(weights)

    fit = minimize(loss, [np.log(0.2), np.log(0.3)], jac=True, method="L-BFGS-B", bounds=[(-16, 6), (-16, 8)])
    return float(fit.fun), *(float(value) for value in np.exp(fit.x))


@dataclass(frozen=True)
class RfmCell:
    """The share of buyers among those who had the same three scores: what RFM alone can say of a person.

    `rates` has one share per code from 111 to 555; scores are fifths of whoever is asked about.
    """

    rates: list[float]
    kind: ClassVar[Kind] = Kind.RFM_CELL

    @classmethod
    def learn(cls, lessons: Sequence[Lesson], horizon: int) -> "RfmCell":
        cells = np.concatenate([cells_of(lesson.standing) for lesson in lessons])
        bought = np.concatenate([lesson.bought for lesson in lessons])
        people = np.bincount(cells, minlength=SCORES**3)
        buyers = np.bincount(cells, bought, SCORES**3)
        rates = (buyers + CELL_PRIOR * bought.mean()) / (people + CELL_PRIOR)
        return cls([round(float(rate), 6) for rate in rates])

    def predict(self, standing: Standing) -> Floats:
        return np.array(self.rates)[cells_of(standing)]

    def parameters(self) -> dict[str, Any]:
        return asdict(self)


def cells_of(standing: Standing) -> NDArray[np.int64]:
    """Return each person's RFM code as a number from 0 (111) to 124 (555)."""
    scores = [_fifths(standing.last), _fifths(standing.orders), _fifths(standing.amount)]
    return sum(score * SCORES ** (2 - place) for place, score in enumerate(scores))


def _fifths(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the quantile score less one: floor(5 * strictly worse / people)."""
    return SCORES * np.searchsorted(np.sort(values), values, side="left") // max(1, len(values))
