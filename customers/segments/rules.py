"""Checking a tree of rules (react-querybuilder's JSON) against the catalogue; pure but for the choices.

Every mistake is told at once, each with the JSON pointer of its place.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from customers.segments.catalogue import Field, Kind, find_field
from customers.segments.moments import LONGEST_DAYS, Moment, Window
from customers.segments.readers import ALWAYS, Happening, RelativeDay
from operations.errors import InvalidInput, Mistake

DEEPEST = 6
MOST_LEAVES = 100
MOST_VALUES = 1000
LONGEST_TEXT = 500
LARGEST_NUMBER = 10**15
MODES = ("atLeast", "atMost", "exactly", "none")
NEGATED = {"!=": "=", "notIn": "in", "null": "notNull"}
# What react-querybuilder adds to a rule for itself.
EDITOR_KEYS = {"id", "path", "valueSource"}


@dataclass(frozen=True)
class Leaf:
    """One comparison, checked: `value` is typed, `source` the JSON it was written as."""

    code: str
    field: Field
    parts: tuple[str, ...]
    operator: str
    value: Any
    source: dict[str, Any]

    def condition(self, moment: Moment) -> Q:
        """Return the condition on the field's owner; `!=`, `notIn` and `null` are plain opposites."""
        positive = NEGATED.get(self.operator, self.operator)
        condition = self.field.reader.condition(positive, self.value, moment=moment, parts=self.parts)
        return ~condition if self.operator in NEGATED else condition


@dataclass(frozen=True)
class Group:
    """Several rules joined by `and` or `or`, perhaps negated; an empty one holds for everybody."""

    combinator: str
    negated: bool
    rules: "tuple[Group | Leaf, ...]"

    def condition(self, moment: Moment) -> Q:
        join = and_ if self.combinator == "and" else or_
        conditions = [rule.condition(moment) for rule in self.rules]
        joined = reduce(join, conditions) if conditions else ALWAYS
        return ~joined if self.negated else joined

    def leaves(self) -> Iterable[Leaf]:
        for rule in self.rules:
            yield from rule.leaves() if isinstance(rule, Group) else [rule]


def parse_rules(rules: Any, fields: Iterable[Field], *, pointer: str = "/rules") -> Group:
    """Return the tree, checked and typed. Raises InvalidInput with every mistake and its place."""
    parser = _Parser(tuple(fields))
    group = parser.group(rules, pointer, depth=1)
    if parser.leaves > MOST_LEAVES:
        parser.mistake(pointer, _("At most %(most)s conditions.") % {"most": MOST_LEAVES})
    if parser.mistakes:
        raise InvalidInput(_("The rules are not valid."), details=parser.mistakes)
    return group


class _Wrong(Exception):
    """A value that its field does not take."""


class _Parser:
    def __init__(self, fields: tuple[Field, ...]) -> None:
        self.fields = fields
        self.leaves = 0
        self.mistakes: list[Mistake] = []

    def mistake(self, pointer: str, message: str) -> None:
        self.mistakes.append(Mistake(pointer, message))

    def group(self, node: Any, pointer: str, *, depth: int) -> Group:
        nothing = Group("and", False, ())
        if not isinstance(node, dict) or not isinstance(node.get("rules"), list):
            self.mistake(pointer, _('A group is {"combinator", "not", "rules": [...]}.'))
            return nothing
        if depth > DEEPEST:
            self.mistake(pointer, _("Groups are nested at most %(most)s deep.") % {"most": DEEPEST})
            return nothing
        self._refuse_unknown_keys(node, {"combinator", "not", "rules"}, pointer)
        if node.get("combinator") not in ("and", "or"):
            self.mistake(f"{pointer}/combinator", _("The combinator is `and` or `or`."))
        if not isinstance(node.get("not", False), bool):
            self.mistake(f"{pointer}/not", _("`not` is true or false."))
        if len(node["rules"]) > MOST_LEAVES:
            self.mistake(f"{pointer}/rules", _("At most %(most)s conditions.") % {"most": MOST_LEAVES})
            return nothing
        rules = [
            self.rule(rule, f"{pointer}/rules/{index}", depth=depth)
            for index, rule in enumerate(node["rules"])
        ]
        return Group(
            node.get("combinator", "and"), bool(node.get("not")), tuple(rule for rule in rules if rule)
        )

    def rule(self, node: Any, pointer: str, *, depth: int) -> Group | Leaf | None:
        if isinstance(node, dict) and "rules" in node:
            return self.group(node, pointer, depth=depth + 1)
        return self.leaf(node, pointer, depth=depth)

    def leaf(self, node: Any, pointer: str, *, depth: int) -> Leaf | None:
        self.leaves += 1
        if not isinstance(node, dict) or not isinstance(node.get("field"), str):
            self.mistake(pointer, _('A condition is {"field", "operator", "value"}.'))
            return None
        self._refuse_unknown_keys(node, {"field", "operator", "value"}, pointer)
        found = find_field(node["field"], self.fields)
        if found is None:
            self.mistake(f"{pointer}/field", _("There is no field %(code)s.") % {"code": node["field"][:100]})
            return None
        field, parts = found
        operator = node.get("operator")
        if operator not in field.operators:
            message = _("%(field)s takes the operators %(operators)s.") % {
                "field": node["field"],
                "operators": " ".join(field.operators),
            }
            self.mistake(f"{pointer}/operator", message)
            return None
        try:
            value = self._value(field, operator, node.get("value"), f"{pointer}/value", depth)
        except _Wrong as wrong:
            self.mistake(f"{pointer}/value", str(wrong))
            return None
        return Leaf(node["field"], field, parts, operator, value, node)

    def _value(self, field: Field, operator: str, value: Any, pointer: str, depth: int) -> Any:
        if operator in ("null", "notNull"):
            return None
        if operator == "happened":
            return self._happening(field, value, pointer, depth)
        if operator == "between":
            if not isinstance(value, list) or len(value) != 2:
                raise _Wrong(_("`between` takes a list of two values."))
            low, high = (_single(field, each) for each in value)
            if type(low) is type(high) and not isinstance(low, RelativeDay) and low > high:
                raise _Wrong(_("The first value is above the second."))
            return [low, high]
        if operator in ("in", "notIn"):
            if not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES:
                raise _Wrong(
                    _("`in` and `notIn` take a list of 1 to %(most)s values.") % {"most": MOST_VALUES}
                )
            return [_single(field, each) for each in value]
        if operator in ("contains", "beginsWith"):
            return _text(value)
        return _single(field, value)

    def _happening(self, field: Field, value: Any, pointer: str, depth: int) -> Happening:
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise _Wrong(_('An event takes {"match", "window", "where"}.'))
        self._refuse_unknown_keys(value, {"match", "window", "where"}, pointer)
        mode, threshold = self._match(value.get("match"), f"{pointer}/match")
        window = self._window(value.get("window"), f"{pointer}/window")
        where = None
        if value.get("where") is not None:
            outer, self.fields = self.fields, tuple(field.where.values())
            where = self.group(value["where"], f"{pointer}/where", depth=depth + 1)
            self.fields = outer
        return Happening(mode, threshold, window, where)

    def _match(self, match: Any, pointer: str) -> tuple[str, int]:
        if match is None:
            return "atLeast", 1
        if not isinstance(match, dict) or match.get("mode") not in MODES:
            self.mistake(pointer, _("The mode is one of %(modes)s.") % {"modes": " ".join(MODES)})
            return "atLeast", 1
        self._refuse_unknown_keys(match, {"mode", "threshold"}, pointer)
        if match["mode"] == "none":
            return "none", 0
        threshold = match.get("threshold", 1)
        if not _is_whole(threshold) or not 0 <= threshold <= 1_000_000:
            self.mistake(f"{pointer}/threshold", _("The threshold is a whole number from 0 to 1000000."))
            return "atLeast", 1
        return match["mode"], threshold

    def _window(self, window: Any, pointer: str) -> Window:
        if window is None or window == {}:
            return Window()
        try:
            return _window(window)
        except _Wrong as wrong:
            self.mistake(pointer, str(wrong))
            return Window()

    def _refuse_unknown_keys(self, node: dict, known: set[str], pointer: str) -> None:
        for key in sorted(set(node) - known - EDITOR_KEYS):
            self.mistake(pointer, _("The key %(key)s is not known here.") % {"key": str(key)[:100]})


def _window(window: Any) -> Window:
    if not isinstance(window, dict):
        raise _Wrong(_("A window is an object."))
    if set(window) == {"last_days"}:
        return Window(last_days=_days(window["last_days"]))
    if set(window) == {"days_ago"}:
        days = window["days_ago"]
        if not isinstance(days, list) or len(days) != 2:
            raise _Wrong(_("`days_ago` takes a list of two numbers, the nearer first."))
        nearest, farthest = _days(days[0]), _days(days[1])
        if nearest > farthest:
            raise _Wrong(_("`days_ago` takes a list of two numbers, the nearer first."))
        return Window(days_ago=(nearest, farthest))
    if window and set(window) <= {"from", "until"}:
        since, until = _bound(window.get("from")), _bound(window.get("until"))
        if type(since) is type(until) and since is not None and since > until:
            raise _Wrong(_("The window ends before it begins."))
        return Window(since=since, until=until)
    raise _Wrong(_("A window is one of last_days, days_ago, or from and until."))


def _days(value: Any) -> int:
    if not _is_whole(value) or not 0 <= value <= LONGEST_DAYS:
        raise _Wrong(_("Days are a whole number from 0 to %(most)s.") % {"most": LONGEST_DAYS})
    return value


def _bound(value: Any) -> date | datetime | None:
    if value is None:
        return None
    if isinstance(value, str) and "T" in value:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            raise _Wrong(_("An instant is written 2026-11-21T12:00:00+01:00, with its offset."))
        return instant
    return _day(value)


def _day(value: Any) -> date:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _Wrong(_("A day is written 2026-11-21.")) from None
    if not 1900 <= day.year <= 2999:
        raise _Wrong(_("A day lies between the years 1900 and 2999."))
    return day


def _single(field: Field, value: Any) -> Any:
    match field.kind:
        case Kind.TEXT:
            return _text(value)
        case Kind.CHOICE:
            return _choice(field, value)
        case Kind.INTEGER | Kind.MONEY:
            return _whole(value)
        case Kind.DATE:
            return _relative_or_day(value)
        case Kind.BOOLEAN:
            if not isinstance(value, bool):
                raise _Wrong(_("The value is true or false."))
            return value
        case Kind.ANY:
            return _scalar(value)
    raise AssertionError(field.kind)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or "\0" in value:
        raise _Wrong(_("The value is a text of at most %(most)s characters.") % {"most": LONGEST_TEXT})
    return value


def _choice(field: Field, value: Any) -> str:
    choices = field.choices() if field.choices else None
    text = _text(value)
    if choices is not None and text not in choices:
        known = ", ".join(list(choices)[:20]) or _("none yet")
        raise _Wrong(
            _("%(value)s is not one of the choices: %(known)s.") % {"value": text[:100], "known": known}
        )
    return text


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(value: Any) -> int:
    if not _is_whole(value) or abs(value) > LARGEST_NUMBER:
        raise _Wrong(_("The value is a whole number."))
    return value


def _scalar(value: Any) -> str | int | float | bool:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool) or (isinstance(value, int | float) and abs(value) <= LARGEST_NUMBER):
        return value
    raise _Wrong(_("The value is a text, a number, true or false."))


def _relative_or_day(value: Any) -> date | RelativeDay:
    if isinstance(value, dict):
        days = value.get("days_ago")
        if set(value) != {"days_ago"} or not _is_whole(days) or abs(days) > LONGEST_DAYS:
            raise _Wrong(_('A relative day is {"days_ago": 30}.'))
        return RelativeDay(days)
    return _day(value)
