"""BG/NBD: how often people buy while they are customers, and whether they still are.

Fader, Hardie and Lee (2005), "Counting Your Customers the Easy Way". A customer is a row (x, tx, T): days
with a purchase after the first one, days from the first to the last of them, days from the first to the
end of the observation, in any one unit of time.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
# The longest observation in the unit that is fitted in: parameters of about the same size converge.
SCALED_LENGTH = 10.0
STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.0, 1.0, -0.5, 1.0), (1.0, 1.0, 0.0, 2.0))
# Log parameters stay inside of this; one that stands at the edge is as good as infinite, or as zero.
WILD = 8.0
# The mean likelihood's slope by a log parameter, below which a point is a maximum.
FLAT = 1e-5
CHANCES = 64


@dataclass(frozen=True)
class Bgnbd:
    """Fitted parameters; `alpha` is in the unit of time of the data. Rates of purchase differ by a gamma
    distribution (r, alpha), the chance to leave after a purchase by a beta distribution (a, b).

    `edge` names the parameters that ended where the fit looks no further: as good as zero or infinite.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    converged: bool
    edge: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"edge": list(self.edge)}

    def probability_active(self, x: ArrayLike, tx: ArrayLike, T: ArrayLike) -> Floats:
        """Return P(still a customer) of each row; 1 for whoever bought once, who had no chance to leave."""
        x, tx, T = _rows(x, tx, T)
        return 1.0 / (1.0 + self._odds_of_having_left(x, tx, T))

    def expected_orders(self, t: float, x: ArrayLike, tx: ArrayLike, T: ArrayLike) -> Floats:
        """Return how many purchases each row will make within `t` after the observation (equation 10)."""
        x, tx, T = _rows(x, tx, T)
        return self.orders_if_active(t, x, T) / (1.0 + self._odds_of_having_left(x, tx, T))

    def probability_of_order(self, t: float, x: ArrayLike, tx: ArrayLike, T: ArrayLike) -> Floats:
        """Return P(at least one purchase within `t` after the observation) of each row."""
        x, tx, T = _rows(x, tx, T)
        none = ((self.alpha + T) / (self.alpha + T + t)) ** (self.r + x)
        return (1.0 - none) * self.probability_active(x, tx, T)

    def orders_if_active(self, t: float, x: ArrayLike, T: ArrayLike) -> Floats:
        """Return the purchases within `t` of whoever is a customer at the end of the observation.

        The hypergeometric function stands in Euler's other form, which does not overflow where x is large.
        """

        from scipy.special import hyp2f1

        x, T = np.broadcast_arrays(np.asarray(x, float), np.asarray(T, float))
        # The formula divides by a - 1; beside that point it is as good as on it.
        a = self.a if abs(self.a - 1) > 1e-6 else 1 + 1e-6
        left, ahead = self.alpha + T, self.alpha + T + t
        with np.errstate(over="ignore", invalid="ignore"):
            gauss = hyp2f1(a + self.b - 1 - self.r, a - 1, a + self.b + x - 1, t / ahead)
            orders = (a + self.b + x - 1) / (a - 1) * (1 - (left / ahead) ** (a - 1) * gauss)
        lost = ~np.isfinite(orders)
        return (
            np.where(lost, self._orders_by_chance_to_leave(t, x, T, lost), orders) if lost.any() else orders
        )

    def _orders_by_chance_to_leave(self, t: float, x: Floats, T: Floats, wanted: NDArray[np.bool_]) -> Floats:
        """Return the same as a mean over the chance p to leave: (1 - (1 + pt / (alpha + T))^-(r + x)) / p.

        For the few rows where the closed form has no digits left: b above a thousand and a horizon many
        times the age.
        """

        from scipy.special import betaincinv

        orders = np.zeros(x.shape)
        x, T = x[wanted][:, None], T[wanted][:, None]
        p = np.maximum(betaincinv(self.a, self.b + x, (np.arange(CHANCES) + 0.5) / CHANCES), 1e-12)
        orders[wanted] = (-np.expm1(-(self.r + x) * np.log1p(p * t / (self.alpha + T))) / p).mean(axis=1)
        return orders

    def orders_of_somebody_new(self, t: ArrayLike) -> Floats:
        """Return how many purchases after the first one somebody makes within `t` of it (equation 9)."""
        t = np.atleast_1d(np.asarray(t, float))
        return np.array([float(self.orders_if_active(each, 0.0, 0.0)) for each in t])

    def _odds_of_having_left(self, x: Floats, tx: Floats, T: Floats) -> Floats:
        with np.errstate(over="ignore"):  # Of whoever has not bought for ages it is infinite, and should be.
            silence = np.exp((self.r + x) * (np.log(self.alpha + T) - np.log(self.alpha + tx)))
            return np.where(x > 0, self.a / (self.b + np.maximum(x, 1) - 1) * silence, 0.0)


def fit_bgnbd(x: ArrayLike, tx: ArrayLike, T: ArrayLike, *, weights: ArrayLike | None = None) -> Bgnbd:
    """Return the parameters of the largest likelihood; `weights` say how many customers a row stands for.

    In log parameters, with time scaled, over rows that are equal together. `converged` is False where no
    start led to a maximum: nobody bought twice, say.
    """
    x, tx, T = _rows(x, tx, T)
    counts = np.ones(len(x)) if weights is None else np.asarray(weights, float)
    x, tx, T, counts = grouped(x, tx, T, counts)
    if not (x > 0).any():
        return Bgnbd(1.0, 1.0, 1.0, 1.0, 0.0, False)
    scale = SCALED_LENGTH / max(T.max(initial=0.0), 1e-9)
    likelihood = _Likelihood(x, tx * scale, T * scale, counts)
    tries = []
    for start in STARTS:
        tries.append(likelihood.climb(np.array(start)))
        if tries[-1].at_maximum:
            break
    best = max(tries, key=lambda one: (one.at_maximum, one.value))
    r, alpha, a, b = (float(each) for each in np.exp(best.log_parameters))
    edge = at_edge(("r", "alpha", "a", "b"), best.log_parameters, WILD)
    fitted = Bgnbd(r, float(alpha / scale), a, b, 0.0, best.at_maximum, edge)
    value, _ = _Likelihood(x, tx, T, counts).with_gradient(np.log([r, fitted.alpha, a, b]))
    return replace(fitted, log_likelihood=float(value))


def at_edge(names: Sequence[str], log_parameters: Floats, edge: float) -> tuple[str, ...]:
    """Return the names of the parameters that stand at the edge of where they may be."""
    placed = zip(names, np.abs(log_parameters) >= edge, strict=True)
    return tuple(name for name, outermost in placed if outermost)


def grouped(x: Floats, tx: Floats, T: Floats, counts: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return rows that differ, each with how many customers it stands for."""
    order = np.lexsort((T, tx, x))
    x, tx, T, counts = x[order], tx[order], T[order], counts[order]
    fresh = np.ones(len(x), bool)
    fresh[1:] = (np.diff(x) != 0) | (np.diff(tx) != 0) | (np.diff(T) != 0)
    return x[fresh], tx[fresh], T[fresh], np.add.reduceat(counts, np.flatnonzero(fresh))


@dataclass(frozen=True)
class _Climb:
    """Where one ascent ended, in log parameters, and whether on a maximum."""

    log_parameters: Floats
    value: float
    at_maximum: bool


class _Likelihood:
    """The log-likelihood of rows and its gradient, both by log parameter."""

    def __init__(self, x: Floats, tx: Floats, T: Floats, counts: Floats) -> None:
        self.x, self.tx, self.T, self.counts = x, tx, T, counts
        self.again = x > 0
        self.customers = counts.sum()

    def climb(self, start: Floats) -> _Climb:
        from scipy.optimize import minimize

        def descent(log_parameters: Floats) -> tuple[float, Floats]:
            value, gradient = self.with_gradient(log_parameters)
            return -value / self.customers, -gradient / self.customers

        options = {"maxiter": 500, "maxfun": 1000, "ftol": 1e-15, "gtol": 1e-9}
        found = minimize(descent, start, jac=True, method="L-BFGS-B", bounds=[(-WILD, WILD)] * 4,
                         options=options)  # fmt: skip
        inside = np.abs(found.x) < WILD
        at_maximum = bool(np.isfinite(found.fun) and np.abs(found.jac[inside]).max(initial=0.0) < FLAT)
        return _Climb(found.x, -float(found.fun) * self.customers, at_maximum)

    def with_gradient(self, log_parameters: Floats) -> tuple[float, Floats]:
        from scipy.special import digamma, gammaln

        r, alpha, a, b = np.exp(log_parameters)
        x, again = self.x, self.again
        to_end, to_last = np.log(alpha + self.T), np.log(alpha + self.tx)
        behind = b + np.maximum(x, 1) - 1
        here = -(r + x) * to_end
        gone = np.where(again, np.log(a) - np.log(behind) - (r + x) * to_last, -np.inf)
        either = np.logaddexp(here, gone)
        left = np.where(again, np.exp(gone - either), 0.0)
        stayed = 1.0 - left
        value = (
            gammaln(r + x) - gammaln(r) + r * np.log(alpha)
            + gammaln(a + b) - gammaln(a + b + x) + gammaln(b + x) - gammaln(b) + either
        )  # fmt: skip
        common = digamma(a + b) - digamma(a + b + x)
        gradient = (
            digamma(r + x) - digamma(r) + np.log(alpha) - stayed * to_end - left * to_last,
            r / alpha - (r + x) * (stayed / (alpha + self.T) + left / (alpha + self.tx)),
            common + left / a,
            common + digamma(b + x) - digamma(b) - left / behind,
        )
        slopes = np.array([self.counts @ slope for slope in gradient]) * np.exp(log_parameters)
        return float(self.counts @ value), slopes


def _rows(*columns: ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.atleast_1d(np.asarray(column, float)) for column in columns)
