"""Rules in words a marketer reads: "City is not Milano", "has done Order placed, at least 3 times"."""

import dataclasses
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.segments.catalogue import Field, Kind
from customers.segments.event_sentences import words_of_event
from customers.segments.readers import RelativeDay
from customers.segments.rules import Group, Leaf
from operations import formats


@dataclass(frozen=True)
class Sentence:
    """One rule in words, or several under words that join them."""

    text: str
    parts: "list[Sentence]" = dataclasses.field(default_factory=list)


def sentence_of(group: Group) -> Sentence:
    """Return a tree in words: a group's are those that join its parts."""
    parts = [
        sentence_of(rule) if isinstance(rule, Group) else Sentence(words_of(rule)) for rule in group.rules
    ]
    if not parts:
        return Sentence(_("Nobody") if group.negated else _("Every customer"))
    return Sentence(_joining(group), parts)


def words_of(leaf: Leaf) -> str:
    """Return one condition in words."""
    label = leaf.field.label_of(leaf.code)
    if leaf.field.kind is Kind.EVENT:
        return words_of_event(label, leaf.value, conditions_in_words)
    return comparison(leaf.field, label, leaf.operator, leaf.value)


def comparison(field: Field, label: str, operator: str, value: Any) -> str:
    """Return "Spent is at least 500.00": a field, an operator and a value in words."""
    words = {"field": label, "value": _value(field, value)}
    dated = field.kind is Kind.DATE
    match operator:
        case "=" | "in":
            return _("%(field)s is %(value)s") % words
        case "!=" | "notIn":
            return _("%(field)s is not %(value)s") % words
        case "<":
            return (
                _("%(field)s is before %(value)s") if dated else _("%(field)s is below %(value)s")
            ) % words
        case "<=":
            return (
                _("%(field)s is on or before %(value)s") if dated else _("%(field)s is at most %(value)s")
            ) % words
        case ">":
            return (_("%(field)s is after %(value)s") if dated else _("%(field)s is above %(value)s")) % words
        case ">=":
            return (
                _("%(field)s is on or after %(value)s") if dated else _("%(field)s is at least %(value)s")
            ) % words
        case "between":
            low, high = value
            words |= {"low": _value(field, low), "high": _value(field, high)}
            return _("%(field)s is between %(low)s and %(high)s") % words
        case "contains":
            return _("%(field)s contains %(value)s") % words
        case "beginsWith":
            return _("%(field)s begins with %(value)s") % words
        case "null":
            return _("%(field)s is empty") % words
    return _("%(field)s is not empty") % words


def _joining(group: Group) -> str:
    if group.combinator == "and":
        return _("Not all of these") if group.negated else _("All of these")
    return _("None of these") if group.negated else _("At least one of these")


def conditions_in_words(group: Group) -> str:
    """Return a whole tree in one line, as the conditions about one event are told."""
    texts = [conditions_in_words(rule) if isinstance(rule, Group) else words_of(rule) for rule in group.rules]
    texts = [
        f"({text})" if isinstance(rule, Group) else text
        for text, rule in zip(texts, group.rules, strict=True)
    ]
    joined = (_(" and ") if group.combinator == "and" else _(" or ")).join(texts)
    return _("not (%(conditions)s)") % {"conditions": joined} if group.negated else joined


def _value(field: Field, value: Any) -> str:
    if isinstance(value, list):
        return _(" or ").join(_value(field, each) for each in value)
    if isinstance(value, RelativeDay):
        days = abs(value.days_ago)
        if value.days_ago < 0:
            words = ngettext("%(days)s day from now", "%(days)s days from now", days)
        else:
            words = ngettext("%(days)s day ago", "%(days)s days ago", days)
        return words % {"days": days}
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime | date):
        return formats.day(value)
    if field.kind is Kind.MONEY:
        return formats.money(value)
    if isinstance(value, int | float):
        return _with_unit(field, formats.number(value) if isinstance(value, int) else f"{value:n}")
    if field.choices:
        return str(field.choices().get(value, value))
    return _("“%(text)s”") % {"text": value} if not value else str(value)


def _with_unit(field: Field, number: str) -> str:
    return f"{number} %" if field.unit == "percent" else number
