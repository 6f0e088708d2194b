"""What a promotion gives, as it is written."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from coupons.definitions.conditions import read_items, read_part
from coupons.definitions.reading import LARGEST_COUNT, Entry, read_list, read_percent
from coupons.engine import Effect, Items, MarginFloor, Tier
from coupons.engine.incentive import Choose, Grouping, Kind, Target
from operations.amounts import MAXIMUM_AMOUNT
from operations.errors import InvalidInput

LONGEST_BUNDLE = 6


class MissingCost(StrEnum):
    """What a margin floor makes of an article whose cost nobody knows."""

    DENY = "DENY"
    ALLOW = "ALLOW"


def read_effect(data: Any, pointer: str = "/effect") -> Effect:
    """Return what a promotion gives, on the order or on some items."""
    entry = Entry(data, pointer)
    kind = entry.choice("kind", Kind)
    if kind is None:
        raise InvalidInput(details=entry.mistakes)
    target = entry.choice("target", Target, default=Target.ORDER)
    items = entry.nested("items", read_items, default=Items())
    if target == Target.ORDER and "items" in entry.data and entry.data["items"] is not None:
        entry.wrong("items", _("Items go with the target ITEMS."))
    fields = _EFFECTS[kind](entry)
    if kind in GUARDED:
        fields["margin_floor"] = entry.nested("margin_floor", read_margin_floor)
    entry.finish()
    return Effect(kind, target, items=items, **fields)


def _read_percent(entry: Entry) -> dict[str, Any]:
    limit = entry.amount("amount_limit")
    if _is_personal(entry, "percent"):
        return {"personal": True, "amount_limit": limit}
    return {"percent": read_percent(entry), "amount_limit": limit}


def _read_amount(entry: Entry) -> dict[str, Any]:
    if _is_personal(entry, "amount"):
        return {"personal": True}
    return {"amount": entry.amount("amount", required=True)}


def _is_personal(entry: Entry, name: str) -> bool:
    """Return whether each person has a value of their own; the promotion then names none."""
    personal = entry.flag("personal")
    if personal and entry.value(name) is not None:
        entry.wrong(name, _("Each person has a value of their own: leave this out."))
    return personal


def _read_fixed_price(entry: Entry) -> dict[str, Any]:
    bundle = entry.nested("bundle", read_list, read_part, default=())
    if len(bundle) > LONGEST_BUNDLE:
        entry.wrong("bundle", _("A bundle has at most %(count)d parts.") % {"count": LONGEST_BUNDLE})
    limit = entry.whole("unit_limit")
    if limit and not bundle and entry.data.get("target", Target.ORDER) == Target.ORDER:
        entry.wrong("unit_limit", _("Pieces are counted with the target ITEMS or in a bundle."))
    return {
        "amount": entry.whole("amount", low=0, high=MAXIMUM_AMOUNT, required=True),
        "bundle": bundle,
        "unit_limit": limit,
    }


def _read_free_shipping(entry: Entry) -> dict[str, Any]:
    return {"amount_limit": entry.amount("amount_limit")}


def _read_free_units(entry: Entry) -> dict[str, Any]:
    return {
        "buy": entry.whole("buy", low=0, high=LARGEST_COUNT, required=True) or 0,
        "get": entry.whole("get", high=LARGEST_COUNT, default=1),
        "percent": read_percent(entry, default=Decimal(100)),
        "choose": entry.choice("choose", Choose, default=Choose.CHEAPEST),
        "grouping": entry.choice("grouping", Grouping, default=Grouping.OVERALL),
        "unit_limit": entry.whole("unit_limit"),
    }


def _read_tiers(entry: Entry) -> dict[str, Any]:
    tiers = entry.nested("tiers", read_list, _read_tier, default=())
    if not tiers and not entry.mistakes:
        entry.wrong("tiers", _("Name at least one tier."))
    if len({tier.from_amount for tier in tiers}) < len(tiers):
        entry.wrong("tiers", _("Two tiers begin at the same amount."))
    return {"tiers": tiers}


def _read_tier(data: Any, pointer: str) -> Tier:
    entry = Entry(data, pointer)
    both = {name for name in ("amount", "percent") if entry.data.get(name) is not None}
    tier = Tier(
        from_amount=entry.whole("from_amount", low=0, high=MAXIMUM_AMOUNT, required=True) or 0,
        percent=read_percent(entry) if "percent" in both else entry.value("percent"),
        amount=entry.amount("amount"),
    )
    if len(both) != 1:
        entry.wrong("amount", _("A tier gives an amount or a percentage."))
    entry.finish()
    return tier


def _read_gift_item(entry: Entry) -> dict[str, Any]:
    return {
        "gift_sku": entry.text("sku", required=True).strip(),
        "get": entry.whole("quantity", high=LARGEST_COUNT, default=1),
    }


_EFFECTS = {
    Kind.PERCENT: _read_percent,
    Kind.AMOUNT: _read_amount,
    Kind.FIXED_PRICE: _read_fixed_price,
    Kind.FREE_SHIPPING: _read_free_shipping,
    Kind.FREE_UNITS: _read_free_units,
    Kind.TIERS: _read_tiers,
    Kind.GIFT_ITEM: _read_gift_item,
}

GUARDED = {Kind.PERCENT, Kind.AMOUNT, Kind.FIXED_PRICE, Kind.FREE_UNITS, Kind.TIERS}


def read_margin_floor(data: Any, pointer: str = "/margin_floor") -> MarginFloor | None:
    """Return what has to be earned on each line after the discount; None when nothing is said."""
    if data == {}:
        return None
    entry = Entry(data, pointer)
    percent = read_percent(entry, low=Decimal(0), high=Decimal("99.99"))
    policy = entry.choice("missing_cost", MissingCost, default=MissingCost.DENY)
    entry.finish()
    return MarginFloor(percent, allow_unknown=policy == MissingCost.ALLOW)
