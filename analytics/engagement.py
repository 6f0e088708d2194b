"""Engagement E without a database: what a sign of interest weighs, and how it fades."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

HALF_LIFE_DAYS = 14
# Past so many half-lives a sign weighs less than a thousandth of what it did, and is left out.
HALF_LIVES_SEEN = 10
DIGITS = Decimal("0.000000001")
EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
MOST_SIGNALS = 40
WEIGHTS: dict[str, int | float] = {
    "message.opened": 1,
    "message.clicked": 3,
    "visit.recorded": 5,
    "product.configured": 8,
    "product.tried": 8,
    "cart.abandoned": 10,
}


def decay(age_days: int, *, half_life_days: int = HALF_LIFE_DAYS) -> Decimal:
    """Return what is left of a weight after so many days: 1 at once, a half after one half-life.

    Rounded to nine digits, so that a sum does not depend on its order and a run again writes nothing.
    """
    return (Decimal(2) ** (Decimal(-age_days) / half_life_days)).quantize(DIGITS)


def horizon_days(half_life_days: int) -> int:
    """Return how many days back signs of interest count."""
    return HALF_LIVES_SEEN * half_life_days


def engagement(
    signs: Iterable[tuple[str, int]],
    *,
    weights: Mapping[str, int | float] = WEIGHTS,
    half_life_days: int = HALF_LIFE_DAYS,
) -> Decimal:
    """Return the engagement of somebody with these signs, each (event type, age in days), to two digits."""
    total = sum(
        (
            Decimal(str(weights.get(kind, 0))) * decay(age, half_life_days=half_life_days)
            for kind, age in signs
            if age <= horizon_days(half_life_days)
        ),
        Decimal(0),
    )
    return total.quantize(Decimal("0.01"))


def are_signal_weights(value: Any) -> bool:
    """Return whether the value is {event type: weight}, no weight negative and one at least above nothing."""
    if not isinstance(value, dict) or len(value) > MOST_SIGNALS:
        return False
    if not all(isinstance(kind, str) and EVENT_TYPE.fullmatch(kind) for kind in value):
        return False
    if not all(_is_weight(weight) for weight in value.values()):
        return False
    return any(weight > 0 for weight in value.values())


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1000
