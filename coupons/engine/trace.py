from decimal import Decimal
from typing import Any, NamedTuple


class Check(NamedTuple):
    """One rule that was asked: what it wanted, what it found, and what is missing to meet it.

    `key` is the refusal that a failed check leads to. `missing` has `amount` (minor units to be spent),
    `quantity` (pieces) or `products` ([{"sku" | "category" | "brand", "quantity"}]).
    """

    rule: str
    passed: bool
    key: str
    actual: Any = None
    expected: Any = None
    missing: dict[str, Any] | None = None


def plain_number(value: Decimal | int) -> int | str:
    """Return a whole number as one, and any other as text: JSON has no decimals."""
    if isinstance(value, int):
        return value
    return int(value) if value == value.to_integral_value() else str(value.normalize())
