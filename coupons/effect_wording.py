"""What an effect gives, and on which articles, in words a person understands."""

from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.engine import Effect, Items, MarginFloor, Part, Tier
from coupons.engine.incentive import Choose, Grouping, Kind, Target
from operations.formats import money, number


def effect_in_words(effect: Effect, currency: str) -> str:
    """Return what is given, in half a line."""
    words = _WORDS[effect.kind](effect, currency)
    if effect.amount_limit is not None:
        words = _("%(words)s, at most %(limit)s") % {
            "words": words,
            "limit": money(effect.amount_limit, currency),
        }
    if effect.margin_floor is not None:
        words = f"{words}, {margin_in_words(effect.margin_floor)}"
    return words


def items_in_words(items: Items) -> str:
    """Return which lines are meant."""
    words = "; ".join(_names(items)) or _("everything")
    if items.exclude and items.exclude.named:
        excluded = "; ".join(_names(items.exclude))
        words = _("%(items)s, without %(excluded)s") % {"items": words, "excluded": excluded}
    if items.exclude_discounted:
        words = _("%(items)s, unless reduced already") % {"items": words}
    if items.min_margin_percent is not None:
        words = _("%(items)s that earn %(percent)s or more") % {
            "items": words,
            "percent": _percent(items.min_margin_percent),
        }
    return words


def margin_in_words(floor: MarginFloor) -> str:
    """Return what has to be left to the merchant."""
    words = _("as long as each article still earns %(percent)s") % {"percent": _percent(floor.percent)}
    if floor.allow_unknown:
        return _("%(words)s, where its cost is known") % {"words": words}
    return words


def part_in_words(part: Part) -> str:
    """Return so many pieces of an article, a category or a brand."""
    label = {
        "sku": _("%(count)s x article %(name)s"),
        "category": _("%(count)s x category %(name)s"),
        "brand": _("%(count)s x brand %(name)s"),
    }[part.by]
    return label % {"count": number(part.quantity), "name": part.name}


def _off(value: str, effect: Effect) -> str:
    if effect.target == Target.ITEMS:
        return _("%(value)s off %(items)s") % {"value": value, "items": items_in_words(effect.items)}
    return _("%(value)s off the whole order") % {"value": value}


def _percent_off(effect: Effect, currency: str) -> str:
    return _off(_percent(effect.percent), effect)


def _amount_off(effect: Effect, currency: str) -> str:
    return _off(money(effect.amount, currency), effect)


def _fixed_price(effect: Effect, currency: str) -> str:
    values = {"price": money(effect.amount, currency), "items": items_in_words(effect.items)}
    if effect.bundle:
        values["items"] = " + ".join(part_in_words(part) for part in effect.bundle)
        words = _("%(items)s together for %(price)s") % values
    elif effect.target == Target.ITEMS:
        words = _("%(items)s for %(price)s each") % values
    else:
        words = _("the whole order for %(price)s") % values
    return _limited(words, effect)


def _free_shipping(effect: Effect, currency: str) -> str:
    if effect.target == Target.ITEMS:
        return _("free shipping with %(items)s") % {"items": items_in_words(effect.items)}
    return _("free shipping")


def _free_units(effect: Effect, currency: str) -> str:
    values = {
        "group": number(effect.buy + effect.get),
        "get": number(effect.get),
        "items": items_in_words(effect.items) if effect.target == Target.ITEMS else _("pieces of the order"),
        "percent": _percent(effect.percent),
        "which": _("the cheapest") if effect.choose == Choose.CHEAPEST else _("the most expensive"),
    }
    if effect.percent == 100:
        words = _("of %(group)s (%(items)s) %(get)s free, %(which)s") % values
    else:
        words = _("of %(group)s (%(items)s) %(get)s %(percent)s cheaper, %(which)s") % values
    if effect.grouping == Grouping.PER_GROUP:
        words = _("%(words)s of each group") % {"words": words}
    return _limited(words, effect)


def _limited(words: str, effect: Effect) -> str:
    if effect.unit_limit is None:
        return words
    limited = ngettext(
        "%(words)s, at most %(count)s time", "%(words)s, at most %(count)s times", effect.unit_limit
    )
    return limited % {"words": words, "count": number(effect.unit_limit)}


def _tiers(effect: Effect, currency: str) -> str:
    ordered = sorted(effect.tiers, key=lambda tier: tier.from_amount)
    return _off("; ".join(_tier(tier, currency) for tier in ordered), effect)


def _tier(tier: Tier, currency: str) -> str:
    value = _percent(tier.percent) if tier.percent is not None else money(tier.amount, currency)
    return _("from %(amount)s on %(value)s") % {"amount": money(tier.from_amount, currency), "value": value}


def _gift_item(effect: Effect, currency: str) -> str:
    return _("%(count)s x article %(name)s as a gift") % {
        "count": number(effect.get),
        "name": effect.gift_sku,
    }


def _percent(value: Decimal) -> str:
    plain = value.normalize()
    return f"{number(plain, max(0, -plain.as_tuple().exponent))}%"


def _names(items: Items) -> Iterator[str]:
    for names, label in (
        (items.skus, _("articles %(names)s")),
        (items.products, _("products %(names)s")),
        (items.categories, _("categories %(names)s")),
        (items.brands, _("brands %(names)s")),
        (items.collections, _("collections %(names)s")),
    ):
        if names:
            shown = sorted(names)[:5]
            rest = len(names) - len(shown)
            more = ngettext(" and %(count)d more", " and %(count)d more", rest) % {"count": rest}
            yield label % {"names": ", ".join(shown)} + (more if rest else "")


_WORDS = {
    Kind.PERCENT: _percent_off,
    Kind.AMOUNT: _amount_off,
    Kind.FIXED_PRICE: _fixed_price,
    Kind.FREE_SHIPPING: _free_shipping,
    Kind.FREE_UNITS: _free_units,
    Kind.TIERS: _tiers,
    Kind.GIFT_ITEM: _gift_item,
}
