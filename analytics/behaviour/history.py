"""Each person's days of purchase, what of them is kept, and how they fade.

A day on which somebody bought weighs 1 on that day and half as much after each half-life: n_w, the sum over
a person's days, is carried on from one night to the next without reading the past again (`carried_on`).
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Purchases:
    """One entry per person and day of purchase, by person and then by day.

    `person` is a place in `ids`, `orders` and `amount` (minor units) are what came together that day.
    """

    ids: Integers
    person: Integers
    day: Integers
    orders: Integers
    amount: Integers

    @property
    def population(self) -> int:
        return len(self.ids)

    @property
    def first_day(self) -> int:
        return int(self.day.min())

    def before(self, origin: int) -> "Purchases":
        """Return what was known on the morning of a day; people stay in their places."""
        seen = self.day < origin
        parts = {name: getattr(self, name)[seen] for name in ("person", "day", "orders", "amount")}
        return replace(self, **parts)

    def bought_within(self, origin: int, days: int) -> NDArray[np.bool_]:
        """Return for each person whether they bought on one of the `days` that begin with `origin`."""
        inside = (self.day >= origin) & (self.day < origin + days)
        return np.bincount(self.person[inside], minlength=self.population) > 0


@dataclass(frozen=True)
class Standing:
    """What is known of people who bought before the day `origin`: first and last day, days, orders, amount.

    `weights` holds n_w by half-life; what is not there is worked out from `purchases`, when they are.
    """

    origin: int
    first: Integers
    last: Integers
    days: Integers
    orders: Integers
    amount: Integers
    weights: dict[float, Floats] = field(default_factory=dict)
    purchases: Purchases | None = None

    def __len__(self) -> int:
        return len(self.first)

    def weight(self, half_life: float) -> Floats:
        """Return n_w of each person."""
        if half_life not in self.weights:
            self.weights[half_life] = decayed_days(self.purchases, self.origin, half_life)
        return self.weights[half_life]


def standing_on(purchases: Purchases, origin: int) -> tuple[Standing, NDArray[np.bool_]]:
    """Return how the people who had bought before a day stood, and who of all they are."""
    past = purchases.before(origin)
    days = np.bincount(past.person, minlength=past.population)
    known = days > 0
    place = (np.cumsum(known) - 1)[past.person]
    past = replace(past, ids=past.ids[known], person=place)
    starts = np.concatenate(([0], np.cumsum(days[known])))
    return (
        Standing(
            origin=origin,
            first=past.day[starts[:-1]] if len(place) else past.day,
            last=past.day[starts[1:] - 1] if len(place) else past.day,
            days=days[known],
            orders=_summed(past, past.orders),
            amount=_summed(past, past.amount),
            purchases=past,
        ),
        known,
    )


def decayed_days(purchases: Purchases, origin: int, half_life: float) -> Floats:
    """Return n_w on the morning of `origin`: the sum of 2^(-age/half-life) over a person's days before it."""
    age = origin - purchases.day
    fading = np.exp2(-np.arange(age.max(initial=0) + 1) / half_life)
    return np.bincount(purchases.person, fading[age], purchases.population)


def carried_on(weight: float, *, days: int, half_life: float, new_ages: tuple[int, ...] = ()) -> float:
    """Return n_w so many days later; `new_ages` are those of the days of purchase that came since."""
    return weight * 2 ** (-days / half_life) + sum(2 ** (-age / half_life) for age in new_ages)


def _summed(purchases: Purchases, values: Integers) -> Integers:
    return np.bincount(purchases.person, values, purchases.population).astype(np.int64)
