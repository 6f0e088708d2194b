"""What an effect gives on the lines it aims at, within what is left of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from coupons.engine.cart import Cart
from coupons.engine.incentive import Choose, Effect, Kind, Target, Tier
from coupons.engine.money import allocate, allocate_within, percent_of, times
from coupons.engine.outcome import Gift
from coupons.engine.trace import Check
from coupons.engine.units import Run, best_bundles, reduced_units


@dataclass
class Aim:
    """The lines aimed at, by their `places` in the cart: what counts, what is left, and what may go of it.

    `room` is what is left unless a margin floor keeps a part of it.
    """

    cart: Cart
    places: list[int]
    bases: list[int]
    left: list[int]
    room: list[int]
    all_left: list[int]
    shipping_left: int

    @property
    def guarded(self) -> bool:
        return self.room is not self.left

    def runs(self) -> list[Run]:
        """Return the pieces aimed at."""
        lines = self.cart.lines
        return [
            Run(index, lines[place].units, base)
            for index, (place, base) in enumerate(zip(self.places, self.bases, strict=True))
            if lines[place].units
        ]


@dataclass
class Gain:
    """What an effect gives: off each line by its place in the cart, off shipping, and as gifts."""

    parts: dict[int, int] = field(default_factory=dict)
    shipping_amount: int = 0
    units: dict[int, int] = field(default_factory=dict)
    gifts: tuple[Gift, ...] = ()
    checks: list[Check] = field(default_factory=list)

    @property
    def amount(self) -> int:
        return sum(self.parts.values()) + self.shipping_amount


def gain_of(effect: Effect, aim: Aim) -> Gain:
    """Return what the effect gives; a failed check among the gain's says why it gives nothing."""
    return _GAINS[effect.kind](effect, aim)


def _percent(effect: Effect, aim: Aim) -> Gain:
    """Under a margin floor a line keeps to its own share; what the floor keeps back goes nowhere else."""
    limit = effect.amount_limit
    if effect.target == Target.ITEMS:
        bases = zip(aim.bases, aim.room, strict=True)
        parts = [min(percent_of(base, effect.percent), room) for base, room in bases]
    else:
        total = min(percent_of(sum(aim.bases), effect.percent), sum(aim.left))
        if limit is not None and not aim.guarded:
            total = min(total, limit)
        parts = allocate(total, aim.left)
        if aim.guarded:
            parts = [min(part, room) for part, room in zip(parts, aim.room, strict=True)]
    if limit is not None and sum(parts) > limit:
        parts = allocate_within(limit, aim.left, parts)
    return _gain(aim, parts)


def _amount(effect: Effect, aim: Aim) -> Gain:
    return _gain(aim, _share(effect.amount, aim))


def _share(total: int, aim: Aim) -> list[int]:
    return allocate_within(min(total, sum(aim.room)), aim.left, aim.room)


def _fixed_price(effect: Effect, aim: Aim) -> Gain:
    if effect.bundle:
        return _bundle(effect, aim)
    if effect.target == Target.ORDER:
        return _gain(aim, _share(max(0, sum(aim.bases) - effect.amount), aim))
    if effect.unit_limit is not None:
        dear = [run for run in aim.runs() if run.amount > effect.amount * run.units]
        every = Effect(Kind.FREE_UNITS, choose=Choose.MOST_EXPENSIVE, unit_limit=effect.unit_limit)
        chosen = reduced_units(every, dear)
        return _pieces(aim, chosen, lambda run, units: run.cost(units) - effect.amount * units)
    lines = [aim.cart.lines[place] for place in aim.places]
    parts = [
        min(max(0, base - times(effect.amount, line.quantity)), room)
        for line, base, room in zip(lines, aim.bases, aim.room, strict=True)
    ]
    return _gain(aim, parts)


def _bundle(effect: Effect, aim: Aim) -> Gain:
    runs = [Run(run.place, run.units, run.amount, _parts(effect, aim, run)) for run in aim.runs()]
    bundles, complete = best_bundles(effect.bundle, runs, effect.amount, effect.unit_limit)
    if not complete:
        return Gain(checks=[_incomplete(effect, runs)])
    saved = max(0, bundles.amount - effect.amount * bundles.count)
    costs = {run.place: run.cost(bundles.units[run.place]) for run in runs if run.place in bundles.units}
    caps = [min(room, costs.get(index, 0)) for index, room in enumerate(aim.room)]
    parts = allocate_within(min(saved, sum(caps)), [costs.get(i, 0) for i in range(len(caps))], caps)
    return _gain(aim, parts, bundles.units)


def _parts(effect: Effect, aim: Aim, run: Run) -> int:
    """Return as bits which parts of the bundle these pieces can be."""
    line = aim.cart.lines[aim.places[run.place]]
    return sum(1 << number for number, part in enumerate(effect.bundle) if part.covers(line))


def _incomplete(effect: Effect, runs: list[Run]) -> Check:
    short = []
    for number, part in enumerate(effect.bundle):
        there = sum(run.units for run in runs if run.parts >> number & 1)
        if there < part.quantity:
            short.append(part.short_of(part.quantity - there))
    missing = {"products": short} if short else {"quantity": 1}
    return Check("bundle", False, "order_rules_violated", actual=0, expected=1, missing=missing)


def _free_shipping(effect: Effect, aim: Aim) -> Gain:
    limit = aim.shipping_left if effect.amount_limit is None else effect.amount_limit
    return Gain(shipping_amount=min(aim.shipping_left, limit))


def _free_units(effect: Effect, aim: Aim) -> Gain:
    runs = aim.runs()
    there, needed = sum(run.units for run in runs), effect.buy + effect.get
    if there < needed:
        return Gain(
            checks=[
                Check(
                    "pieces",
                    False,
                    "order_rules_violated",
                    actual=there,
                    expected=needed,
                    missing={"quantity": needed - there},
                )
            ]
        )
    chosen = reduced_units(effect, runs)
    return _pieces(aim, chosen, lambda run, units: percent_of(run.cost(units), effect.percent))


def _tiers(effect: Effect, aim: Aim) -> Gain:
    spent = sum(aim.cart.lines[place].amount for place in aim.places)
    reached = [tier for tier in effect.tiers if tier.from_amount <= spent]
    above = min((tier.from_amount for tier in effect.tiers if tier.from_amount > spent), default=None)
    missing = None if above is None else {"amount": above - spent}
    check = Check(
        "tier", bool(reached), "order_rules_violated", actual=spent, expected=above, missing=missing
    )
    if not reached:
        return Gain(checks=[check])
    gain = _tier(max(reached, key=lambda tier: tier.from_amount), effect, aim)
    gain.checks.append(check)
    return gain


def _tier(tier: Tier, effect: Effect, aim: Aim) -> Gain:
    if tier.percent is not None:
        return _percent(Effect(Kind.PERCENT, effect.target, percent=tier.percent), aim)
    return _amount(Effect(Kind.AMOUNT, effect.target, amount=tier.amount), aim)


def _gift_item(effect: Effect, aim: Aim) -> Gain:
    """Free the pieces that stand in the cart; what is not there is named, for the shop to add."""
    runs = [
        Run(place, line.units, aim.all_left[place])
        for place, line in enumerate(aim.cart.lines)
        if line.sku == effect.gift_sku and line.units
    ]
    free = Effect(Kind.FREE_UNITS, choose=Choose.MOST_EXPENSIVE, unit_limit=effect.get)
    units = reduced_units(free, runs)
    parts = {run.place: run.cost(units[run.place]) for run in runs if run.place in units}
    more = effect.get - sum(units.values())
    return Gain(
        parts={place: part for place, part in parts.items() if part},
        units=units,
        gifts=(Gift(effect.gift_sku, more),) if more else (),
    )


def _pieces(aim: Aim, chosen: dict[int, int], off: Callable[[Run, int], int]) -> Gain:
    parts = [0] * len(aim.places)
    for run in aim.runs():
        if run.place in chosen:
            parts[run.place] = min(max(0, off(run, chosen[run.place])), aim.room[run.place])
    return _gain(aim, parts, chosen)


def _gain(aim: Aim, parts: list[int], units: dict[int, int] | None = None) -> Gain:
    found = {place: part for place, part in zip(aim.places, parts, strict=True) if part}
    counted = {aim.places[index]: count for index, count in (units or {}).items()}
    return Gain(parts=found, units={place: counted[place] for place in found if place in counted})


_GAINS = {
    Kind.PERCENT: _percent,
    Kind.AMOUNT: _amount,
    Kind.FIXED_PRICE: _fixed_price,
    Kind.FREE_SHIPPING: _free_shipping,
    Kind.FREE_UNITS: _free_units,
    Kind.TIERS: _tiers,
    Kind.GIFT_ITEM: _gift_item,
}
