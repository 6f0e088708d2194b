"""How well a model would have told the last weeks: predicted against actual, by tenths of the customers."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

TENTHS = 10


@dataclass(frozen=True)
class Tenth:
    """A tenth of the customers, from whom least was expected (1) to whom most was (10)."""

    number: int
    customers: int
    predicted_orders: float
    actual_orders: float
    predicted_active: float
    actual_active: float


@dataclass(frozen=True)
class BackTest:
    """Predictions made at the end of a calibration against the `days` after it, of customers known then.

    Sums of orders, and of amounts in minor units; `mean_error` is that of a customer's orders without its
    sign; `naive_error` is the one of expecting the rhythm of before to go on; `active` are the shares that
    bought at all.
    """

    days: int
    customers: int
    predicted_orders: float
    actual_orders: int
    predicted_amount: float
    actual_amount: int
    mean_error: float
    naive_error: float
    predicted_active: float
    actual_active: float
    correlation: float | None
    tenths: list[Tenth]

    def as_dict(self) -> dict:
        return asdict(self)


def back_test(
    *,
    days: int,
    predicted_orders: ArrayLike,
    predicted_active: ArrayLike,
    predicted_amount: ArrayLike,
    naive_orders: ArrayLike,
    actual_orders: ArrayLike,
    actual_amount: ArrayLike,
) -> BackTest:
    """Return how the predictions of each customer compare with what came; rows are customers."""
    orders, active, amount, naive = (
        np.asarray(each, float)
        for each in (predicted_orders, predicted_active, predicted_amount, naive_orders)
    )
    came, paid = np.asarray(actual_orders, float), np.asarray(actual_amount, float)
    order = np.argsort(orders, kind="stable")
    return BackTest(
        days=days,
        customers=len(orders),
        predicted_orders=float(orders.sum()),
        actual_orders=int(came.sum()),
        predicted_amount=float(amount.sum()),
        actual_amount=int(paid.sum()),
        mean_error=_mean(np.abs(orders - came)),
        naive_error=_mean(np.abs(naive - came)),
        predicted_active=_mean(active),
        actual_active=_mean(came > 0),
        correlation=_correlation(orders, came),
        tenths=[
            Tenth(
                number,
                len(rows),
                _mean(orders[rows]),
                _mean(came[rows]),
                _mean(active[rows]),
                _mean(came[rows] > 0),
            )
            for number, rows in enumerate(np.array_split(order, TENTHS), start=1)
            if len(rows)
        ],
    )


def _mean(values: ArrayLike) -> float:
    values = np.asarray(values, float)
    return float(values.mean()) if len(values) else 0.0


def _correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    if len(one) < 2 or not one.std() or not other.std():
        return None
    return float(np.corrcoef(one, other)[0, 1])
