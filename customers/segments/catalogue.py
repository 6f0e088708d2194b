"""The catalogue of fields that segment rules may name; every app adds its own (settings.SEGMENT_FIELDS).

A contributor is a list of Field, or a function that returns one. A code may hold one `*`, which stands for a
part that is only known when the rule is written: `trait.*`, `rfm.*.segment`. A field's reader turns a
comparison into a condition on customers; negations (`!=`, `notIn`, `null`) are the compiler's, so that a
reader is only ever asked for a positive one.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from customers.segments.moments import Moment


class Kind(StrEnum):
    """What a field holds, which decides the operators and the values it takes."""

    TEXT = "text"
    CHOICE = "choice"
    INTEGER = "integer"
    MONEY = "money"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    ANY = "any"
    EVENT = "event"


_EQUAL = ("=", "!=")
_ORDER = ("<", "<=", ">", ">=", "between")
_LIST = ("in", "notIn")
_TEXT = ("contains", "beginsWith")
_EMPTY = ("null", "notNull")
OPERATORS = {
    Kind.TEXT: _EQUAL + _LIST + _TEXT + _EMPTY,
    Kind.CHOICE: _EQUAL + _LIST + _EMPTY,
    Kind.INTEGER: _EQUAL + _ORDER + _LIST + _EMPTY,
    Kind.MONEY: _EQUAL + _ORDER + _LIST + _EMPTY,
    Kind.NUMBER: _EQUAL + _ORDER + _EMPTY,
    Kind.DATE: _EQUAL + _ORDER + _EMPTY,
    Kind.BOOLEAN: _EQUAL,
    Kind.ANY: _EQUAL + _ORDER + _LIST + _TEXT + _EMPTY,
    Kind.EVENT: ("happened", "aggregate", "last", "first", "sequence"),
}
# What an aggregate over an event's fields can be; the others ask for a number.
NUMERIC_FUNCTIONS = ("sum", "avg", "max", "min")
FUNCTIONS = (*NUMERIC_FUNCTIONS, "distinct")
NUMERIC_KINDS = (Kind.INTEGER, Kind.MONEY, Kind.NUMBER, Kind.ANY)


class Group:
    """The headings under which the console lists the fields; an app may bring its own."""

    PERSON = _("Person")
    CONSENT = _("Consent")
    PURCHASES = _("Purchases")
    EVENTS = _("What happened")
    SEGMENTS = _("Segments")


class Reader(Protocol):
    """How a field is read from the database. `parts` are what the code's `*` stood for."""

    def condition(self, operator: str, value: Any, *, moment: Moment, parts: tuple[str, ...]) -> Q:
        """Return the condition on the owner's rows; it must be true or false, never unknown."""

    def actual(self, owner_id: int, *, moment: Moment, parts: tuple[str, ...]) -> Any:
        """Return what one owner has there: a value, a list of them, or None."""


@dataclass(frozen=True)
class Field:
    """One thing a rule can be about. `choices` maps the values a CHOICE takes to their labels.

    `expand` lists the parts that exist now for a code with a `*`, so that the console can offer them; with
    `closed` only those can be written. `unit`, `minimum` and `maximum` say which numbers make sense;
    `parameter` names what a person puts in place of the `*`.
    """

    code: str
    label: Promise | str
    kind: Kind
    reader: Reader
    choices: Callable[[], dict[str, Any]] | None = None
    expand: Callable[[], Iterable[str]] | None = None
    closed: bool = False
    where: "dict[str, Field]" = field(default_factory=dict)
    group: Promise | str = ""
    unit: str = ""
    minimum: int | None = None
    maximum: int | None = None
    parameter: Promise | str = ""

    @property
    def operators(self) -> tuple[str, ...]:
        return OPERATORS[self.kind]

    @property
    def functions(self) -> tuple[str, ...]:
        """Return the aggregates that can run over this field of an event."""
        if not hasattr(self.reader, "measure"):
            return ()
        return FUNCTIONS if self.kind in NUMERIC_KINDS else ("distinct",)

    def match(self, code: str) -> tuple[str, ...] | None:
        """Return the parts that the code's `*` stands for, or None when this is not the field meant."""
        found = _pattern(self.code).fullmatch(code)
        return found.groups() if found else None

    def label_of(self, code: str) -> str:
        """Return the field's name for a person, with what the code's `*` stands for."""
        parts = self.match(code)
        return f"{self.label}: {' '.join(parts)}" if parts else str(self.label)


@cache
def _pattern(code: str) -> re.Pattern[str]:
    return re.compile(re.escape(code).replace(r"\*", "(.+)"))


@cache
def catalogue() -> tuple[Field, ...]:
    """Return every app's fields; where two match a code, the first one is meant."""
    fields: list[Field] = []
    for path in settings.SEGMENT_FIELDS:
        contribution = import_string(path)
        fields += contribution() if callable(contribution) else contribution
    return tuple(fields)


def find_field(code: str, fields: Iterable[Field]) -> tuple[Field, tuple[str, ...]] | None:
    """Return the field a code means and the parts its `*` stands for; one without a `*` comes first."""
    exact = [field for field in fields if field.code == code and "*" not in code]
    for candidate in exact or fields:
        parts = candidate.match(code)
        if parts is not None and not (candidate.closed and parts[0] not in candidate.expand()):
            return candidate, parts
    return None


def listed_fields(fields: Iterable[Field]) -> list[tuple[str, Field]]:
    """Return the fields under the codes that can be written now, with every `*` filled in."""
    listed: dict[str, Field] = {each.code: each for each in fields if not each.expand}
    for each in fields:
        if each.expand:
            listed = {each.code.replace("*", part): each for part in each.expand()} | listed
    order = {id(each): place for place, each in enumerate(fields)}
    return sorted(listed.items(), key=lambda one: order[id(one[1])])
