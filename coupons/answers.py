"""A calculation as plain JSON: what the API answers, what a redemption keeps, what the console shows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from coupons.engine import Calculation, Check, Gift, Outcome, plain_number


def order_totals(calculation: Calculation) -> dict[str, Any]:
    """Return the cart after every incentive; amounts are minor units, net is without tax."""
    return {
        "currency": calculation.cart.currency,
        "amount": calculation.cart.amount,
        "discount_amount": calculation.discount_amount,
        "total_amount": calculation.total_amount,
        "net_amount": calculation.net_amount,
        "tax_amount": calculation.total_amount - calculation.net_amount,
        "shipping_amount": calculation.cart.shipping_amount,
        "shipping_discount_amount": calculation.shipping_discount_amount,
        "tender_amount": calculation.tender_amount,
        "due_amount": calculation.due_amount,
        "lines": [
            {
                "line_id": total.line.line_id,
                "quantity": plain_number(total.line.quantity),
                "amount": total.line.amount,
                "discount_amount": total.discount_amount,
                "total_amount": total.total_amount,
                "net_amount": total.net_amount,
                "tax_amount": total.tax_amount,
            }
            for total in calculation.lines
        ],
        "gifts": gifts(calculation.gifts),
    }


def gifts(given: Iterable[Gift]) -> list[dict[str, Any]]:
    """Return what the shop adds to the order for nothing."""
    return [{"sku": gift.sku, "quantity": gift.quantity} for gift in given]


def allocations(calculation: Calculation, outcome: Outcome) -> list[dict[str, Any]]:
    """Return what each line got of one incentive, in the cart's order."""
    return [
        {
            "line_id": line.line_id,
            "units": plain_number(outcome.units_of(line)),
            "amount": outcome.discounts[line.line_id],
        }
        for line in calculation.cart.lines
        if line.line_id in outcome.discounts
    ]


def trace(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """Return the decisions in the order they were taken."""
    return [
        {
            "rule": check.rule,
            "passed": check.passed,
            "actual": _plain(check.actual),
            "expected": _plain(check.expected),
            "missing": check.missing,
        }
        for check in checks
    ]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
