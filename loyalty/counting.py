"""What an order or an event counts for in a challenge. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

LINE_CONDITIONS = {"skus": "sku", "categories": "category", "brands": "brand", "collections": "collection"}
ORDER_CONDITIONS = {"stores": "store", "sales_channels": "sales_channel"}
CONDITIONS = frozenset(LINE_CONDITIONS) | frozenset(ORDER_CONDITIONS)


@dataclass(frozen=True)
class CountedLine:
    """A line with what is left of it after returns: units, and what was paid for them in minor units."""

    sku: str
    category: str = ""
    brand: str = ""
    collection: str = ""
    quantity: Decimal = Decimal(1)
    amount: int = 0


@dataclass(frozen=True)
class CountedOrder:
    """An order as it stands now; `points` are those it earned and keeps."""

    lines: tuple[CountedLine, ...]
    store: str = ""
    sales_channel: str = ""
    points: int = 0


def counts_for(
    order: CountedOrder,
    *,
    metric: str,
    which: Mapping[str, Sequence[str]],
    items: Iterable[Mapping[str, Any]] = (),
    minimum_amount: int = 0,
    unit_amount: int | None = None,
) -> dict[str, int]:
    """Return what an order counts for, by item ("" where there are no different ones), above 0."""
    for name, attribute in ORDER_CONDITIONS.items():
        if which.get(name) and getattr(order, attribute) not in which[name]:
            return {}
    lines = [line for line in order.lines if line.quantity > 0 and matches(line, which)]
    amount = sum(line.amount for line in lines)
    if not lines or amount < minimum_amount:
        return {}
    match metric:
        case "ORDERS":
            found = {"": 1}
        case "AMOUNT":
            found = {"": amount // unit_amount if unit_amount else amount}
        case "QUANTITY":
            found = {"": _units(lines)}
        case "STORES":
            found = {order.store: 1} if order.store else {}
        case "POINTS":
            found = {"": order.points}
        case "ITEMS":
            found = {item["code"]: _units(line for line in lines if matches(line, item)) for item in items}
        case _:
            found = {}
    return {item: value for item, value in found.items() if value > 0}


def _units(lines: Iterable[CountedLine]) -> int:
    return int(sum(line.quantity for line in lines))


def matches(line: CountedLine, which: Mapping[str, Sequence[str]]) -> bool:
    """Return whether a line is one of those named, in any of the ways; without a name every line is."""
    named = {name: attribute for name, attribute in LINE_CONDITIONS.items() if which.get(name)}
    return not named or any(getattr(line, attribute) in which[name] for name, attribute in named.items())
