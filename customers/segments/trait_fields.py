"""The traits that apps named as fields of rules, each with its kind; any other is `trait.*`."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Expression, F, Func, Q, QuerySet, TextField, Value
from django.db.models.lookups import Exact, IContains, IsNull
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from customers.models import Trait
from customers.segments.catalogue import Field, Kind
from customers.segments.moments import Moment
from customers.segments.readers import (
    COMPARISONS,
    JsonHolds,
    JsonValue,
    RelativeDay,
    Rows,
    json_of,
    text_of,
)
from customers.traits import KnownTrait, TraitKind, known_traits

GROUP = _("Predictions and habits")
KINDS = {
    TraitKind.NUMBER: Kind.NUMBER,
    TraitKind.PROBABILITY: Kind.NUMBER,
    TraitKind.MONEY: Kind.MONEY,
    TraitKind.TEXT: Kind.TEXT,
    TraitKind.LIST: Kind.TEXT,
}


@dataclass(frozen=True)
class Listed(JsonValue):
    """A list: a comparison holds when it holds for one of its members."""

    def _compared(self, json: Expression, operator: str, value: Any) -> Q:
        match operator:
            case "=":
                return Q(JsonHolds(json, json_of([value])))
            case "contains":
                return Q(IContains(text_of(json), value))
            case "beginsWith":
                return Q(IContains(text_of(json), f'"{value}'))
        return super()._compared(json, operator, value)


@dataclass(frozen=True)
class JsonDay(JsonValue):
    """A day written as text, one member of a JSON object; days of one form compare as their texts do."""

    key: str = ""

    def condition(self, operator: str, value: Any, *, moment: Moment, parts: tuple[str, ...] = ()) -> Q:
        if operator == "between":
            low, high = (
                self.condition(sign, day, moment=moment)
                for sign, day in zip((">=", "<="), value, strict=True)
            )
            return low & high
        day = Func(
            F(self.path), Value(self.key, output_field=TextField()), template="(%(expressions)s)",
            arg_joiner=" ->> ", output_field=TextField(),
        )  # fmt: skip
        if operator == "notNull":
            return Q(IsNull(day, False))
        bound = value.at(moment) if isinstance(value, RelativeDay) else value
        return Q((Exact if operator == "=" else COMPARISONS[operator])(day, bound.isoformat()))

    def shown(self, value: Any, moment: Moment) -> date | None:
        day = value.get(self.key) if isinstance(value, dict) else None
        return date.fromisoformat(day) if day else None


def trait_fields() -> list[Field]:
    """Return a field for each trait that an app named; a window is two days."""
    return [field for trait in known_traits().values() for field in _fields(trait)]


def _fields(trait: KnownTrait) -> list[Field]:
    def rows(moment: Moment) -> QuerySet:
        return Trait.objects.filter(code=trait.code)

    code = f"trait.{trait.code}"
    if trait.kind is TraitKind.WINDOW:
        ends = {"from": _("from"), "until": _("until")}
        return [
            Field(
                f"{code}.{end}",
                format_lazy("{}, {}", trait.label, word),
                Kind.DATE,
                Rows(rows, JsonDay("value", key=end)),
                group=GROUP,
            )
            for end, word in ends.items()
        ]
    reader = Rows(rows, Listed("value") if trait.kind is TraitKind.LIST else JsonValue("value"))
    if trait.kind is TraitKind.PROBABILITY:
        label = format_lazy("{} {}", trait.label, _("(0 to 1)"))
        return [Field(code, label, Kind.NUMBER, reader, group=GROUP, minimum=0, maximum=1)]
    if trait.words:
        words = dict(trait.words)
        return [Field(code, trait.label, Kind.CHOICE, reader, choices=lambda: words, group=GROUP)]
    return [Field(code, trait.label, KINDS[trait.kind], reader, group=GROUP)]
