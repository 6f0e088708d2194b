"""The BG/NBD model as one of the candidates: who is still a customer, and at which pace they buy."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from analytics.behaviour.candidates import Lesson
from analytics.behaviour.history import Floats, Standing
from analytics.behaviour.kinds import Kind
from analytics.value.bgnbd import Bgnbd, fit_bgnbd


@dataclass(frozen=True)
class Rhythm:
    """P(at least one day of purchase within the horizon), days being the unit of time.

    Whoever is still a customer with probability A buys at a rate that is gamma distributed, given their past,
    with shape r + x and rate alpha + T: P = A (1 - ((alpha + T) / (alpha + T + H))^(r + x)).
    """

    r: float
    alpha: float
    a: float
    b: float
    horizon: int
    kind: ClassVar[Kind] = Kind.BG_NBD

    @classmethod
    def learn(cls, lessons: Sequence[Lesson], horizon: int) -> "Rhythm":
        """Fit on how people stood on the latest day: the model needs no outcomes."""
        fitted = fit_bgnbd(*_table(lessons[0].standing))
        return cls(fitted.r, fitted.alpha, fitted.a, fitted.b, horizon)

    def predict(self, standing: Standing) -> Floats:
        x, tx, T = _table(standing)
        model = Bgnbd(self.r, self.alpha, self.a, self.b, log_likelihood=0.0, converged=True)
        none = ((self.alpha + T) / (self.alpha + T + self.horizon)) ** (self.r + x)
        return model.probability_active(x, tx, T) * (1 - none)

    def parameters(self) -> dict[str, Any]:
        return asdict(self)


def _table(standing: Standing) -> tuple[Floats, Floats, Floats]:
    return (
        standing.days - 1.0,
        (standing.last - standing.first).astype(np.float64),
        (standing.origin - standing.first).astype(np.float64),
    )
