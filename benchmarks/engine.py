"""The engine alone: thirty incentives of every kind on a cart of twenty lines, without a database.

The floor is what no engine can do without: thirty times sharing an amount over twenty lines.
"""

from datetime import UTC, datetime, time
from decimal import Decimal

from benchmarks.measurement import Measurement, median_seconds
from coupons.engine import (
    Budget,
    Candidate,
    Cart,
    Conditions,
    Context,
    CouponFacts,
    Effect,
    Items,
    Limit,
    Line,
    MarginFloor,
    MinimumSpend,
    Part,
    Stacking,
    Tier,
    WeeklyHours,
    allocate,
    calculate,
)
from coupons.engine.incentive import Kind, Target

LINES, CANDIDATES, TIMES = 20, 30, 50
MOST_SECONDS = 0.002
NOW = datetime(2026, 10, 22, 7, 30, tzinfo=UTC)


def measure() -> list[Measurement]:
    """Return what one calculation takes, beside thirty bare allocations."""
    cart, context = _cart(), Context(at=NOW, customer="7", segments=frozenset({"vip"}))
    plain = [_candidate(place, _plain_effect(place)) for place in range(CANDIDATES)]
    mixed = [_candidate(place, _EFFECTS[place % len(_EFFECTS)]) for place in range(CANDIDATES)]
    weights = [line.amount for line in cart.lines]

    def floor() -> None:
        for _ in range(TIMES):
            for _ in range(CANDIDATES):
                allocate(1234, weights)

    contenders = {
        "thirty allocations over twenty lines": floor,
        "thirty percentages and amounts": lambda: _repeat(cart, plain, context),
        "thirty incentives of every kind": lambda: _repeat(cart, mixed, context),
    }
    taken = {name: seconds / TIMES for name, seconds in median_seconds(contenders).items()}
    base = taken["thirty allocations over twenty lines"]
    return [
        Measurement(name, seconds, seconds / base, limit=None if seconds == base else MOST_SECONDS)
        for name, seconds in taken.items()
    ]


def _repeat(cart: Cart, candidates: list[Candidate], context: Context) -> None:
    for _ in range(TIMES):
        calculate(cart, candidates, context)


def _cart() -> Cart:
    lines = tuple(
        Line(
            str(place),
            unit_price=999 + 100 * place,
            quantity=Decimal(1 + place % 3),
            sku=f"S{place}",
            category=f"C{place % 4}",
            brand=f"B{place % 5}",
            tax_rate=Decimal(22),
            unit_cost=300,
        )
        for place in range(LINES)
    )
    return Cart(lines, "EUR", shipping_amount=500, store="S1", sales_channel="web", country="IT")


def _candidate(place: int, effect: Effect) -> Candidate:
    """Return an incentive with the rules that promotions usually have."""
    return Candidate(
        f"c{place}",
        effect,
        currency="EUR",
        zone="Europe/Rome",
        conditions=Conditions(
            segment="vip" if place % 3 == 0 else None,
            minimum_spend=MinimumSpend(1000),
            sales_channels=frozenset({"web"}),
            weekly_hours=(WeeklyHours(frozenset(range(7)), time(0)),) if place % 5 == 0 else (),
        ),
        stacking=Stacking(rank=place % 4),
        coupon=CouponFacts(max_uses=1) if place % 2 else None,
        limits=(Limit("CUSTOMER", "TOTAL", uses=3, key=f"l{place}"),),
        budgets=(Budget(f"b{place}", cap=10**9, used=0),),
    )


def _plain_effect(place: int) -> Effect:
    items = Items(categories=frozenset({"C1", "C2"}))
    return [
        Effect(Kind.PERCENT, percent=Decimal(5)),
        Effect(Kind.PERCENT, Target.ITEMS, percent=Decimal(5), items=items),
        Effect(Kind.AMOUNT, amount=100),
    ][place % 3]


_EFFECTS = [
    Effect(Kind.PERCENT, percent=Decimal(5)),
    Effect(Kind.PERCENT, Target.ITEMS, percent=Decimal(5), items=Items(brands=frozenset({"B1", "B2"}))),
    Effect(Kind.AMOUNT, amount=100),
    Effect(Kind.AMOUNT, amount=100, margin_floor=MarginFloor(Decimal(15))),
    Effect(Kind.FIXED_PRICE, Target.ITEMS, amount=900, items=Items(skus=frozenset({"S3", "S4"}))),
    Effect(Kind.FIXED_PRICE, amount=2000, bundle=(Part("category", "C1"), Part("category", "C2"))),
    Effect(
        Kind.FREE_UNITS, Target.ITEMS, percent=Decimal(50), buy=2, items=Items(categories=frozenset({"C3"}))
    ),
    Effect(Kind.TIERS, tiers=(Tier(5000, amount=100), Tier(10000, percent=Decimal(5)))),
    Effect(Kind.GIFT_ITEM, gift_sku="MUG"),
    Effect(Kind.FREE_SHIPPING, amount_limit=50),
]
