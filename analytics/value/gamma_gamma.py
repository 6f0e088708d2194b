"""Gamma-Gamma: what a person's orders come to on average, between their own orders and everybody's.

Fader and Hardie (2013), "The Gamma-Gamma Model of Monetary Value". A customer is a row (x, m): purchases
after the first one, at least one, and their mean amount, above zero. It takes for granted that who buys often
does not spend more or less per order; `correlation` in a run says how far that holds.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analytics.value.bgnbd import at_edge

Floats = NDArray[np.float64]
STARTS = ((1.5, 1.0, 1.0), (0.0, 0.5, 0.0), (2.5, 1.5, 2.0))
WILD, FLAT = 12.0, 1e-5


@dataclass(frozen=True)
class GammaGamma:
    """Fitted parameters; `v` is in the unit of the amounts, `edge` as of `Bgnbd`."""

    p: float
    q: float
    v: float
    log_likelihood: float
    converged: bool
    edge: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"edge": list(self.edge)}

    @classmethod
    def everybody_alike(cls, amount: float) -> "GammaGamma":
        """Return the model of a shop whose customers do not differ: each order is expected to be `amount`."""
        return cls(p=1e-3, q=1e6, v=max(amount, 1e-9) * (1e6 - 1) / 1e-3, log_likelihood=0.0, converged=False)

    @property
    def mean(self) -> float | None:
        """Return the average order of everybody, or None where the tail is too fat to have one (q <= 1)."""
        return self.p * self.v / (self.q - 1) if self.q > 1 else None

    def expected_order(self, x: ArrayLike, m: ArrayLike) -> Floats:
        """Return the expected amount of a further order of each row; x = 0 has the average of everybody."""
        x, m = np.asarray(x, float), np.maximum(np.asarray(m, float), 0.0)
        divisor = np.maximum(self.p * x + self.q - 1, 1e-9)
        return self.p * (self.v + x * m) / divisor


def fit_gamma_gamma(x: ArrayLike, m: ArrayLike) -> GammaGamma:
    """Return the parameters of the largest likelihood; rows without a repeat purchase or amount are left out.

    In log parameters, with amounts in units of their mean. `converged` is False where no start led to a
    maximum: fewer than two rows, say.
    """
    x, m = np.asarray(x, float), np.asarray(m, float)
    counting = (x > 0) & (m > 0)
    x, m = x[counting], m[counting]
    if len(x) < 2:
        return GammaGamma(1.0, 2.0, 1.0, 0.0, False)
    scale = float(m.mean())
    likelihood = _Likelihood(x, m / scale)
    tries = []
    for start in STARTS:
        tries.append(likelihood.climb(np.array(start)))
        if tries[-1][2]:
            break
    log_parameters, _value, at_maximum = max(tries, key=lambda one: (one[2], one[1]))
    p, q, v = (float(each) for each in np.exp(log_parameters))
    edge = at_edge(("p", "q", "v"), log_parameters, WILD)
    fitted = GammaGamma(p, q, float(v * scale), 0.0, at_maximum and q > 1, edge)
    value, _ = _Likelihood(x, m).with_gradient(np.log([p, q, fitted.v]))
    return replace(fitted, log_likelihood=float(value))


class _Likelihood:
    """The log-likelihood of rows and its gradient, both by log parameter."""

    def __init__(self, x: Floats, m: Floats) -> None:
        self.x, self.m = x, m

    def climb(self, start: Floats) -> tuple[Floats, float, bool]:
        from scipy.optimize import minimize

        def descent(log_parameters: Floats) -> tuple[float, Floats]:
            value, gradient = self.with_gradient(log_parameters)
            return -value / len(self.x), -gradient / len(self.x)

        options = {"maxiter": 500, "maxfun": 1000, "ftol": 1e-15, "gtol": 1e-9}
        found = minimize(descent, start, jac=True, method="L-BFGS-B", bounds=[(-WILD, WILD)] * 3,
                         options=options)  # fmt: skip
        inside = np.abs(found.x) < WILD
        at_maximum = bool(np.isfinite(found.fun) and np.abs(found.jac[inside]).max(initial=0.0) < FLAT)
        return found.x, -float(found.fun) * len(self.x), at_maximum

    def with_gradient(self, log_parameters: Floats) -> tuple[float, Floats]:
        from scipy.special import digamma, gammaln

        p, q, v = np.exp(log_parameters)
        x, m = self.x, self.m
        shape, rate = p * x, np.log(x * m + v)
        value = (
            gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(v)
            + (shape - 1) * np.log(m) + shape * np.log(x) - (shape + q) * rate
        )  # fmt: skip
        both = digamma(shape + q)
        gradient = (
            x * (both - digamma(shape) + np.log(m) + np.log(x) - rate),
            both - digamma(q) + np.log(v) - rate,
            q / v - (shape + q) / (x * m + v),
        )
        slopes = np.array([slope.sum() for slope in gradient]) * np.exp(log_parameters)
        return float(value.sum()), slopes
