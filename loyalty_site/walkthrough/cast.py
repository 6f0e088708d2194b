"""Who is in the walkthrough: 100 customers in five groups of 20, whose scores are known beforehand.

A group's place (0 to 4) is its number of orders less one and sets what each costs; how long ago the last one
was is chosen so that the groups fall into five different segments.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

AS_OF = "2026-01-01"
CUSTOMERS, GROUP = 100, 20
DAYS_SINCE_LAST_ORDER = [5, 200, 60, 120, 20]
SEGMENTS = {"New": 20, "Hibernating": 20, "Potential Loyalist": 20, "At Risk": 20, "Champions": 20}
# At risk are 61 to 80; of these 61 denied, 62 never answered.
DENIED, SILENT = 61, 62
AT_RISK = range(61, 81)
FAMILY_NAMES = ["Rossi", "Bianchi", "Verdi", "Neri", "Gallo"]
CITIES = ["Milano", "Torino", "Bologna", "Napoli", "Bari"]


def reference(number: int) -> dict[str, str]:
    return {"source": "shop", "source_id": f"c{number:03d}"}


def email(number: int) -> str:
    return f"c{number:03d}@clienti.example"


def customer(number: int) -> dict[str, Any]:
    return reference(number) | {
        "email": email(number),
        "first_name": f"Cliente{number}",
        "last_name": FAMILY_NAMES[number % 5],
        "city": CITIES[number % 5],
        "country": "IT",
        "language": "it",
        "consents": [consent(number)] if number != SILENT else [],
    }


def consent(number: int) -> dict[str, Any]:
    state = "DENIED" if number == DENIED else "GRANTED"
    return {
        "channel": "email",
        "purpose": "MARKETING",
        "state": state,
        "occurred_at": "2025-01-01T10:00:00+01:00",
        "proof": {"form": "sign-up", "ip": "192.0.2.1"},
    }


def orders() -> list[dict[str, Any]]:
    """Return 300 orders over 11,000.00 EUR."""
    return [order(number, count) for number in range(1, CUSTOMERS + 1) for count in range(_group(number) + 1)]


def order(number: int, count: int) -> dict[str, Any]:
    """Return a customer's order, the `count`-th from the last; each is 30 days before the next."""
    group = _group(number)
    days = DAYS_SINCE_LAST_ORDER[group] + 30 * count
    ordered_at = datetime(2026, 1, 1, 11, tzinfo=UTC) - timedelta(days=days)
    return purchase(
        reference(number), f"o{number:03d}-{count}", 1_000 * (group + 1), ordered_at=ordered_at.isoformat()
    )


def purchase(
    customer: dict[str, str], source_id: str, amount: int, *, ordered_at: str, **line: Any
) -> dict[str, Any]:
    return {
        "source": "shop",
        "source_id": source_id,
        "customer": customer,
        "ordered_at": ordered_at,
        "currency": "EUR",
        "sales_channel": "web",
        "status": "PAID",
        "lines": [{"line_id": "1", "sku": "COFFEE", "quantity": "1", "amount": amount} | line],
    }


def cart(source_id: str, amount: int) -> dict[str, Any]:
    return {
        "source": "shop",
        "source_id": source_id,
        "currency": "EUR",
        "lines": [{"line_id": "1", "sku": "COFFEE", "quantity": 1, "unit_price": amount}],
    }


def _group(number: int) -> int:
    return (number - 1) // GROUP
