"""How a promotion is written as JSON (api.md, Promotions), read into the engine's values.

Every reader raises InvalidInput with a pointer to each mistake. What is not understood is never passed over:
a field that does not exist, and one that exists but cannot be honoured yet, are both mistakes.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from coupons.engine import Conditions, Effect, Items, MinimumSpend, Stacking, WeeklyHours
from coupons.engine.incentive import Basis, Kind, SpendBasis, SpendScope, Target
from coupons.rules import code_mistake, pattern_mistake
from operations.errors import InvalidInput, Mistake

LARGEST_AMOUNT = 10**12
LARGEST_NUMBER = 2**31 - 1
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

    def choice(
        self, name: str, kind: type[Choice], *, default: Choice | None = None, later: Collection[str] = ()
    ) -> Choice | None:
        value = self.value(name, required=default is None)
        if value is None:
            return default
        if isinstance(value, str) and value in later:
            self.wrong(name, _("%(value)s is not supported yet.") % {"value": value})
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

    def later(self, *names: str) -> None:
        """Refuse fields that the design has and this version does not."""
        for name in names:
            self.asked.add(name)
            if self.data.get(name) not in (None, False):
                self.wrong(name, _("%(value)s is not supported yet.") % {"value": name})

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


LATER_EFFECTS = ("FIXED_PRICE", "FREE_SHIPPING", "FREE_UNITS", "TIERS", "GIFT_ITEM")


def read_effect(data: Any, pointer: str = "/effect") -> Effect:
    """Return what a promotion gives: PERCENT or AMOUNT, of the order or of some items."""
    entry = _Object(data, pointer)
    kind = entry.choice("kind", Kind, later=LATER_EFFECTS)
    if kind is None:
        raise InvalidInput(details=entry.mistakes)
    target = entry.choice("target", Target, default=Target.ORDER)
    percent = _percent(entry) if kind == Kind.PERCENT else None
    amount = entry.amount("amount", required=True) if kind == Kind.AMOUNT else None
    limit = entry.amount("amount_limit") if kind == Kind.PERCENT else None
    items = entry.nested("items", read_items, default=Items())
    if target == Target.ORDER and "items" in entry.data and entry.data["items"] is not None:
        entry.wrong("items", _("Items go with the target ITEMS."))
    entry.finish()
    return Effect(kind, target, percent=percent, amount=amount, amount_limit=limit, items=items)


def _percent(entry: _Object) -> Decimal | None:
    value = entry.value("percent", required=True)
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InvalidOperation
        percent = Decimal(value)
        if not (percent.is_finite() and 0 < percent <= 100 and percent == round(percent, 2)):
            raise InvalidOperation
    except InvalidOperation:
        entry.wrong("percent", _("A percentage is above 0 and at most 100, with at most two decimals."))
        return None
    return percent


def read_items(data: Any, pointer: str = "/items") -> Items:
    """Return which lines are meant, by any of the names, without the excluded ones."""
    entry = _Object(data, pointer)
    names = {name: entry.names(name) for name in ITEM_NAMES}
    exclude = entry.nested("exclude", _read_excluded)
    entry.later("exclude_discounted", "min_margin_percent")
    entry.finish()
    items = Items(**names, exclude=exclude)
    if not items.named and exclude is None:
        raise InvalidInput.at(pointer, _("Name at least one article, category, brand or collection."))
    return items


def _read_excluded(data: Any, pointer: str) -> Items:
    entry = _Object(data, pointer)
    names = {name: entry.names(name) for name in ITEM_NAMES}
    entry.finish()
    return Items(**names)


ITEM_NAMES = ("skus", "products", "categories", "brands", "collections")


def read_conditions(data: Any, pointer: str = "/conditions") -> Conditions:
    """Return who may use it, on what, where and when; what is absent restricts nothing."""
    entry = _Object(data, pointer)
    conditions = Conditions(
        segment=entry.text("segment") or None,
        holder_only=entry.flag("holder_only"),
        first_order_only=entry.flag("first_order_only"),
        minimum_spend=entry.nested("minimum_spend", _read_minimum_spend),
        stores=entry.names("stores"),
        sales_channels=entry.names("sales_channels"),
        weekly_hours=entry.nested("weekly_hours", _read_list, _read_hours, default=()),
    )
    entry.later("verified_email", "contains", "countries", "regions", "languages", "metadata")
    entry.finish()
    return conditions


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
