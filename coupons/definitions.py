"""How a promotion is written as JSON (api.md, Promotions), read into the engine's values.

Every reader raises InvalidInput with a pointer to each mistake. What is not understood is never passed over:
a field that does not exist is a mistake.
"""

from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from coupons.engine import (
    Conditions,
    Effect,
    Items,
    MarginFloor,
    MinimumSpend,
    Part,
    Stacking,
    Tier,
    WeeklyHours,
)
from coupons.engine.incentive import Basis, Choose, Grouping, Kind, SpendBasis, SpendScope, Target
from coupons.patterns import pattern_mistake
from coupons.rules import code_mistake
from operations.errors import InvalidInput, Mistake

LARGEST_AMOUNT = 10**12
LARGEST_NUMBER = 2**31 - 1
LARGEST_COUNT = 1_000_000
LONGEST_BUNDLE = 6
LONGEST_LIST = 1000
LONGEST_TEXT = 200
DAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]

Choice = TypeVar("Choice", bound=StrEnum)


class LimitSubject(StrEnum):
    COUPON = "COUPON"
    CUSTOMER_COUPON = "CUSTOMER_COUPON"
    CUSTOMER = "CUSTOMER"
    PROMOTION = "PROMOTION"


class Period(StrEnum):
    TOTAL = "TOTAL"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


class Metric(StrEnum):
    DISCOUNT_AMOUNT = "DISCOUNT_AMOUNT"
    REDEMPTIONS = "REDEMPTIONS"
    GIFT_AMOUNT = "GIFT_AMOUNT"
    POINTS = "POINTS"


class MissingCost(StrEnum):
    """What a margin floor makes of an article whose cost nobody knows."""

    DENY = "DENY"
    ALLOW = "ALLOW"


class OnInsufficient(StrEnum):
    REJECT = "REJECT"
    PARTIAL = "PARTIAL"


@dataclass(frozen=True)
class LimitRule:
    """At most so many uses by a subject in a period."""

    subject: LimitSubject
    uses: int
    period: Period


@dataclass(frozen=True)
class BudgetRule:
    """At most so much (minor units, or redemptions) in a period."""

    metric: Metric
    cap: int
    period: Period
    on_insufficient: OnInsufficient


@dataclass(frozen=True)
class CouponRule:
    """What the codes of a promotion look like: a pattern for many, or one public `code`.

    An empty pattern makes no codes: only those that were issued are handed out, a pool.
    """

    pattern: str = "##########"
    code: str = ""
    max_uses: int | None = 1
    valid_days: int | None = None


@dataclass
class _Object:
    """One JSON object being read: each field is asked for once, mistakes are collected."""

    data: Any
    pointer: str
    mistakes: list[Mistake] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if not isinstance(self.data, dict):
            raise InvalidInput.at(self.pointer, _("This is an object."))

    def wrong(self, name: str, message: str) -> None:
        self.mistakes.append(Mistake(f"{self.pointer}/{name}", message))

    def value(self, name: str, *, required: bool = False) -> Any:
        self.asked.add(name)
        value = self.data.get(name)
        if value is None and required:
            self.wrong(name, _("This field is required."))
        return value

    def whole(
        self, name: str, *, low: int = 1, high: int = LARGEST_NUMBER, default: Any = None, required=False
    ) -> Any:
        value = self.value(name, required=required)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.wrong(
                name, _("This is a whole number from %(low)d to %(high)d.") % {"low": low, "high": high}
            )
            return default
        return value

    def amount(self, name: str, *, required: bool = False) -> int | None:
        return self.whole(name, high=LARGEST_AMOUNT, required=required)

    def flag(self, name: str) -> bool:
        value = self.value(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, _("This is true or false."))
        return value is True

    def choice(self, name: str, kind: type[Choice], *, default: Choice | None = None) -> Choice | None:
        value = self.value(name, required=default is None)
        if value is None:
            return default
        if not isinstance(value, str) or value not in kind.__members__.values():
            known = ", ".join(kind)
            self.wrong(name, _("This is one of %(values)s.") % {"values": known})
            return default
        return kind(value)

    def text(self, name: str, *, default: str = "", required: bool = False) -> str:
        value = self.value(name, required=required)
        if value is None:
            return default
        if not isinstance(value, str) or len(value) > LONGEST_TEXT or (required and not value.strip()):
            self.wrong(name, _("This is a text of at most %(count)d characters.") % {"count": LONGEST_TEXT})
            return default
        return value

    def names(self, name: str) -> frozenset[str]:
        value = self.value(name)
        if value is None:
            return frozenset()
        good = isinstance(value, list) and len(value) <= LONGEST_LIST
        if not good or not all(isinstance(one, str) and 0 < len(one) <= LONGEST_TEXT for one in value):
            self.wrong(name, _("This is a list of texts."))
            return frozenset()
        if not value:
            self.wrong(name, _("An empty list would exclude everything; leave it out."))
        return frozenset(value)

    def nested(self, name: str, read: Any, *arguments: Any, default: Any = None) -> Any:
        value = self.value(name)
        if value is None:
            return default
        try:
            return read(value, f"{self.pointer}/{name}", *arguments)
        except InvalidInput as error:
            self.mistakes.extend(error.details)
            return default

    def finish(self) -> None:
        """Raise InvalidInput when anything was wrong, or when a field was never asked for."""
        for name in self.data.keys() - self.asked:
            self.wrong(name, _("There is no such field."))
        if self.mistakes:
            raise InvalidInput(details=sorted(self.mistakes, key=lambda mistake: mistake.pointer))


def read_effect(data: Any, pointer: str = "/effect") -> Effect:
    """Return what a promotion gives, on the order or on some items."""
    entry = _Object(data, pointer)
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


def _read_percent(entry: _Object) -> dict[str, Any]:
    limit = entry.amount("amount_limit")
    if _is_personal(entry, "percent"):
        return {"personal": True, "amount_limit": limit}
    return {"percent": _percent(entry), "amount_limit": limit}


def _read_amount(entry: _Object) -> dict[str, Any]:
    if _is_personal(entry, "amount"):
        return {"personal": True}
    return {"amount": entry.amount("amount", required=True)}


def _is_personal(entry: _Object, name: str) -> bool:
    """Return whether each person has a value of their own; the promotion then names none."""
    personal = entry.flag("personal")
    if personal and entry.value(name) is not None:
        entry.wrong(name, _("Each person has a value of their own: leave this out."))
    return personal


def _read_fixed_price(entry: _Object) -> dict[str, Any]:
    bundle = entry.nested("bundle", _read_list, _read_part, default=())
    if len(bundle) > LONGEST_BUNDLE:
        entry.wrong("bundle", _("A bundle has at most %(count)d parts.") % {"count": LONGEST_BUNDLE})
    limit = entry.whole("unit_limit")
    if limit and not bundle and entry.data.get("target", Target.ORDER) == Target.ORDER:
        entry.wrong("unit_limit", _("Pieces are counted with the target ITEMS or in a bundle."))
    return {
        "amount": entry.whole("amount", low=0, high=LARGEST_AMOUNT, required=True),
        "bundle": bundle,
        "unit_limit": limit,
    }


def _read_free_shipping(entry: _Object) -> dict[str, Any]:
    return {"amount_limit": entry.amount("amount_limit")}


def _read_free_units(entry: _Object) -> dict[str, Any]:
    return {
        "buy": entry.whole("buy", low=0, high=LARGEST_COUNT, required=True) or 0,
        "get": entry.whole("get", high=LARGEST_COUNT, default=1),
        "percent": _percent(entry, default=Decimal(100)),
        "choose": entry.choice("choose", Choose, default=Choose.CHEAPEST),
        "grouping": entry.choice("grouping", Grouping, default=Grouping.OVERALL),
        "unit_limit": entry.whole("unit_limit"),
    }


def _read_tiers(entry: _Object) -> dict[str, Any]:
    tiers = entry.nested("tiers", _read_list, _read_tier, default=())
    if not tiers and not entry.mistakes:
        entry.wrong("tiers", _("Name at least one tier."))
    if len({tier.from_amount for tier in tiers}) < len(tiers):
        entry.wrong("tiers", _("Two tiers begin at the same amount."))
    return {"tiers": tiers}


def _read_tier(data: Any, pointer: str) -> Tier:
    entry = _Object(data, pointer)
    both = {name for name in ("amount", "percent") if entry.data.get(name) is not None}
    tier = Tier(
        from_amount=entry.whole("from_amount", low=0, high=LARGEST_AMOUNT, required=True) or 0,
        percent=_percent(entry) if "percent" in both else entry.value("percent"),
        amount=entry.amount("amount"),
    )
    if len(both) != 1:
        entry.wrong("amount", _("A tier gives an amount or a percentage."))
    entry.finish()
    return tier


def _read_gift_item(entry: _Object) -> dict[str, Any]:
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
    entry = _Object(data, pointer)
    percent = _percent(entry, low=Decimal(0), high=Decimal("99.99"))
    policy = entry.choice("missing_cost", MissingCost, default=MissingCost.DENY)
    entry.finish()
    return MarginFloor(percent, allow_unknown=policy == MissingCost.ALLOW)


def _percent(
    entry: _Object,
    name: str = "percent",
    *,
    low: Decimal = Decimal("0.01"),
    high: Decimal = Decimal(100),
    default: Decimal | None = None,
) -> Decimal | None:
    value = entry.value(name, required=default is None)
    if value is None:
        return default
    try:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InvalidOperation
        percent = Decimal(value)
        if not (percent.is_finite() and low <= percent <= high and percent == round(percent, 2)):
            raise InvalidOperation
    except InvalidOperation:
        entry.wrong(
            name,
            _("A percentage is from %(low)s to %(high)s, with at most two decimals.")
            % {"low": low, "high": high},
        )
        return default
    return percent


def read_items(data: Any, pointer: str = "/items") -> Items:
    """Return which lines are meant, by any of the names, without the excluded ones."""
    entry = _Object(data, pointer)
    names = {name: entry.names(name) for name in ITEM_NAMES}
    exclude = entry.nested("exclude", _read_excluded)
    margin = None
    if entry.value("min_margin_percent") is not None:
        margin = _percent(entry, "min_margin_percent")
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
    entry = _Object(data, pointer)
    names = {name: entry.names(name) for name in ITEM_NAMES}
    entry.finish()
    return Items(**names)


PART_NAMES = ("sku", "category", "brand")
ITEM_NAMES = ("skus", "products", "categories", "brands", "collections")


def read_conditions(data: Any, pointer: str = "/conditions") -> Conditions:
    """Return who may use it, on what, where and when; what is absent restricts nothing."""
    entry = _Object(data, pointer)
    conditions = Conditions(
        segment=entry.text("segment") or None,
        holder_only=entry.flag("holder_only"),
        verified_email=entry.flag("verified_email"),
        first_order_only=entry.flag("first_order_only"),
        minimum_spend=entry.nested("minimum_spend", _read_minimum_spend),
        contains=entry.nested("contains", _read_list, _read_part, default=()),
        countries=frozenset(country.upper() for country in entry.names("countries")),
        regions=entry.names("regions"),
        languages=entry.names("languages"),
        stores=entry.names("stores"),
        sales_channels=entry.names("sales_channels"),
        weekly_hours=entry.nested("weekly_hours", _read_list, _read_hours, default=()),
        metadata=entry.nested("metadata", _read_metadata, default={}),
    )
    if any(len(country) != 2 for country in conditions.countries):
        entry.wrong("countries", _("A country is written with two letters, as IT."))
    entry.finish()
    return conditions


def _read_part(data: Any, pointer: str) -> Part:
    """Return so many pieces of one article, category or brand."""
    entry = _Object(data, pointer)
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
    entry = _Object(data, pointer)
    minimum = MinimumSpend(
        amount=entry.amount("amount", required=True) or 0,
        basis=entry.choice("basis", SpendBasis, default=SpendBasis.INITIAL),
        scope=entry.choice("scope", SpendScope, default=SpendScope.ORDER),
    )
    entry.finish()
    return minimum


def _read_hours(data: Any, pointer: str) -> WeeklyHours:
    entry = _Object(data, pointer)
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


def _clock(entry: _Object, name: str) -> time | None:
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


def read_limits(data: Any, pointer: str = "/limits") -> tuple[LimitRule, ...]:
    """Return how often it may be used, by whom and in which period."""
    limits = _read_list(data, pointer, _read_limit)
    subjects = [(limit.subject, limit.period) for limit in limits]
    if len(set(subjects)) < len(subjects):
        raise InvalidInput.at(pointer, _("The same subject and period stands here twice."))
    return limits


def _read_limit(data: Any, pointer: str) -> LimitRule:
    entry = _Object(data, pointer)
    limit = LimitRule(
        subject=entry.choice("subject", LimitSubject),
        uses=entry.whole("uses", required=True),
        period=entry.choice("period", Period, default=Period.TOTAL),
    )
    entry.finish()
    return limit


def read_stacking(data: Any, pointer: str = "/stacking") -> Stacking:
    """Return how it goes together with other incentives."""
    entry = _Object(data, pointer)
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


def read_budget(data: Any, pointer: str = "/budget") -> BudgetRule:
    """Return the cap on what a promotion may spend."""
    entry = _Object(data, pointer)
    metric = entry.choice("metric", Metric)
    budget = BudgetRule(
        metric=metric,
        cap=entry.whole("cap", high=LARGEST_AMOUNT, required=True),
        period=entry.choice("period", Period, default=Period.TOTAL),
        on_insufficient=entry.choice("on_insufficient", OnInsufficient, default=OnInsufficient.REJECT),
    )
    if metric == Metric.REDEMPTIONS and budget.on_insufficient == OnInsufficient.PARTIAL:
        entry.wrong("on_insufficient", _("A number of redemptions cannot be given in part."))
    entry.finish()
    return budget


def read_coupon_rule(data: Any, pointer: str = "/coupon") -> CouponRule:
    """Return what the codes look like; `max_uses` absent is 1, for a public code unlimited.

    A pattern that is there and empty means a pool.
    """
    entry = _Object(data, pointer)
    code, pattern = entry.text("code"), entry.text("pattern")
    pooled = entry.data.get("pattern") == "" and not code
    unlimited = ("max_uses" in entry.data and entry.data["max_uses"] is None) or (
        bool(code) and "max_uses" not in entry.data
    )
    rule = CouponRule(
        pattern="" if pooled else pattern or CouponRule.pattern,
        code=code.strip(),
        max_uses=entry.whole("max_uses", default=None if unlimited else 1),
        valid_days=entry.whole("valid_days", high=36_500),
    )
    if code and pattern:
        entry.wrong("pattern", _("A promotion has one public code or a pattern for many, not both."))
    if code and (mistake := code_mistake(code)):
        entry.wrong("code", mistake)
    if pattern and (mistake := pattern_mistake(pattern)):
        entry.wrong("pattern", mistake)
    entry.finish()
    return rule


def _read_list(data: Any, pointer: str, read: Any) -> tuple:
    if not isinstance(data, list) or len(data) > 50:
        raise InvalidInput.at(pointer, _("This is a list of at most 50 objects."))
    mistakes, rows = [], []
    for index, one in enumerate(data):
        try:
            rows.append(read(one, f"{pointer}/{index}"))
        except InvalidInput as error:
            mistakes.extend(error.details)
    if mistakes:
        raise InvalidInput(details=mistakes)
    return tuple(rows)
