"""The catalogue of traits: what a code means and how its value is written for a person (settings.TRAITS).

An app that computes traits names them here; one that nobody named is a trait all the same, shown as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from operations import formats


class TraitKind(StrEnum):
    """What a value is: money in minor units, probabilities 0..1, a window {"from", "until"} of days."""

    NUMBER = "number"
    PROBABILITY = "probability"
    MONEY = "money"
    TEXT = "text"
    LIST = "list"
    WINDOW = "window"


@dataclass(frozen=True)
class KnownTrait:
    """One code with its name; `hint` is a sentence on what the value says, `digits` its decimals."""

    code: str
    label: Promise | str
    kind: TraitKind
    hint: Promise | str = ""
    digits: int = 1
    words: Mapping[str, Promise | str] | None = None  # Of a text that is one of a few codes.

    def shown(self, value: Any) -> str:
        """Return a stored value as a person reads it; what is not of the kind is written as it is."""
        try:
            return self._written(value)
        except (TypeError, ValueError, KeyError, AttributeError):
            return plain(value)

    def _written(self, value: Any) -> str:
        if value is None:
            return formats.NOTHING
        match self.kind:
            case TraitKind.NUMBER:
                return formats.number(value, self.digits)
            case TraitKind.PROBABILITY:
                return formats.percent(value, 0 if value >= 0.1 else 1)
            case TraitKind.MONEY:
                return formats.money(value)
            case TraitKind.LIST:
                return ", ".join(self._word(each) for each in value) or formats.NOTHING
            case TraitKind.WINDOW:
                days = (formats.day(date.fromisoformat(value[end])) for end in ("from", "until"))
                return _("%(from)s to %(until)s") % dict(zip(("from", "until"), days, strict=True))
        return self._word(value)

    def _word(self, value: Any) -> str:
        return str((self.words or {}).get(value, plain(value)))


@cache
def known_traits() -> dict[str, KnownTrait]:
    """Return the traits that the apps named, by code, in the order of settings.TRAITS."""
    traits: list[KnownTrait] = []
    for path in settings.TRAITS:
        traits += import_string(path)
    return {trait.code: trait for trait in traits}


def trait_label(code: str) -> str:
    """Return a trait's name for a person: "household_size" is "Household size" where nobody said better."""
    known = known_traits().get(code)
    return str(known.label) if known else code.replace("_", " ").capitalize()


def trait_words(code: str, value: Any) -> str:
    """Return a trait's value for a person."""
    known = known_traits().get(code)
    return known.shown(value) if known else plain(value)


def plain(value: Any) -> str:
    """Return any JSON value in one line."""
    if value is None or value == "":
        return formats.NOTHING
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return formats.quantity(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain(each)}" for key, each in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(plain(each) for each in value)
    return str(value)
