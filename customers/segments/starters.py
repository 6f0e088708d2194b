"""Rules to start from: what most programmes want first."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REACHABLE = {"field": "consent.email.MARKETING", "operator": "=", "value": "GRANTED"}


@dataclass(frozen=True)
class Starter:
    """A ready-made tree with the name it would have."""

    code: str
    name: str | Promise
    rules: dict[str, Any]


def _ordered(mode: str, threshold: int, days: int | None) -> dict[str, Any]:
    value: dict[str, Any] = {"match": {"mode": mode, "threshold": threshold}}
    if days:
        value["window"] = {"last_days": days}
    return {"field": "event.order.recorded", "operator": "happened", "value": value}


def _all(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"combinator": "and", "not": False, "rules": list(rules)}


STARTERS = [
    Starter(
        "reachable-buyers-90",
        _("Reachable customers who bought in the last 90 days"),
        _all(REACHABLE, _ordered("atLeast", 1, 90)),
    ),
    Starter(
        "win-back",
        _("Bought before, but not in the last 90 days"),
        _all(_ordered("atLeast", 1, None), _ordered("none", 0, 90)),
    ),
    Starter(
        "new-customers",
        _("First order in the last 30 days"),
        _all({"field": "stats.days_since_first_order", "operator": "<=", "value": 30}),
    ),
    Starter(
        "regulars",
        _("At least 3 orders in the last 30 days"),
        _all(_ordered("atLeast", 3, 30)),
    ),
]
