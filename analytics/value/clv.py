"""What each customer is still worth: expected purchases times their size times the margin, discounted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.value.bgnbd import Bgnbd
from analytics.value.gamma_gamma import GammaGamma

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HORIZONS = (30, 90, 365)
MONTH_DAYS = 30
# One (x, T) as one number: customers who share both share what is expected of whoever is still there.
DAYS_AT_MOST = 1 << 20


@dataclass(frozen=True)
class Purchases:
    """How customers bought up to a day, a row each; days and minor units.

    `x` days with a purchase after the first one, `tx` days from the first to the last of them, `T` days from
    the first to the end of the observation, `later_amount` what all but the first day's purchases came to.
    """

    customer_ids: Ints
    x: Ints
    tx: Ints
    T: Ints
    later_amount: Ints

    def __len__(self) -> int:
        return len(self.customer_ids)

    @property
    def repeat_buyers(self) -> int:
        return int((self.x > 0).sum())

    @property
    def mean_amount(self) -> Floats:
        """Return the mean of each customer's purchases after the first one; 0 without any."""
        return self.later_amount / np.maximum(self.x, 1)

    def sample(self, size: int, *, seed: int = 0) -> "Purchases":
        """Return at most so many rows, drawn evenly; the same ones for the same seed."""
        if len(self) <= size:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self), size, replace=False))
        return Purchases(*(column[chosen] for column in vars(self).values()))


@dataclass(frozen=True)
class Economics:
    """What a purchase leaves and what waiting costs: shares, 0.3 is 30 %; the rate is a year's."""

    margin: float = 0.3
    discount_rate: float = 0.1
    months: int = 36

    @property
    def monthly_rate(self) -> float:
        return (1 + self.discount_rate) ** (1 / 12) - 1


@dataclass(frozen=True)
class Predictions:
    """What is expected of each row of the purchases; amounts are in minor units, values are revenue.

    `orders` and `values` are by horizon in days; `clv` is the margin of the months ahead, discounted.
    """

    probability_active: Floats
    orders: dict[int, Floats]
    order_amount: Floats
    values: dict[int, Floats]
    clv: Floats


def predict(
    purchases: Purchases, bgnbd: Bgnbd, gamma_gamma: GammaGamma, *, economics: Economics
) -> Predictions:
    """Return what is expected of everybody, from models fitted in days and minor units."""
    active = bgnbd.probability_active(purchases.x, purchases.tx, purchases.T)
    order_amount = gamma_gamma.expected_order(purchases.x, purchases.mean_amount)
    pairs, rows = np.unique(purchases.x * DAYS_AT_MOST + purchases.T, return_inverse=True)
    x, T = pairs // DAYS_AT_MOST, pairs % DAYS_AT_MOST
    orders = {days: active * bgnbd.orders_if_active(days, x, T)[rows] for days in HORIZONS}
    discounted = _discounted_orders(bgnbd, x, T, economics)[rows]
    return Predictions(
        probability_active=active,
        orders=orders,
        order_amount=order_amount,
        values={days: expected * order_amount for days, expected in orders.items()},
        clv=economics.margin * active * discounted * order_amount,
    )


def _discounted_orders(bgnbd: Bgnbd, x: Floats, T: Floats, economics: Economics) -> Floats:
    """Return the purchases of the months ahead, each month's worth less than the one before."""
    total, before = np.zeros(len(x)), np.zeros(len(x))
    for month in range(1, economics.months + 1):
        until = bgnbd.orders_if_active(month * MONTH_DAYS, x, T)
        total += (until - before) / (1 + economics.monthly_rate) ** month
        before = until
    return total
