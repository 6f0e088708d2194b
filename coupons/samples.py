"""A cart to try an incentive on before it runs: articles it is for, and one it is not for."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from coupons import engine
from coupons.definitions import read_conditions, read_effect, read_margin_floor, read_stacking
from coupons.engine.incentive import Kind
from coupons.notices import covered_products
from customers.models import Product
from customers.services.prices import with_prices

PIECES = 2
USUAL_PRICE = 5_000
SHIPPING = 690
# What a personal discount is shown at: nobody buys the sample.
EXAMPLE_VALUES = {Kind.PERCENT: Decimal(10), Kind.AMOUNT: 500}


@dataclass(frozen=True)
class SampleLine:
    """One line of the sample cart: what it costs, and what it costs with the incentive."""

    name: str
    quantity: int
    amount: int
    total_amount: int


@dataclass(frozen=True)
class Sample:
    """The sample cart and what became of it; `outcome` says why when nothing did."""

    lines: list[SampleLine]
    calculation: engine.Calculation
    outcome: engine.Outcome

    @property
    def saved_amount(self) -> int:
        return self.outcome.discount_amount + self.outcome.shipping_amount

    @property
    def shipping_total(self) -> int:
        return self.calculation.cart.shipping_amount - self.outcome.shipping_amount

    @property
    def before_amount(self) -> int:
        return self.calculation.cart.amount + self.calculation.cart.shipping_amount


def try_on_sample(definition: dict[str, Any], *, at: datetime) -> Sample:
    """Return what a definition does to a cart that suits it; who, where and when are taken as given.

    The parts are those of `services.versions.definition_of`. Raises InvalidInput when they cannot be read.
    """
    effect = read_effect(definition["effect"])
    if effect.lacks_value:
        effect = replace(effect, **{effect.kind.lower(): EXAMPLE_VALUES[effect.kind]})
    conditions = read_conditions(definition.get("conditions") or {})
    names: dict[str, str] = {}
    cart = _cart(effect, conditions, names, at=at)
    candidate = engine.Candidate(
        key="sample",
        effect=effect,
        currency=cart.currency,
        conditions=engine.Conditions(minimum_spend=conditions.minimum_spend, contains=conditions.contains),
        stacking=read_stacking(definition.get("stacking") or {}),
        margin_floor=read_margin_floor(definition.get("margin_floor") or {}),
    )
    calculation = engine.calculate(cart, [candidate], engine.Context(at=at))
    lines = [
        SampleLine(names[one.line.line_id], int(one.line.quantity), one.line.amount, one.total_amount)
        for one in calculation.lines
    ]
    return Sample(lines, calculation, calculation.outcomes[0])


def _cart(
    effect: engine.Effect, conditions: engine.Conditions, names: dict[str, str], *, at: datetime
) -> engine.Cart:
    """Put together what the effect aims at and what the conditions ask for, dear enough for the minimum."""
    lines: list[engine.Line] = []

    def add(product: Product | None, name: str, quantity: int = 1, **fields: Any) -> None:
        line = _line(product, str(len(lines) + 1), quantity, **fields)
        names[line.line_id] = name
        lines.append(line)

    pieces = max(1, effect.buy + effect.get) if effect.kind == Kind.FREE_UNITS else 1
    covered = with_prices(covered_products(effect), at=at).order_by("sku")
    aimed = list(covered.filter(price_amount__isnull=False)[:PIECES]) or list(covered[:PIECES])
    if not effect.bundle:
        for product in aimed:
            add(product, product.name or product.sku, pieces)
        if not aimed:
            add(None, _("An article it is for"), pieces, **_named(effect.items))
    for part in [*effect.bundle, *conditions.contains]:
        found = with_prices(Product.objects.filter(**{part.by: part.name}), at=at).first()
        add(
            found,
            part.name if found is None else found.name or found.sku,
            part.quantity,
            **{part.by: part.name},
        )
    if effect.kind == Kind.GIFT_ITEM:
        gift = with_prices(Product.objects.filter(sku=effect.gift_sku), at=at).first()
        add(gift, gift.name if gift and gift.name else effect.gift_sku, effect.get, sku=effect.gift_sku)
    cart = engine.Cart(tuple(lines), settings.PROGRAMME_CURRENCY, shipping_amount=SHIPPING)
    wanted = [tier.from_amount for tier in effect.tiers][-1:]
    if conditions.minimum_spend:
        wanted.append(conditions.minimum_spend.amount * 5 // 4)
    return _at_least(cart, max(wanted, default=0))


def _at_least(cart: engine.Cart, amount: int) -> engine.Cart:
    """Return the cart with so many pieces of its first line that it is worth the amount."""
    first = cart.lines[0]
    missing = amount - cart.amount
    if missing <= 0 or first.unit_price <= 0:
        return cart
    more = min(999, -(-missing // first.unit_price))
    return replace(cart, lines=(replace(first, quantity=first.quantity + more), *cart.lines[1:]))


def _line(product: Product | None, line_id: str, quantity: int, **fields: Any) -> engine.Line:
    if product is not None:
        price = product.price_amount
        fields |= {
            "sku": product.sku,
            "category": product.category,
            "brand": product.brand,
            "collection": product.collection,
            "unit_cost": product.unit_cost_amount,
            "tax_rate": product.tax_rate or Decimal(0),
        }
    else:
        price = None
        fields = {"unit_cost": USUAL_PRICE // 2, **fields}
    return engine.Line(
        line_id=line_id,
        unit_price=USUAL_PRICE if price is None else price,
        quantity=Decimal(quantity),
        **fields,
    )


def _named(items: engine.Items) -> dict[str, str]:
    """Return a made-up article that the items cover."""
    for names, field in (
        (items.skus, "sku"),
        (items.products, "product"),
        (items.categories, "category"),
        (items.brands, "brand"),
        (items.collections, "collection"),
    ):
        if names:
            return {field: min(names)}
    return {}
