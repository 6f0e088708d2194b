"""What an incentive gives, and on which articles, in half a line."""

from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.engine import Effect, Items, MarginFloor, Part, Tier
from coupons.engine.incentive import Choose, Grouping, Kind, Target
from operations.formats import money, number

SHOWN = 5


def effect_in_words(effect: Effect, currency: str) -> str:
    """Return what is given: "10% off the whole order, at most €20.00"."""
    words = _EFFECTS[effect.kind](effect, currency)
    if effect.margin_floor is not None:
        return f"{words}; {margin_in_words(effect.margin_floor)}"
    return words


def margin_in_words(floor: MarginFloor) -> str:
    """Return what has to be left to the merchant."""
    words = _("every article keeps a margin of at least %(percent)s") % {
        "percent": percent_in_words(floor.percent)
    }
    if floor.allow_unknown:
        return _("%(words)s where its cost is known") % {"words": words}
    return _("%(words)s; without a known cost nothing is taken off") % {"words": words}


def items_in_words(items: Items) -> str:
    """Return which lines are meant."""
    words = "; ".join(_names(items)) or _("everything")
    if items.exclude and items.exclude.named:
        words = _("%(items)s, without %(excluded)s") % {
            "items": words,
            "excluded": "; ".join(_names(items.exclude)),
        }
    if items.exclude_discounted:
        words = _("%(items)s, without what is reduced already") % {"items": words}
    if items.min_margin_percent is not None:
        words = _("%(items)s with a margin of at least %(percent)s") % {
            "items": words,
            "percent": percent_in_words(items.min_margin_percent),
        }
    return words


def part_in_words(part: Part) -> str:
    """Return so many pieces of something: "2 of the category Shoes"."""
    words = {
        "sku": _("%(count)s of the article %(name)s"),
        "category": _("%(count)s of the category %(name)s"),
        "brand": _("%(count)s of the brand %(name)s"),
    }[part.by]
    return words % {"count": number(part.quantity), "name": part.name}


def percent_in_words(percent: Decimal) -> str:
    percent = percent.normalize()
    return f"{number(percent, max(0, -percent.as_tuple().exponent))}%"


def _percent(effect: Effect, currency: str) -> str:
    if effect.lacks_value:
        return _at_most(_off(_("Each person's own percentage"), effect), effect, currency)
    words = _off(percent_in_words(effect.percent), effect)
    return _at_most(words, effect, currency)


def _amount(effect: Effect, currency: str) -> str:
    if effect.lacks_value:
        return _off(_("Each person's own amount"), effect)
    return _off(money(effect.amount, currency), effect)


def _off(value: str, effect: Effect) -> str:
    if effect.target == Target.ITEMS:
        return _("%(value)s off %(items)s") % {"value": value, "items": items_in_words(effect.items)}
    return _("%(value)s off the whole order") % {"value": value}


def _at_most(words: str, effect: Effect, currency: str) -> str:
    if effect.amount_limit is None:
        return words
    return _("%(words)s, at most %(limit)s") % {"words": words, "limit": money(effect.amount_limit, currency)}


def _fixed_price(effect: Effect, currency: str) -> str:
    price = money(effect.amount, currency)
    if effect.bundle:
        parts = " + ".join(part_in_words(part) for part in effect.bundle)
        words = _("%(parts)s together for %(price)s") % {"parts": parts, "price": price}
        return _limited(words, effect, bundles=True)
    if effect.target == Target.ORDER:
        return _("the whole order for %(price)s") % {"price": price}
    words = _("each piece of %(items)s for %(price)s") % {
        "items": items_in_words(effect.items),
        "price": price,
    }
    return _limited(words, effect)


def _limited(words: str, effect: Effect, *, bundles: bool = False) -> str:
    if not effect.unit_limit:
        return words
    values = {"words": words, "count": number(effect.unit_limit)}
    if bundles:
        return _("%(words)s, at most %(count)s times") % values
    return (
        ngettext(
            "%(words)s, at most %(count)s piece", "%(words)s, at most %(count)s pieces", effect.unit_limit
        )
        % values
    )


def _free_shipping(effect: Effect, currency: str) -> str:
    words = _("free shipping")
    if effect.target == Target.ITEMS:
        words = _("free shipping with %(items)s") % {"items": items_in_words(effect.items)}
    return _at_most(words, effect, currency)


def _free_units(effect: Effect, currency: str) -> str:
    values = {
        "items": items_in_words(effect.items) if effect.target == Target.ITEMS else _("the cart"),
        "group": number(effect.buy + effect.get),
        "get": number(effect.get),
        "percent": percent_in_words(effect.percent),
    }
    cheapest = effect.choose == Choose.CHEAPEST
    which = (
        ngettext("the cheapest", "the %(get)s cheapest", effect.get)
        if cheapest
        else ngettext("the dearest", "the %(get)s dearest", effect.get)
    )
    values["which"] = which % values
    if effect.percent == 100:
        words = _("of every %(group)s pieces (%(items)s) %(which)s free") % values
    else:
        words = _("of every %(group)s pieces (%(items)s) %(which)s %(percent)s cheaper") % values
    if effect.grouping == Grouping.PER_GROUP:
        words = _("%(words)s, within each group") % {"words": words}
    return _limited(words, effect)


def _tiers(effect: Effect, currency: str) -> str:
    steps = [
        _("%(value)s off from %(amount)s")
        % {"value": _tier_value(tier, currency), "amount": money(tier.from_amount, currency)}
        for tier in sorted(effect.tiers, key=lambda tier: tier.from_amount)
    ]
    words = "; ".join(steps)
    if effect.target == Target.ITEMS:
        return _("%(steps)s spent on %(items)s") % {"steps": words, "items": items_in_words(effect.items)}
    return words


def _tier_value(tier: Tier, currency: str) -> str:
    return percent_in_words(tier.percent) if tier.percent is not None else money(tier.amount, currency)


def _gift_item(effect: Effect, currency: str) -> str:
    words = _("%(count)s × %(sku)s as a gift") % {"count": number(effect.get), "sku": effect.gift_sku}
    if effect.target == Target.ITEMS:
        return _("%(words)s with %(items)s") % {"words": words, "items": items_in_words(effect.items)}
    return words


_EFFECTS = {
    Kind.PERCENT: _percent,
    Kind.AMOUNT: _amount,
    Kind.FIXED_PRICE: _fixed_price,
    Kind.FREE_SHIPPING: _free_shipping,
    Kind.FREE_UNITS: _free_units,
    Kind.TIERS: _tiers,
    Kind.GIFT_ITEM: _gift_item,
}


def _names(items: Items) -> Iterator[str]:
    skus, products, categories, brands = items.skus, items.products, items.categories, items.brands
    for names, label in (
        (skus, ngettext("article %(names)s", "articles %(names)s", len(skus))),
        (products, ngettext("product %(names)s", "products %(names)s", len(products))),
        (categories, ngettext("category %(names)s", "categories %(names)s", len(categories))),
        (brands, ngettext("brand %(names)s", "brands %(names)s", len(brands))),
        (
            items.collections,
            ngettext("collection %(names)s", "collections %(names)s", len(items.collections)),
        ),
    ):
        if names:
            yield label % {"names": some(names)}


def some(names: frozenset[str] | set[str]) -> str:
    """Return the first names of a set, and how many there are beside."""
    shown = sorted(names)[:SHOWN]
    rest = len(names) - len(shown)
    more = ngettext(" and %(count)d more", " and %(count)d more", rest) % {"count": rest}
    return ", ".join(shown) + (more if rest else "")
