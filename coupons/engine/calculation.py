"""`calculate`: which incentives apply to a cart, what each takes off every line, and why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from coupons.engine.cart import Cart
from coupons.engine.checks import check, check_limits, check_spend, spend
from coupons.engine.context import Context
from coupons.engine.effects import Aim, Gain, gain_of
from coupons.engine.incentive import Basis, Candidate, Kind, SpendBasis
from coupons.engine.items import Items
from coupons.engine.margins import has_margin, lowest_price
from coupons.engine.money import allocate
from coupons.engine.outcome import Calculation, LineTotal, Outcome, OutcomeStatus
from coupons.engine.paying import Bill, pay
from coupons.engine.stacking import Applied
from coupons.engine.tender import Tender
from coupons.engine.trace import Check


@dataclass
class _Progress:
    """What the incentives before have left of the cart, its limits and its budgets."""

    left: list[int]
    shipping_left: int
    taken: Counter = field(default_factory=Counter)
    beside: Applied = field(default_factory=Applied)


def calculate(cart: Cart, candidates: Iterable[Candidate | Tender], context: Context) -> Calculation:
    """Apply the candidates to the cart, by rank and then in the order given; then let the tenders pay.

    Amounts are minor units of the cart's currency; no line ever goes below zero. A refused candidate leaves
    the others as if it were absent; whether that is acceptable is the caller's `application`.
    """
    candidates = list(candidates)
    progress = _Progress([line.amount for line in cart.lines], cart.shipping_amount)
    outcomes: dict[int, Outcome] = {}
    asked = [(one.stacking.rank, place) for place, one in enumerate(candidates) if isinstance(one, Candidate)]
    for _rank, place in sorted(asked):
        outcomes[place] = _apply(candidates[place], cart, context, progress)
    bill = Bill(cart, list(progress.left), sum(progress.left) + progress.shipping_left)
    for place, one in enumerate(candidates):
        if isinstance(one, Tender):
            outcomes[place] = pay(one, bill)
    return Calculation(
        cart=cart,
        outcomes=tuple(outcomes[place] for place in range(len(candidates))),
        lines=tuple(
            LineTotal(line, line.amount - left) for line, left in zip(cart.lines, progress.left, strict=True)
        ),
    )


def _apply(candidate: Candidate, cart: Cart, context: Context, progress: _Progress) -> Outcome:
    if candidate.missing:
        unknown = Check("exists", False, "not_found")
        return Outcome(candidate, OutcomeStatus.INAPPLICABLE, error=unknown.key, trace=(unknown,))
    places = _eligible(candidate, cart, progress.left)
    checks = check(candidate, cart, context, places)
    checks += check_limits(candidate.limits, progress.taken)
    checks += progress.beside.check(candidate.stacking, context.most_applied)
    minimum = candidate.conditions.minimum_spend
    if minimum and minimum.basis != SpendBasis.AFTER:
        checks.append(check_spend(minimum, spend(minimum, cart, places, progress.left)))
    if failed := _failed(checks):
        return Outcome(candidate, OutcomeStatus.INAPPLICABLE, error=failed.key, trace=tuple(checks))

    gain = _gain(candidate, cart, places, progress)
    checks += gain.checks
    gain, budget_checks = _within_budgets(candidate, gain, progress)
    checks += budget_checks
    if minimum and minimum.basis == SpendBasis.AFTER:
        after = [left - gain.parts.get(place, 0) for place, left in enumerate(progress.left)]
        checks.append(check_spend(minimum, spend(minimum, cart, places, after)))
    if failed := _failed(checks):
        return Outcome(candidate, OutcomeStatus.INAPPLICABLE, error=failed.key, trace=tuple(checks))
    if not gain.amount and not gain.gifts:
        return Outcome(candidate, OutcomeStatus.SKIPPED, trace=tuple(checks))
    _take(candidate, gain, progress)
    return _applied(candidate, cart, gain, checks)


def _failed(checks: list[Check]) -> Check | None:
    for one in checks:
        if not one.passed:
            return one
    return None


def _applied(candidate: Candidate, cart: Cart, gain: Gain, checks: list[Check]) -> Outcome:
    lines = cart.lines
    return Outcome(
        candidate,
        OutcomeStatus.APPLICABLE,
        {lines[place].line_id: gain.parts[place] for place in sorted(gain.parts)},
        trace=tuple(checks),
        line_units={lines[place].line_id: units for place, units in gain.units.items()},
        shipping_amount=gain.shipping_amount,
        gifts=gain.gifts,
    )


def _eligible(candidate: Candidate, cart: Cart, left: list[int]) -> list[int]:
    """Return the places of the lines that the incentive, and the coupon by itself, aim at."""
    places = _covered(candidate.effect.items, cart, left, range(len(cart.lines)))
    if candidate.coupon:
        places = _covered(candidate.coupon.items, cart, left, places)
    return list(places)


def _covered(items: Items, cart: Cart, left: list[int], places: Iterable[int]) -> Iterable[int]:
    if items.everything:
        return places
    lines = cart.lines
    places = [place for place in places if items.cover(lines[place])]
    if items.exclude_discounted:
        places = [p for p in places if not lines[p].discounted and left[p] == lines[p].amount]
    if items.min_margin_percent is not None:
        places = [place for place in places if has_margin(lines[place], items.min_margin_percent)]
    return places


def _gain(candidate: Candidate, cart: Cart, places: list[int], progress: _Progress) -> Gain:
    """Return what the effect gives, with what the margin floor has to say about it."""
    left = [progress.left[place] for place in places]
    initial = candidate.stacking.basis == Basis.INITIAL
    bases = [cart.lines[place].amount for place in places] if initial else left
    aim = Aim(cart, places, bases, left, left, progress.left, progress.shipping_left)
    floor = candidate.margin_floor or candidate.effect.margin_floor
    if floor is None or candidate.effect.kind in (Kind.FREE_SHIPPING, Kind.GIFT_ITEM):
        return gain_of(candidate.effect, aim)

    lines = [cart.lines[place] for place in places]
    kept = [lowest_price(line, floor) for line in lines]
    guarded = replace(aim, room=[max(0, one - low) for one, low in zip(left, kept, strict=True)])
    gain = gain_of(candidate.effect, guarded)
    unknown = [line.line_id for line in lines if line.unit_cost is None]
    policy = "ALLOW" if floor.allow_unknown else "DENY"
    if unknown:
        passed = floor.allow_unknown or len(unknown) < len(lines)
        gain.checks.append(Check("cost_known", passed, "margin_guard_violated", unknown, policy))
    wanted = gain.amount or gain_of(candidate.effect, aim).amount
    gain.checks.append(
        Check("margin_floor", bool(gain.amount) or not wanted, "margin_guard_violated", gain.amount, wanted)
    )
    return gain


def _within_budgets(candidate: Candidate, gain: Gain, progress: _Progress) -> tuple[Gain, list[Check]]:
    """Cut what is given down to what PARTIAL budgets still hold, and ask whether every budget bears it."""
    if not candidate.budgets or not (gain.amount or gain.gifts):
        return gain, []
    checks = []
    total = granted = gain.amount
    held = [max(0, budget.left - progress.taken[budget.key]) for budget in candidate.budgets]
    for budget, left in zip(candidate.budgets, held, strict=True):
        if budget.amounts and budget.partial:
            granted = min(granted, left)
    for budget, left in zip(candidate.budgets, held, strict=True):
        needed = granted if budget.amounts else 1
        passed = needed <= left and (granted > 0 or not total)
        checks.append(Check("budget", passed, "budget_exceeded", left, needed or total))
    if 0 < granted < total:
        gain = _cut(gain, granted)
    return gain, checks


def _cut(gain: Gain, granted: int) -> Gain:
    places = sorted(gain.parts)
    weights = [*(gain.parts[place] for place in places), gain.shipping_amount]
    *parts, shipping = allocate(granted, weights)
    kept = {place: part for place, part in zip(places, parts, strict=True) if part}
    return replace(gain, parts=kept, shipping_amount=shipping)


def _take(candidate: Candidate, gain: Gain, progress: _Progress) -> None:
    for place, part in gain.parts.items():
        progress.left[place] -= part
    progress.shipping_left -= gain.shipping_amount
    for limit in candidate.limits:
        progress.taken[limit.key] += 1
    for budget in candidate.budgets:
        progress.taken[budget.key] += gain.amount if budget.amounts else 1
    progress.beside.add(candidate.stacking)
