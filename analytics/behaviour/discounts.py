"""The discount that pays best for one person: a curve of answers, and the best point on it. Rules.

Margins and gains are shares of the person's usual basket. Discounts are in one unit: shares of the basket
(0.05 is 5 % of it) or minor units; `worth` says which share of the basket one unit is.
"""

from dataclasses import dataclass

import numpy as np

from analytics.behaviour.history import Floats

NEARLY = 1e-6


@dataclass(frozen=True)
class Guard:
    """What a merchant allows: discounts from `lowest` to `highest` in steps of `step`.

    After the discount at least `margin_floor` of the basket is left to earn. `response` is by how much the
    odds to buy of an average person grow with the discount: exp(response * discount) times.
    """

    lowest: float
    highest: float
    step: float
    margin_floor: float
    response: float

    @property
    def steps(self) -> Floats:
        """Return the discounts allowed, rising."""
        count = int(np.floor((self.highest - self.lowest) / self.step + NEARLY)) + 1
        return np.round(self.lowest + self.step * np.arange(max(count, 0)), 6)


@dataclass(frozen=True)
class Best:
    """The discount per person (0 for none), and what is expected of them without and with it.

    `earned_without` and `earned` are margins less discounts, shares of a basket times the probability.
    """

    discount: Floats
    probability_without: Floats
    probability: Floats
    earned_without: Floats
    earned: Floats


def answered(probability: Floats, sensitivity: Floats, discount: Floats | float, response: float) -> Floats:
    """Return p(d): the probability to buy when offered a discount.

    logit p(d) = logit p(0) + response * s / (1 - s) * d. A sensitivity s of 0.5 is the average person, to
    whom `response` applies as it is; somebody twice as sensitive answers to half the discount.
    """

    from scipy.special import expit, logit

    safe = np.clip(probability, NEARLY, 1 - NEARLY)
    leaning = np.clip(sensitivity, 0.0, 0.95)
    return expit(logit(safe) + response * leaning / (1 - leaning) * discount)


def best_discounts(
    probability: Floats, sensitivity: Floats, margin: Floats, guard: Guard, *, worth: Floats | float = 1.0
) -> Best:
    """Return for each person the discount d that maximises p(d) * (margin - d) within the guard.

    On a tie the smaller one; none where none earns more than no discount does. `margin` is the share of the
    basket that is earned at full price.
    """
    without = np.clip(probability, NEARLY, 1 - NEARLY)
    best = np.zeros(len(probability))
    chance, earned = without.copy(), without * margin
    nothing = earned.copy()
    for step in guard.steps:
        if step <= 0:
            continue
        share = step * worth
        said = answered(probability, sensitivity, share, guard.response)
        gain = said * (margin - share)
        allowed = margin - share >= guard.margin_floor - NEARLY
        # A gain that only rounding makes greater is a tie.
        better = allowed & (gain > earned * (1 + 1e-12))
        best[better], chance[better], earned[better] = step, said[better], gain[better]
    return Best(best, without, chance, nothing, earned)
