"""Rules to start from: what most programmes want first. Each stands on its own and can be changed at will."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REACHABLE = {"field": "consent.email.MARKETING", "operator": "=", "value": "GRANTED"}
ORDER = "event.order.recorded"
# A year and a half to three years: about when a durable article is bought again.
REPLACEMENT_DAYS = [550, 1100]
# Minor units: 300.00 in a season is a big spender of most shops.
BIG_SPENDER_AMOUNT = 30_000


@dataclass(frozen=True)
class Starter:
    """A ready-made tree with the name it would have."""

    code: str
    name: str | Promise
    rules: dict[str, Any]


def _event(field: str, mode: str = "atLeast", threshold: int = 1, **more: Any) -> dict[str, Any]:
    value = {"match": {"mode": mode, "threshold": threshold}, **more}
    return {"field": field, "operator": "happened", "value": value}


def _ordered(mode: str, threshold: int, days: int | None = None) -> dict[str, Any]:
    return _event(ORDER, mode, threshold, **({"window": {"last_days": days}} if days else {}))


def _sequence(field: str, *then: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"field": field, "operator": "sequence", "value": {**more, "then": list(then)}}


def _all(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"combinator": "and", "not": False, "rules": list(rules)}


STARTERS = [
    Starter(
        "new-customers",
        _("First order in the last 30 days"),
        _all({"field": "stats.days_since_first_order", "operator": "<=", "value": 30}),
    ),
    Starter(
        "champions",
        _("Champions: they buy often, lately and with you for a while"),
        _all(
            _ordered("atLeast", 4, 365),
            _ordered("atLeast", 1, 60),
            {"field": "stats.days_since_first_order", "operator": ">=", "value": 180},
        ),
    ),
    Starter(
        "win-back",
        _("Bought before, but not in the last 90 days"),
        _all(_ordered("atLeast", 1), _ordered("none", 0, 90)),
    ),
    Starter(
        "replacement-due",
        _("Durable article due for replacement: bought 18 to 36 months ago, none since"),
        _all(
            _event("event.product.bought", window={"days_ago": REPLACEMENT_DAYS}),
            _event("event.product.bought", "none", 0, window={"last_days": REPLACEMENT_DAYS[0] - 1}),
        ),
    ),
    Starter(
        "last-season-spenders",
        _("Spent a lot in the same season a year ago, and have not bought in this one"),
        _all(
            {
                "field": ORDER,
                "operator": "aggregate",
                "value": {
                    "function": "sum",
                    "of": "amount",
                    "operator": ">=",
                    "value": BIG_SPENDER_AMOUNT,
                    "window": {"season": "previous_same"},
                },
            },
            _event(ORDER, "none", 0, window={"season": "current"}),
        ),
    ),
    Starter(
        "cart-abandoned",
        _("Left a cart behind in the last 7 days and have not bought since"),
        _all(
            _event("event.cart.abandoned", window={"last_days": 7}),
            _event(ORDER, "none", 0, window={"since_event": {"field": "event.cart.abandoned"}}),
        ),
    ),
    Starter(
        "tried-not-bought",
        _("Tried an article in the last 60 days and did not buy within 14 days"),
        _all(
            _sequence(
                "event.product.tried",
                {"field": ORDER, "negated": True, "within": {"days": 14}},
                window={"last_days": 60},
            )
        ),
    ),
    Starter(
        "valuable-and-quiet",
        _("Valuable customers who went quiet"),
        _all(
            {"field": "trait.predicted_value_365", "operator": ">=", "value": 10_000},
            {"field": "trait.probability_active", "operator": "<", "value": 0.6},
        ),
    ),
    Starter(
        "birthday-soon",
        _("Birthday in the next 7 days"),
        _all({"field": "customer.days_to_birthday", "operator": "<=", "value": 7}),
    ),
    Starter(
        "points-expiring",
        _("Points expiring in the next 30 days"),
        _all({"field": "points.days_to_expiry", "operator": "<=", "value": 30}),
    ),
    Starter(
        "reachable-buyers-90",
        _("Reachable customers who bought in the last 90 days"),
        _all(REACHABLE, _ordered("atLeast", 1, 90)),
    ),
    Starter(
        "regulars",
        _("At least 3 orders in the last 30 days"),
        _all(_ordered("atLeast", 3, 30)),
    ),
]
