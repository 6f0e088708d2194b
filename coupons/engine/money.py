"""Arithmetic of money in whole minor units: nothing is lost, nothing is a float."""

from collections.abc import Sequence
from decimal import Decimal


def half_up(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded half up; both are not negative."""
    return (2 * numerator + denominator) // (2 * denominator)


def ceiling(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded up; the denominator is positive."""
    return -(-numerator // denominator)


def percent_of(amount: int, percent: Decimal) -> int:
    """Return `percent` of the amount, rounded half up once."""
    numerator, denominator = percent.as_integer_ratio()
    return half_up(amount * numerator, denominator * 100)


def net_of(gross: int, tax_rate: Decimal) -> int:
    """Return what is left of a gross amount without its tax: half-up(gross * 100 / (100 + rate))."""
    if not tax_rate:
        return gross
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
    if total == whole:
        return list(weights)
    if not 0 < total < whole:
        raise ValueError("What is shared lies between nothing and the sum of the weights.")
    parts, rests = [], []
    for place, weight in enumerate(weights):
        part, fraction = divmod(total * weight, whole)
        parts.append(part)
        rests.append((-fraction, -weight, place))
    over = total - sum(parts)
    if over:
        rests.sort()
        for _fraction, _weight, place in rests[:over]:
            parts[place] += 1
    return parts


def allocate_within(total: int, weights: Sequence[int], caps: Sequence[int]) -> list[int]:
    """Share `total` by weight, none more than its cap; what a cap keeps back is shared among the others.

    No cap exceeds its weight, and `total` does not exceed the sum of the caps.
    """
    parts = list(caps)
    open_places = [place for place, cap in enumerate(caps) if cap]
    while open_places:
        shares = allocate(total, [weights[place] for place in open_places])
        full = {place for place, part in zip(open_places, shares, strict=True) if part > caps[place]}
        if not full:
            for place, part in zip(open_places, shares, strict=True):
                parts[place] = part
            break
        total -= sum(caps[place] for place in full)
        open_places = [place for place in open_places if place not in full]
    return parts
