"""Arithmetic of money in whole minor units: nothing is lost, nothing is a float."""

from collections.abc import Sequence
from decimal import Decimal


def half_up(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded half up; both are not negative."""
    return (2 * numerator + denominator) // (2 * denominator)


def percent_of(amount: int, percent: Decimal) -> int:
    """Return `percent` of the amount, rounded half up once."""
    numerator, denominator = percent.as_integer_ratio()
    return half_up(amount * numerator, denominator * 100)


def net_of(gross: int, tax_rate: Decimal) -> int:
    """Return what is left of a gross amount without its tax: half-up(gross * 100 / (100 + rate))."""
    numerator, denominator = (100 + tax_rate).as_integer_ratio()
    return half_up(gross * 100 * denominator, numerator)


def times(unit_price: int, quantity: Decimal) -> int:
    """Return the price of a quantity, rounded half up."""
    numerator, denominator = quantity.as_integer_ratio()
    return half_up(unit_price * numerator, denominator)


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` by largest remainder: the parts sum to it, and none exceeds its weight (total <= sum).

    Left-over units go to the largest fractional part, ties to the larger weight, then to the earlier place.
    """
    whole = sum(weights)
    if total == 0:
        return [0] * len(weights)
    if not 0 < total <= whole:
        raise ValueError("What is shared lies between nothing and the sum of the weights.")
    parts = [total * weight // whole for weight in weights]
    order = sorted(
        range(len(weights)), key=lambda place: (-(total * weights[place] % whole), -weights[place], place)
    )
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return parts
