"""When something happens: a kind of event, what it must hold, how much later, how often for one person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from campaigns.triggers.reading import RuleReader

OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "in", "notIn", "contains", "null", "notNull")
FIELDS = ("amount", "sku", "product_line", "category", "brand", "store", "sales_channel", "source")
SAME_PRODUCT, ANYTHING = "same_product", "anything"
MOST_CONDITIONS = 20
LONGEST_DELAY_MINUTES = 2 * 366 * 24 * 60


@dataclass(frozen=True)
class Condition:
    """One thing an event must say: a `field` of it, or `payload.NAME`."""

    field: str
    operator: str
    value: Any = None

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Return whether it holds for an event; what is missing is only ever null, unequal or not in."""
        found = facts.get(self.field)
        if self.operator in ("null", "notNull"):
            return (found is None) == (self.operator == "null")
        if self.operator in ("!=", "notIn"):
            return not Condition(self.field, {"!=": "=", "notIn": "in"}[self.operator], self.value).holds(
                facts
            )
        if found is None:
            return False
        if self.operator == "=":
            return _same(found, self.value)
        if self.operator == "in":
            return any(_same(found, each) for each in self.value)
        if self.operator == "contains":
            return _contains(found, self.value)
        return _is_number(found) and _compare(found, self.operator, self.value)


@dataclass(frozen=True)
class EventRule:
    """An event of `type`, whatever its payload, where all conditions hold.

    The message is due `delay` later, unless meanwhile the person bought (`unless_bought`: the same product or
    anything) or an event of `unless_event` happened. `nth` is the how many-th of its kind it must be for the
    person, `every_nth` every so many-th. With `collection_missing` an order counts that leaves no more than
    so many articles of a collection missing. One person has it again only after `again_after_days`; never,
    where `only_once`.
    """

    type: str
    where: tuple[Condition, ...] = ()
    delay_minutes: int = 0
    only_once: bool = False
    again_after_days: int = 0
    nth: int = 0
    every_nth: int = 0
    collection_missing: int = 0
    unless_bought: str = ""
    unless_event: str = ""

    @classmethod
    def parse(cls, rule: Any) -> "EventRule":
        """Return the rule `{"type", "where": [{"field", "operator", "value"}], "delay_minutes", "nth" |
        "every_nth", "only_once" | "again_after_days", "unless_bought", "unless_event"}`."""
        reader = RuleReader(rule)
        type_ = reader.text("type", longest=64, required=True)
        if type_ and ("." not in type_ or type_.endswith("*")):
            reader.wrong("type", _("Name a kind of event, such as order.recorded."))
        where = _conditions(reader)
        delay = reader.whole("delay_minutes", lowest=0, highest=LONGEST_DELAY_MINUTES, default=0)
        once = reader.flag("only_once")
        again = reader.whole("again_after_days", lowest=0, highest=3660, default=0)
        nth = reader.whole("nth", lowest=0, highest=10_000, default=0)
        every_nth = reader.whole("every_nth", lowest=0, highest=10_000, default=0)
        if nth and every_nth:
            reader.wrong("every_nth", _("Say which one or every so many-th, not both."))
        missing = reader.whole("collection_missing", lowest=0, highest=100, default=0)
        if missing and type_ != "order.recorded":
            reader.wrong("collection_missing", _("Only an order can complete a collection."))
        bought = reader.choice("unless_bought", ("", SAME_PRODUCT, ANYTHING), "")
        unless = reader.text("unless_event", longest=64)
        reader.done()
        return cls(type_, where, delay, once, again, nth, every_nth, missing, bought, unless)

    @property
    def delay(self) -> timedelta:
        return timedelta(minutes=self.delay_minutes)

    def fits(self, facts: Mapping[str, Any]) -> bool:
        """Return whether an event says what it must."""
        return all(condition.holds(facts) for condition in self.where)

    def is_the_one(self, number: int) -> bool:
        """Return whether the person's `number`-th event of this kind is one that counts."""
        if self.nth:
            return number == self.nth
        return not self.every_nth or number % self.every_nth == 0

    @property
    def counts(self) -> bool:
        return bool(self.nth or self.every_nth)


@dataclass(frozen=True)
class SegmentRule:
    """Somebody enters or leaves a segment; the message is due `delay_minutes` later."""

    segment: str
    moves: str
    delay_minutes: int = 0
    only_once: bool = False
    again_after_days: int = 0

    @classmethod
    def parse(cls, rule: Any) -> "SegmentRule":
        """Return the rule `{"segment": CODE, "moves": "entered|left", "delay_minutes", "only_once"}`."""
        reader = RuleReader(rule)
        segment = reader.text("segment", longest=120, required=True)
        moves = reader.choice("moves", ("entered", "left"), "entered")
        delay = reader.whole("delay_minutes", lowest=0, highest=LONGEST_DELAY_MINUTES, default=0)
        once = reader.flag("only_once")
        again = reader.whole("again_after_days", lowest=0, highest=3660, default=0)
        reader.done()
        return cls(segment, moves, delay, once, again)

    @property
    def event_type(self) -> str:
        return f"segment.{self.moves}"

    @property
    def delay(self) -> timedelta:
        return timedelta(minutes=self.delay_minutes)


def _conditions(reader: RuleReader) -> tuple[Condition, ...]:
    given = reader.given("where")
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MOST_CONDITIONS:
        reader.wrong("where", _("Conditions are a list of at most %(most)s.") % {"most": MOST_CONDITIONS})
        return ()
    found = []
    for index, each in enumerate(given):
        condition = _condition(each)
        if isinstance(condition, str):
            reader.wrong(f"where/{index}", condition)
        else:
            found.append(condition)
    return tuple(found)


def _condition(given: Any) -> "Condition | str":
    """Return the condition, or what is wrong with it."""
    if not isinstance(given, Mapping) or set(given) - {"field", "operator", "value"}:
        return _("A condition has a field, an operator and a value.")
    field, operator, value = given.get("field"), given.get("operator", "="), given.get("value")
    if not isinstance(field, str) or not (field in FIELDS or field.startswith("payload.")):
        return _("Events have no such field; details of theirs are called payload.NAME.")
    if operator not in OPERATORS:
        return _("There is no such operator.")
    if operator in ("in", "notIn"):
        if not isinstance(value, list) or not all(_is_plain(each) for each in value):
            return _("This operator takes a list of texts or numbers.")
    elif operator in ("<", "<=", ">", ">="):
        if not _is_number(value):
            return _("This operator takes a number.")
    elif operator in ("=", "!=", "contains") and not _is_plain(value):
        return _("This operator takes a text or a number.")
    return Condition(field, operator, tuple(value) if isinstance(value, list) else value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool) and value == value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(found: Any, value: Any) -> bool:
    if isinstance(found, bool) or isinstance(value, bool):
        return found is value
    return found == value or (isinstance(found, list) and value in found)


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, list):
        return value in found
    return isinstance(found, str) and str(value).lower() in found.lower()


def _compare(found: float, operator: str, value: float) -> bool:
    return {
        "<": found < value,
        "<=": found <= value,
        ">": found > value,
        ">=": found >= value,
    }[operator]
