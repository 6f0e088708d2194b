"""The arithmetic of points: what an amount, a quantity or an event is worth, and by which factor."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from loyalty.rules.occasion import Occasion
from loyalty.rules.terms import Cap, CapSubject, Kind, Multiplier, Terms

FACTOR_DECIMALS = 6
LARGEST_PRODUCT = 1000


@dataclass(frozen=True)
class Basis:
    """What points are counted on: goods paid in minor units, pieces, and whether anything is there at all."""

    amount: int = 0
    quantity: Decimal = Decimal(0)
    present: bool = True


NOTHING = Basis(present=False)


def points_for(amount: int, *, points: int, per_amount: int, factor: Decimal = Decimal(1)) -> int:
    """Return the points of one order: `points` for every full `per_amount`, floored once, after the factor.

    `amount` is what was paid for goods, in minor units (incentives.md, P6).
    """
    # A fraction, because a long product of decimals would be rounded.
    return int(amount * points * Fraction(factor) // per_amount)


def units_for(terms: Terms, basis: Basis, *, factor: Decimal = Decimal(1)) -> int:
    """Return what a rule gives for a basis: floored once, after the factor, within its cap per event."""
    if not basis.present or basis.amount < terms.conditions.minimum_amount:
        return 0
    if terms.kind == Kind.PER_AMOUNT:
        units = points_for(basis.amount, points=terms.points, per_amount=terms.per_amount, factor=factor)
    elif terms.kind == Kind.PER_UNIT:
        units = int(Fraction(basis.quantity) * terms.points * Fraction(factor) // terms.per_quantity)
    else:
        units = int(terms.points * Fraction(factor))
    return min([units, *(cap.units for cap in terms.caps if is_per_event(cap))])


def is_per_event(cap: Cap) -> bool:
    """Return whether a cap looks at one event alone, so that nothing has to be counted for it."""
    return cap.subject == CapSubject.EVENT


def kept_of(terms: Terms, basis: Basis, *, factor: Decimal, given: int) -> int:
    """Return how much of `given` stays when `basis` is what did not come back (R5).

    What a cap had held back at first is not lost by a return: only what the rest would not have earned.
    """
    return min(given, units_for(terms, basis, factor=factor))


def applying(multipliers: Iterable[Multiplier], occasion: Occasion) -> list[Multiplier]:
    """Return the multipliers whose circumstances all hold."""
    return [one for one in multipliers if one.when.hold(occasion)]


def product(factors: Iterable[Decimal]) -> Decimal:
    """Return the product of factors, half up to six decimals, at most 1000: what an accrual stores."""
    whole = Fraction(1)
    for factor in factors:
        whole *= Fraction(factor)
    scaled = whole * 10**FACTOR_DECIMALS
    rounded = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return min(Decimal(rounded).scaleb(-FACTOR_DECIMALS), Decimal(LARGEST_PRODUCT))


def share_paid(eligible: int, *, goods: int, paid: int) -> int:
    """Return what was paid for some of an order's goods, half up, when `paid` of `goods` was no points."""
    if not goods:
        return 0
    return (2 * eligible * paid + goods) // (2 * goods)
