"""`calculate`: which incentives apply to a cart, what each takes off every line, and why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from coupons.engine.cart import Cart, Line
from coupons.engine.checks import check, check_limits, check_spend, spend
from coupons.engine.context import Context
from coupons.engine.incentive import Application, Basis, Candidate, Kind, SpendBasis, Stacking, Target
from coupons.engine.money import allocate, net_of, percent_of
from coupons.engine.trace import Check


class OutcomeStatus(StrEnum):
    APPLICABLE = "APPLICABLE"
    INAPPLICABLE = "INAPPLICABLE"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True)
class Outcome:
    """What became of one candidate; `discounts` is by line, in the cart's order, without zeros.

    SKIPPED means that nothing was left to take off: it is not consumed. `error` is a key of incentives.md.
    """

    candidate: Candidate
    status: OutcomeStatus
    discounts: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    trace: tuple[Check, ...] = ()

    @property
    def discount_amount(self) -> int:
        return sum(self.discounts.values())

    @property
    def missing(self) -> dict[str, int] | None:
        return next((check.missing for check in self.trace if check.missing), None)


@dataclass(frozen=True)
class LineTotal:
    """One line after every incentive: gross before and off, and what the total is without its tax."""

    line: Line
    discount_amount: int

    @property
    def total_amount(self) -> int:
        return self.line.amount - self.discount_amount

    @property
    def net_amount(self) -> int:
        return net_of(self.total_amount, self.line.tax_rate)

    @property
    def tax_amount(self) -> int:
        return self.total_amount - self.net_amount


@dataclass(frozen=True)
class Calculation:
    """The outcomes in request order, and the cart after them."""

    cart: Cart
    outcomes: tuple[Outcome, ...]
    lines: tuple[LineTotal, ...]

    @property
    def applied(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status == OutcomeStatus.APPLICABLE]

    @property
    def refused(self) -> list[Outcome]:
        """Return what was asked for by name and does not apply."""
        return [
            outcome
            for outcome in self.outcomes
            if outcome.status == OutcomeStatus.INAPPLICABLE and not outcome.candidate.optional
        ]

    def holds(self, application: Application) -> bool:
        """Return whether this can be redeemed: something applies and, unless PARTIAL, nothing is refused."""
        return bool(self.applied) and (application == Application.PARTIAL or not self.refused)

    @property
    def discount_amount(self) -> int:
        return sum(line.discount_amount for line in self.lines)

    @property
    def total_amount(self) -> int:
        return self.cart.amount - self.discount_amount

    @property
    def net_amount(self) -> int:
        return sum(line.net_amount for line in self.lines)

    @property
    def due_amount(self) -> int:
        return self.total_amount + self.cart.shipping_amount


@dataclass
class _Progress:
    """What the incentives before have left of the cart, its limits and its budgets."""

    remaining: dict[str, int]
    taken: Counter = field(default_factory=Counter)
    applied: list[Stacking] = field(default_factory=list)


def calculate(cart: Cart, candidates: Iterable[Candidate], context: Context) -> Calculation:
    """Apply the candidates to the cart, by rank and then in the order given.

    Amounts are minor units of the cart's currency; no line ever goes below zero. A refused candidate leaves
    the others as if it were absent; whether that is acceptable is the caller's `application`.
    """
    candidates = list(candidates)
    progress = _Progress({line.line_id: line.amount for line in cart.lines})
    outcomes: dict[int, Outcome] = {}
    for place in sorted(range(len(candidates)), key=lambda place: (candidates[place].stacking.rank, place)):
        outcomes[place] = _apply(candidates[place], cart, context, progress)
    return Calculation(
        cart=cart,
        outcomes=tuple(outcomes[place] for place in range(len(candidates))),
        lines=tuple(LineTotal(line, line.amount - progress.remaining[line.line_id]) for line in cart.lines),
    )


def _apply(candidate: Candidate, cart: Cart, context: Context, progress: _Progress) -> Outcome:
    if candidate.missing:
        return _refused(candidate, [Check("exists", False, "not_found")])
    lines = _eligible(candidate, cart)
    checks = list(check(candidate, cart, context, lines))
    checks += check_limits(candidate.limits, progress.taken)
    checks += _stacking(candidate.stacking, progress.applied)
    minimum = candidate.conditions.minimum_spend
    if minimum and minimum.basis != SpendBasis.AFTER:
        checks.append(check_spend(minimum, spend(minimum, list(cart.lines), lines, progress.remaining)))
    if not all(one.passed for one in checks):
        return _refused(candidate, checks)

    discounts = _discount(candidate, lines, progress.remaining)
    discounts, budget_checks = _within_budgets(candidate, discounts, lines, progress)
    checks += budget_checks
    if minimum and minimum.basis == SpendBasis.AFTER:
        after = {key: left - discounts.get(key, 0) for key, left in progress.remaining.items()}
        checks.append(check_spend(minimum, spend(minimum, list(cart.lines), lines, after)))
    if not all(one.passed for one in checks):
        return _refused(candidate, checks)
    if not discounts:
        return Outcome(candidate, OutcomeStatus.SKIPPED, trace=tuple(checks))
    _take(candidate, discounts, progress)
    return Outcome(candidate, OutcomeStatus.APPLICABLE, discounts, trace=tuple(checks))


def _refused(candidate: Candidate, checks: list[Check]) -> Outcome:
    error = next(one.key for one in checks if not one.passed)
    return Outcome(candidate, OutcomeStatus.INAPPLICABLE, error=error, trace=tuple(checks))


def _eligible(candidate: Candidate, cart: Cart) -> list[Line]:
    own = candidate.coupon.items if candidate.coupon else None
    aims = candidate.effect.items
    return [line for line in cart.lines if aims.cover(line) and (own is None or own.cover(line))]


def _stacking(stacking: Stacking, applied: list[Stacking]) -> list[Check]:
    alone = not applied or not (stacking.exclusive or any(other.exclusive for other in applied))
    checks = [Check("exclusive", alone, "stacking_limit_exceeded")]
    same = [other for other in applied if stacking.category and other.category == stacking.category]
    caps = [one.max_in_category for one in [stacking, *same] if one.max_in_category is not None]
    if stacking.category and caps:
        checks.append(
            Check(
                "max_in_category",
                len(same) < min(caps),
                "stacking_limit_exceeded",
                actual=len(same),
                expected=min(caps),
            )
        )
    return checks


def _discount(candidate: Candidate, lines: list[Line], remaining: dict[str, int]) -> dict[str, int]:
    """Return what is taken off each line: never more than is left of it."""
    effect, initial = candidate.effect, candidate.stacking.basis == Basis.INITIAL
    left = [remaining[line.line_id] for line in lines]
    bases = [line.amount for line in lines] if initial else left
    if effect.kind == Kind.PERCENT and effect.target == Target.ITEMS:
        parts = [min(percent_of(base, effect.percent), rest) for base, rest in zip(bases, left, strict=True)]
        if effect.amount_limit is None or sum(parts) <= effect.amount_limit:
            return _without_zeros(lines, parts)
        total = effect.amount_limit
    elif effect.kind == Kind.PERCENT:
        total = percent_of(sum(bases), effect.percent)
        if effect.amount_limit is not None:
            total = min(total, effect.amount_limit)
    else:
        total = effect.amount
    return _without_zeros(lines, allocate(min(total, sum(left)), left))


def _without_zeros(lines: list[Line], parts: list[int]) -> dict[str, int]:
    return {line.line_id: part for line, part in zip(lines, parts, strict=True) if part}


def _within_budgets(
    candidate: Candidate, discounts: dict[str, int], lines: list[Line], progress: _Progress
) -> tuple[dict[str, int], list[Check]]:
    """Cut the discount down to what PARTIAL budgets still hold, and ask whether every budget bears it."""
    checks = []
    budgets = [replace(budget, used=budget.used + progress.taken[budget.key]) for budget in candidate.budgets]
    total = sum(discounts.values())
    granted = min([total, *(b.left for b in budgets if b.amounts and b.partial)])
    if 0 < granted < total:
        weights = [progress.remaining[line.line_id] for line in lines]
        discounts = _without_zeros(lines, allocate(granted, weights))
    for budget in budgets:
        needed = granted if budget.amounts else int(bool(total))
        passed = not total or (needed <= budget.left and granted > 0)
        checks.append(
            Check("budget", passed, "budget_exceeded", actual=budget.left, expected=needed or total)
        )
    return discounts, checks


def _take(candidate: Candidate, discounts: dict[str, int], progress: _Progress) -> None:
    for line_id, part in discounts.items():
        progress.remaining[line_id] -= part
    for limit in candidate.limits:
        progress.taken[limit.key] += 1
    for budget in candidate.budgets:
        progress.taken[budget.key] += sum(discounts.values()) if budget.amounts else 1
    progress.applied.append(candidate.stacking)
