"""What an experiment shows: differences of two groups drawn by lot, with how sure they are. Pure.

Intention to treat: who was meant to be treated counts as treated, whether their message left or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt

Z_95 = 1.959964


@dataclass(frozen=True)
class Arm:
    """One side of an experiment: people, how many bought, mean and variance of what each spent."""

    people: int
    bought: int
    mean_amount: float = 0.0
    amount_variance: float = 0.0

    @property
    def rate(self) -> float | None:
        return self.bought / self.people if self.people else None


@dataclass(frozen=True)
class Lift:
    """A difference with its 95 % interval; significant when the interval leaves out zero."""

    difference: float
    low: float
    high: float

    @property
    def significant(self) -> bool:
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Interval:
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float


def conversion_lift(treated: Arm, holdout: Arm) -> Lift | None:
    """Return by how much more of the treated bought, as a share; None without people on both sides.

    SE = sqrt(p1 q1 / n1 + p0 q0 / n0) (analytics.md, section 4).
    """
    if not treated.people or not holdout.people:
        return None
    return _lift(
        treated.rate - holdout.rate,
        sqrt(sum(arm.rate * (1 - arm.rate) / arm.people for arm in (treated, holdout))),
        Z_95,
    )


def revenue_lift(treated: Arm, holdout: Arm) -> Lift | None:
    """Return how much more each of the treated spent, in minor units; None with fewer than two on a side.

    Welch's interval: the arms' variances differ, so do the degrees of freedom (Satterthwaite).
    """
    if treated.people < 2 or holdout.people < 2:
        return None
    parts = [arm.amount_variance / arm.people for arm in (treated, holdout)]
    difference = treated.mean_amount - holdout.mean_amount
    if not sum(parts):
        return Lift(difference, difference, difference)
    freedom = sum(parts) ** 2 / sum(
        part**2 / (arm.people - 1) for part, arm in zip(parts, (treated, holdout), strict=True)
    )
    return _lift(difference, sqrt(sum(parts)), _t_95(freedom))


def pooled_lift(lifts: list[tuple[Lift, int]]) -> Lift | None:
    """Return the mean of several experiments' lifts, each weighed with its treated people."""
    people = sum(count for _lift_of_one, count in lifts)
    if not people:
        return None
    difference = sum(one.difference * count for one, count in lifts) / people
    half = sqrt(sum(((one.high - one.low) / 2 * count) ** 2 for one, count in lifts)) / people
    return Lift(difference, difference - half, difference + half)


def share_interval(part: int, whole: int) -> Interval | None:
    """Return the 95 % interval of a share (Wilson's score); None of nobody."""
    if not whole:
        return None
    share, z2 = part / whole, Z_95**2
    centre = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    half = Z_95 * sqrt(share * (1 - share) / whole + z2 / (4 * whole**2)) / (1 + z2 / whole)
    # Nobody and everybody are the ends of the scale; rounding must not go beyond them.
    return Interval(
        share, max(0.0, centre - half) if part else 0.0, min(1.0, centre + half) if part < whole else 1.0
    )


def two_proportions(one: Arm, other: Arm) -> float:
    """Return how likely two shares differ as much as these by chance alone: the two-sided p of the z-test.

    The standard error is of the pooled share, as the test supposes no difference.
    """
    if not one.people or not other.people:
        return 1.0
    pooled = (one.bought + other.bought) / (one.people + other.people)
    error = sqrt(pooled * (1 - pooled) * (1 / one.people + 1 / other.people))
    return erfc(abs(one.rate - other.rate) / error / sqrt(2)) if error else 1.0


def holm(chances: Sequence[float], *, alpha: float = 0.05) -> list[bool]:
    """Return which of several tests stand, so that all together err in a share `alpha` of cases (Holm, 1979).

    From the smallest p on, the k-th of m is compared with alpha / (m - k + 1); the first that fails ends it.
    """
    stands = [False] * len(chances)
    for rank, index in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        if chances[index] > alpha / (len(chances) - rank):
            break
        stands[index] = True
    return stands


def _lift(difference: float, error: float, quantile: float) -> Lift:
    return Lift(difference, difference - quantile * error, difference + quantile * error)


def _t_95(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))
