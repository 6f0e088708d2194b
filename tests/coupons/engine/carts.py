"""Short hands for carts and incentives."""

from datetime import UTC, datetime
from decimal import Decimal

from coupons.engine import Candidate, Cart, Context, Effect, Line
from coupons.engine.incentive import Kind, Target

NOW = datetime(2026, 10, 22, 7, 30, tzinfo=UTC)


def cart(*prices: int, currency: str = "EUR", **fields) -> Cart:
    lines = tuple(Line(line_id=chr(ord("A") + n), unit_price=price) for n, price in enumerate(prices))
    return Cart(lines=lines, currency=currency, **fields)


def percent(value, *, target="ORDER", limit=None, **fields) -> Effect:
    return Effect(Kind.PERCENT, Target(target), percent=Decimal(value), amount_limit=limit, **fields)


def amount(value: int, *, target="ORDER", **fields) -> Effect:
    return Effect(Kind.AMOUNT, Target(target), amount=value, **fields)


def candidate(effect: Effect, key: str = "one", currency: str = "EUR", **fields) -> Candidate:
    return Candidate(key=key, effect=effect, currency=currency, **fields)


def context(**fields) -> Context:
    return Context(**{"at": NOW, **fields})


def parts(outcome) -> list[int]:
    return list(outcome.discounts.values())
