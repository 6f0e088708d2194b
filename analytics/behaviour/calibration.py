"""Bringing a model's probabilities in line with how often it came true lately: a two-parameter logistic."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.behaviour.history import Floats
from analytics.behaviour.quality import TINY

FEWEST = 25
STEEPEST = 4.0


@dataclass(frozen=True)
class Calibration:
    """logit(p') = shift + slope * logit(p). The slope is never negative, so that nobody changes places."""

    shift: float = 0.0
    slope: float = 1.0

    def applied(self, probability: Floats) -> Floats:
        """Return the probabilities as they came true."""

        from scipy.special import expit, logit

        return expit(self.shift + self.slope * logit(np.clip(probability, TINY, 1 - TINY)))


def calibrate(probability: Floats, bought: NDArray[np.bool_]) -> Calibration:
    """Return the logistic of least loss; that which changes nothing where there is too little to learn."""

    from scipy.optimize import minimize
    from scipy.special import expit, logit

    if len(bought) < FEWEST or bought.all() or not bought.any():
        return Calibration()
    odds = logit(np.clip(probability, TINY, 1 - TINY))

    def loss(line: Floats) -> tuple[float, Floats]:
        level = line[0] + line[1] * odds
        error = expit(level) - bought
        return float(np.mean(np.logaddexp(0, level) - bought * level)), np.array(
            [error.mean(), (error * odds).mean()]
        )

    fit = minimize(loss, [0.0, 1.0], jac=True, method="L-BFGS-B", bounds=[(-10, 10), (0.01, STEEPEST)])
    return Calibration(float(fit.x[0]), float(fit.x[1]))
