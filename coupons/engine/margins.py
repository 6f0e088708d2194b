"""What has to be earned: the margin of a line, and the lowest price a margin floor allows (M8)."""

from decimal import Decimal

from coupons.engine.cart import Line
from coupons.engine.incentive import MarginFloor
from coupons.engine.money import ceiling, net_of


def has_margin(line: Line, percent: Decimal) -> bool:
    """Return whether a line earns that much before any discount; without a known cost it does not."""
    if line.unit_cost is None:
        return False
    net = net_of(line.amount, line.tax_rate)
    return (net - line.unit_cost * line.quantity) * 100 >= percent * net


def lowest_price(line: Line, floor: MarginFloor) -> int:
    """Return the gross amount below which a line must not go; all of it when nobody knows the cost.

    For net unit cost c and margin m the net floor is ceil(c * quantity / (1 - m)), the gross floor
    ceil(net floor * (100 + rate) / 100).
    """
    if line.unit_cost is None:
        return 0 if floor.allow_unknown else line.amount
    units, whole_units = line.quantity.as_integer_ratio()
    share, hundredths = (100 - floor.percent).as_integer_ratio()
    net = ceiling(line.unit_cost * units * 100 * hundredths, whole_units * share)
    with_tax, hundred = (100 + line.tax_rate).as_integer_ratio()
    return ceiling(net * with_tax, hundred * 100)
