"""What a run's predictions come to: totals, spread, tenths and segments, as JSON can hold them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.value.clv import HORIZONS, Predictions

BINS, TENTHS = 10, 10


def totals_of(predictions: Predictions) -> dict[str, Any]:
    """Return what is expected of everybody together; amounts in minor units."""
    return _figures(predictions, np.arange(len(predictions.clv))) | {
        "order_amount": _rounded(predictions.order_amount.mean()) if len(predictions.clv) else None
    }


def activity_of(predictions: Predictions) -> list[dict[str, Any]]:
    """Return how many customers, with how much lifetime value, have a probability in each tenth of 0..1."""
    places = np.minimum((predictions.probability_active * BINS).astype(int), BINS - 1)
    customers = np.bincount(places, minlength=BINS)
    clv = np.bincount(places, weights=predictions.clv, minlength=BINS)
    return [
        {"from": place / BINS, "to": (place + 1) / BINS, "customers": int(customers[place]),
         "clv": _rounded(clv[place])}
        for place in range(BINS)
    ]  # fmt: skip


def deciles_of(predictions: Predictions) -> list[dict[str, Any]]:
    """Return the customers in tenths by lifetime value, the most valuable first, with their share of it."""
    order = np.argsort(-predictions.clv, kind="stable")
    total = predictions.clv.sum()
    return [
        {"number": number, "customers": len(rows), "clv": _rounded(predictions.clv[rows].sum()),
         "least": _rounded(predictions.clv[rows[-1]]),
         "share": float(predictions.clv[rows].sum() / total) if total else None}
        for number, rows in enumerate(np.array_split(order, TENTHS), start=1)
        if len(rows)
    ]  # fmt: skip


def segments_of(
    predictions: Predictions, places: NDArray[np.int64], codes: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the totals of each segment that has somebody; `places` say who is in which of `codes`."""
    return [
        {"code": code} | _figures(predictions, rows)
        for place, code in enumerate(codes)
        if len(rows := np.flatnonzero(places == place))
    ]


def _figures(predictions: Predictions, rows: NDArray[np.int64]) -> dict[str, Any]:
    return {
        "customers": len(rows),
        "active": float(predictions.probability_active[rows].sum()),
        "orders": {str(days): float(predictions.orders[days][rows].sum()) for days in HORIZONS},
        "values": {str(days): _rounded(predictions.values[days][rows].sum()) for days in HORIZONS},
        "clv": _rounded(predictions.clv[rows].sum()),
    }


def _rounded(amount: float) -> int:
    return int(np.floor(amount + 0.5))
