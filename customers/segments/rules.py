"""Checking a tree of rules (react-querybuilder's JSON) against the catalogue; pure but for the choices.

Every mistake is told at once, each with the JSON pointer of its place.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from customers.segments.catalogue import Field, Kind, find_field
from customers.segments.event_values import EventValues
from customers.segments.happenings import Deed
from customers.segments.moments import Moment
from customers.segments.readers import ALWAYS
from customers.segments.values import Wrong, is_code, typed
from operations.errors import InvalidInput, Mistake

DEEPEST = 6
MOST_LEAVES = 100
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
    parser = Parser(tuple(fields))
    group = parser.group(rules, pointer, depth=1)
    if parser.leaves > MOST_LEAVES:
        parser.mistake(pointer, _("At most %(most)s conditions.") % {"most": MOST_LEAVES})
    if parser.mistakes:
        raise InvalidInput(_("The rules are not valid."), details=parser.mistakes)
    return group


class Parser:
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
        self.refuse_unknown_keys(node, {"combinator", "not", "rules"}, pointer)
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
        self.refuse_unknown_keys(node, {"field", "operator", "value"}, pointer)
        found = self.field(node["field"], f"{pointer}/field")
        if found is None:
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
            if field.kind is Kind.EVENT:
                deed = Deed(node["field"], field.label_of(node["field"]), field.reader, parts)
                value = EventValues(self, field, deed, depth).read(
                    operator, node.get("value"), f"{pointer}/value"
                )
            else:
                value = typed(field, operator, node.get("value"))
        except Wrong as wrong:
            self.mistake(f"{pointer}/value", str(wrong))
            return None
        return Leaf(node["field"], field, parts, operator, value, node)

    def refuse_unknown_keys(self, node: dict, known: set[str], pointer: str) -> None:
        for key in sorted(set(node) - known - EDITOR_KEYS):
            self.mistake(pointer, _("The key %(key)s is not known here.") % {"key": str(key)[:100]})

    def field(self, code: str, pointer: str) -> tuple[Field, tuple[str, ...]] | None:
        """Return the field a code means here and what its `*` stands for, or tell the mistake."""
        found = find_field(code, self.fields) if is_code(code) else None
        if found is None:
            self.mistake(pointer, _("There is no field %(code)s.") % {"code": code[:100]})
        return found

    def where(self, node: Any, field: Field, pointer: str, *, depth: int) -> "Group | None":
        """Return the conditions about one event, checked against that event's own fields."""
        if node is None:
            return None
        outer, self.fields = self.fields, tuple(field.where.values())
        where = self.group(node, pointer, depth=depth + 1)
        self.fields = outer
        return where
