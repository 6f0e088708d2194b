"""Which pieces of a cart are meant, when an incentive counts pieces. They are kept as runs, never singly.

A piece of a line that costs B for q pieces costs B/q; n of them cost half-up(B * n / q).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from coupons.engine.incentive import Choose, Effect, Grouping
from coupons.engine.items import Part
from coupons.engine.money import half_up


@dataclass(frozen=True)
class Run:
    """`units` pieces of the line at `place` that cost `amount` together; `parts` of a bundle it can be."""

    place: int
    units: int
    amount: int
    parts: int = 0

    @property
    def rank(self) -> tuple[int, int]:
        """Return what sorts the dearest first, and of equal ones the earlier line.

        Prices of fewer than 2**20 pieces each that differ at all do so by more than 2**-40.
        """
        return -((self.amount << 40) // self.units), self.place

    def cost(self, units: int) -> int:
        """Return what so many of the pieces cost."""
        return half_up(self.amount * units, self.units)


def dearest_first(runs: Sequence[Run]) -> list[Run]:
    """Return the runs by price, the dearest first, and of equal ones the earlier line."""
    return sorted(runs, key=lambda run: run.rank)


def reduced_units(effect: Effect, runs: Sequence[Run]) -> dict[int, int]:
    """Return by place how many pieces become cheaper: of every `buy` + `get` pieces `get`.

    Groups are formed from the dearest piece down and have to be complete.
    """
    size = effect.buy + effect.get
    ordered = dearest_first(runs)
    groups = sum(run.units for run in ordered) // size
    most = groups * effect.get
    if effect.unit_limit is not None:
        most = min(most, effect.unit_limit)
    if effect.grouping == Grouping.OVERALL:
        cheapest = effect.choose == Choose.CHEAPEST
        return _first(reversed(ordered) if cheapest else ordered, most)
    return _of_each_group(effect, ordered, size, most)


def _first(ordered: Iterable[Run], most: int) -> dict[int, int]:
    chosen: dict[int, int] = {}
    for run in ordered:
        if not most:
            break
        chosen[run.place] = min(run.units, most)
        most -= chosen[run.place]
    return chosen


def _of_each_group(effect: Effect, ordered: Sequence[Run], size: int, most: int) -> dict[int, int]:
    """Choose the last `get` pieces of each group, or the first ones."""
    skipped = size - effect.get if effect.choose == Choose.CHEAPEST else 0

    def chosen_before(position: int) -> int:
        whole, rest = divmod(position, size)
        return min(most, whole * effect.get + max(0, min(effect.get, rest - skipped)))

    chosen, position = {}, 0
    for run in ordered:
        units = chosen_before(position + run.units) - chosen_before(position)
        position += run.units
        if units:
            chosen[run.place] = units
    return chosen


@dataclass(frozen=True)
class Bundles:
    """So many complete bundles: the pieces of each line in them, and what these cost together."""

    count: int
    units: dict[int, int]
    amount: int


def best_bundles(
    parts: Sequence[Part], runs: Sequence[Run], price: int, most: int | None
) -> tuple[Bundles, int]:
    """Return the bundles whose price saves most, of the dearest pieces, and how many are complete.

    A piece that fits several parts goes where it is needed: so many bundles are complete that for each choice
    of parts there are pieces enough (Hall's theorem), and the dearest pieces that leave this possible are
    taken (the greedy basis of a transversal matroid). What is saved is concave in the number of bundles.
    """
    needs = _needs(parts)
    complete = min(
        sum(run.units for run in runs if run.parts & chosen) // quantity for chosen, quantity in needs.items()
    )
    if most is not None:
        complete = min(complete, most)
    ordered = dearest_first([run for run in runs if run.parts])

    def take(count: int) -> Bundles:
        return _take_bundles(count, ordered, needs)

    def saves(count: int) -> bool:
        return take(count).amount - take(count - 1).amount > price

    low, high = 0, complete
    if complete and saves(complete):
        low = complete
    while low < high:
        middle = (low + high) // 2
        if saves(middle + 1):
            low = middle + 1
        else:
            high = middle
    return take(low), complete


def _needs(parts: Sequence[Part]) -> dict[int, int]:
    """Return for each choice of parts, as bits, how many pieces one bundle has of them."""
    places = range(len(parts))
    return {
        sum(1 << place for place in chosen): sum(parts[place].quantity for place in chosen)
        for size in range(1, len(parts) + 1)
        for chosen in combinations(places, size)
    }


def _take_bundles(count: int, ordered: Sequence[Run], needs: dict[int, int]) -> Bundles:
    room = {chosen: quantity * count for chosen, quantity in needs.items()}
    units: dict[int, int] = {}
    amount = 0
    for run in ordered:
        holding = [chosen for chosen in room if run.parts & chosen == run.parts]
        taken = min(run.units, min(map(room.__getitem__, holding)))
        if not taken:
            continue
        for chosen in holding:
            room[chosen] -= taken
        units[run.place] = taken
        amount += run.cost(taken)
    return Bundles(count, units, amount)
