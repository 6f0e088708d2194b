"""What a rule gives for an occasion, and why: the one place where both are decided.

Earning, claw-back, the simulator and the API's trace all ask here; `loyalty.services.backfill` says the same
in SQL, and a test holds the two against each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from loyalty.rules.arithmetic import NOTHING, Basis, applying, product, share_paid, units_for
from loyalty.rules.occasion import Bought, Occasion
from loyalty.rules.terms import Kind, Multiplier, Terms


@dataclass(frozen=True)
class Check:
    """One condition with its answer: what the rule asks, and what the occasion has."""

    name: str
    passed: bool
    wanted: Any = None
    found: Any = None


@dataclass(frozen=True)
class Evaluation:
    """What a rule gives for an occasion before caps per period.

    Where it does not apply, nothing; `checks` say why. `lines` are those that count, none for "all of it".
    `units` are points or entries.
    """

    applies: bool
    checks: tuple[Check, ...] = ()
    basis: Basis = NOTHING
    factor: Decimal = Decimal(1)
    multipliers: tuple[Multiplier, ...] = ()
    benefit: Decimal = Decimal(1)
    lines: tuple[Bought, ...] = ()
    units: int = 0


def evaluate(terms: Terms, occasion: Occasion) -> Evaluation:
    """Return what a rule's terms give for an occasion, with the answer to each condition."""
    lines = _eligible(terms, occasion)
    basis = _basis(terms, occasion, lines)
    checks = tuple(_checks(terms, occasion, lines, basis))
    if not all(check.passed for check in checks):
        return Evaluation(False, checks)
    found = tuple(applying(terms.multipliers, occasion))
    benefit = occasion.benefit if terms.benefits else Decimal(1)
    factor = product([*(one.factor for one in found), benefit])
    counted = lines if terms.looks_at_lines else ()
    units = units_for(terms, basis, factor=factor)
    return Evaluation(True, checks, basis, factor, found, benefit, counted, units)


def _eligible(terms: Terms, occasion: Occasion) -> tuple[Bought, ...]:
    items = terms.conditions.items
    return tuple(line for line in occasion.lines if items is None or items.cover(line))


def _basis(terms: Terms, occasion: Occasion, lines: tuple[Bought, ...]) -> Basis:
    amount = occasion.paid
    if terms.looks_at_lines:
        eligible = sum(line.amount for line in lines)
        amount = share_paid(eligible, goods=occasion.goods, paid=occasion.paid)
    return Basis(amount, sum((line.quantity for line in lines), Decimal(0)))


def _checks(terms: Terms, occasion: Occasion, lines: tuple[Bought, ...], basis: Basis) -> Iterable[Check]:
    asked = terms.conditions
    for name, (passed, wanted, found) in asked.when.checks(occasion).items():
        yield Check(name, passed, wanted, found)
    if terms.looks_at_lines:
        yield Check("items", bool(lines), asked.items, len(lines))
    if asked.minimum_amount:
        enough = basis.amount >= asked.minimum_amount
        yield Check("minimum_amount", enough, asked.minimum_amount, basis.amount)
    for name, wanted in asked.payload.items():
        found = occasion.payload.get(name)
        # 1 and true are equal to Python.
        yield Check("payload", found == wanted and type(found) is type(wanted), {name: wanted}, found)
    if terms.kind == Kind.PER_AMOUNT and not occasion.is_order:
        yield Check("order", False)


@dataclass(frozen=True)
class Ranked:
    """One rule among those asked together: its key, its rank, and what it would give."""

    key: Any
    evaluation: Evaluation
    exclusive: bool = False
    priority: int = 0


def superseded(asked: Iterable[Ranked]) -> set[Any]:
    """Return the keys of rules that give nothing because an exclusive one does.

    Of the exclusive rules that give something the one of the highest priority counts, alone; of equal ones
    the first. Without any, all rules add up.
    """
    rules = list(asked)
    giving = [one for one in rules if one.exclusive and one.evaluation.units]
    if not giving:
        return set()
    winner = max(giving, key=lambda one: one.priority)  # The first of equals.
    return {one.key for one in rules if one.key != winner.key}
