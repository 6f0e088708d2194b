"""On what and when a promotion applies, and beside what, as it is written."""

from datetime import time
from typing import Any

from django.utils.translation import gettext as _

from coupons.definitions.reading import LARGEST_COUNT, LONGEST_TEXT, Entry, read_list, read_percent
from coupons.engine import Conditions, Items, MinimumSpend, Part, Stacking, WeeklyHours
from coupons.engine.incentive import Basis, SpendBasis, SpendScope
from operations.errors import InvalidInput

ITEM_NAMES = ("skus", "products", "categories", "brands", "collections")
PART_NAMES = ("sku", "category", "brand")
DAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]


def read_items(data: Any, pointer: str = "/items") -> Items:
    """Return which lines are meant, by any of the names, without the excluded ones."""
    entry = Entry(data, pointer)
    names = {name: entry.names(name) for name in ITEM_NAMES}
    exclude = entry.nested("exclude", _read_excluded)
    margin = None
    if entry.value("min_margin_percent") is not None:
        margin = read_percent(entry, "min_margin_percent")
    items = Items(
        **names,
        exclude=exclude,
        exclude_discounted=entry.flag("exclude_discounted"),
        min_margin_percent=margin,
    )
    entry.finish()
    if items.everything:
        raise InvalidInput.at(pointer, _("Name at least one article, category, brand or collection."))
    return items


def _read_excluded(data: Any, pointer: str) -> Items:
    entry = Entry(data, pointer)
    names = {name: entry.names(name) for name in ITEM_NAMES}
    entry.finish()
    return Items(**names)


def read_conditions(data: Any, pointer: str = "/conditions") -> Conditions:
    """Return who may use it, on what, where and when; what is absent restricts nothing."""
    entry = Entry(data, pointer)
    conditions = Conditions(
        segment=entry.text("segment") or None,
        holder_only=entry.flag("holder_only"),
        verified_email=entry.flag("verified_email"),
        first_order_only=entry.flag("first_order_only"),
        minimum_spend=entry.nested("minimum_spend", _read_minimum_spend),
        contains=entry.nested("contains", read_list, read_part, default=()),
        countries=frozenset(country.upper() for country in entry.names("countries")),
        regions=entry.names("regions"),
        languages=entry.names("languages"),
        stores=entry.names("stores"),
        sales_channels=entry.names("sales_channels"),
        weekly_hours=entry.nested("weekly_hours", read_list, _read_hours, default=()),
        metadata=entry.nested("metadata", _read_metadata, default={}),
    )
    if any(len(country) != 2 for country in conditions.countries):
        entry.wrong("countries", _("A country is written with two letters, as IT."))
    entry.finish()
    return conditions


def read_part(data: Any, pointer: str) -> Part:
    """Return so many pieces of one article, category or brand."""
    entry = Entry(data, pointer)
    named = {name: entry.text(name).strip() for name in PART_NAMES}
    named = {name: value for name, value in named.items() if value}
    if len(named) != 1 and not entry.mistakes:
        entry.wrong(PART_NAMES[0], _("Name either an article, a category or a brand."))
    quantity = entry.whole("quantity", high=LARGEST_COUNT, default=1)
    entry.finish()
    return Part(*named.popitem(), quantity)


def _read_metadata(data: Any, pointer: str) -> dict[str, str | int | bool]:
    """Return what an order has to say about itself: a text, a whole number, or yes and no by key."""
    if not isinstance(data, dict) or not 0 < len(data) <= 20:
        raise InvalidInput.at(pointer, _("This is an object with at most 20 fields."))
    for name, value in data.items():
        good = isinstance(value, bool | int) or (isinstance(value, str) and len(value) <= LONGEST_TEXT)
        if not good:
            raise InvalidInput.at(f"{pointer}/{name}", _("This is a text, a whole number, or true or false."))
    return data


def _read_minimum_spend(data: Any, pointer: str) -> MinimumSpend:
    entry = Entry(data, pointer)
    minimum = MinimumSpend(
        amount=entry.amount("amount", required=True) or 0,
        basis=entry.choice("basis", SpendBasis, default=SpendBasis.INITIAL),
        scope=entry.choice("scope", SpendScope, default=SpendScope.ORDER),
    )
    entry.finish()
    return minimum


def _read_hours(data: Any, pointer: str) -> WeeklyHours:
    entry = Entry(data, pointer)
    days = entry.names("days")
    if not days or not days <= set(DAYS):
        entry.wrong("days", _("Days are some of %(days)s.") % {"days": ", ".join(DAYS)})
        days = frozenset()
    since, until = _clock(entry, "from"), _clock(entry, "until")
    if isinstance(since, time) and isinstance(until, time) and until <= since:
        entry.wrong("until", _("Hours end after they begin; 24:00 is midnight."))
    if since is None:
        entry.wrong("from", _("A day begins at 00:00."))
    entry.finish()
    return WeeklyHours(frozenset(DAYS.index(day) for day in days), since, until)


def _clock(entry: Entry, name: str) -> time | None:
    """Return the time of day; None for 24:00."""
    text = entry.text(name, required=True)
    if text == "24:00":
        return None
    try:
        if len(text) != 5:
            raise ValueError
        return time.fromisoformat(text)
    except ValueError:
        entry.wrong(name, _("A time is written as 09:30."))
        return time()


def read_stacking(data: Any, pointer: str = "/stacking") -> Stacking:
    """Return how it goes together with other incentives."""
    entry = Entry(data, pointer)
    stacking = Stacking(
        category=entry.text("category"),
        rank=entry.whole("rank", low=0, high=1_000_000, default=0),
        exclusive=entry.flag("exclusive"),
        basis=entry.choice("basis", Basis, default=Basis.DISCOUNTED),
        max_in_category=entry.whole("max_in_category"),
        max_applied=entry.whole("max_applied"),
    )
    if stacking.max_in_category is not None and not stacking.category:
        entry.wrong("max_in_category", _("A cap on a category needs the category."))
    entry.finish()
    return stacking
