"""Rules in words a marketer reads: "City is not Milano", "has done Order placed, at least 3 times"."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.segments.catalogue import Kind
from customers.segments.moments import Window
from customers.segments.readers import Happening, RelativeDay
from customers.segments.rules import Group, Leaf
from operations import formats


@dataclass(frozen=True)
class Sentence:
    """One rule in words, or several under words that join them."""

    text: str
    parts: "list[Sentence]" = field(default_factory=list)


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
    if isinstance(leaf.value, Happening):
        return _happening(leaf.field.label_of(leaf.code), leaf.value)
    words = {"field": leaf.field.label_of(leaf.code), "value": _value(leaf, leaf.value)}
    dated = leaf.field.kind is Kind.DATE
    match leaf.operator:
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
            low, high = leaf.value
            words |= {"low": _value(leaf, low), "high": _value(leaf, high)}
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


def _happening(label: str, happening: Happening) -> str:
    parts = [_("has done %(what)s") % {"what": label}, _times(happening)]
    if happening.mode == "none":
        parts = [_("has not done %(what)s") % {"what": label}]
    parts.append(_window(happening.window))
    if happening.where and happening.where.rules:
        parts.append(_("where %(conditions)s") % {"conditions": _inline(happening.where)})
    return ", ".join(part for part in parts if part)


def _times(happening: Happening) -> str:
    words = {"times": formats.number(happening.threshold)}
    match happening.mode:
        case "atLeast":
            return (
                ngettext("at least %(times)s time", "at least %(times)s times", happening.threshold) % words
            )
        case "atMost":
            return ngettext("at most %(times)s time", "at most %(times)s times", happening.threshold) % words
    return ngettext("exactly %(times)s time", "exactly %(times)s times", happening.threshold) % words


def _window(window: Window) -> str:
    if window.last_days is not None:
        return ngettext("in the last %(days)s day", "in the last %(days)s days", window.last_days) % {
            "days": formats.number(window.last_days)
        }
    if window.days_ago is not None:
        nearest, farthest = window.days_ago
        return _("between %(near)s and %(far)s days ago") % {"near": nearest, "far": farthest}
    words = {"since": formats.day(window.since), "until": formats.day(window.until)}
    if window.since and window.until:
        return _("from %(since)s to %(until)s") % words
    if window.since:
        return _("since %(since)s") % words
    return _("until %(until)s") % words if window.until else ""


def _inline(group: Group) -> str:
    texts = [_inline(rule) if isinstance(rule, Group) else words_of(rule) for rule in group.rules]
    texts = [
        f"({text})" if isinstance(rule, Group) else text
        for text, rule in zip(texts, group.rules, strict=True)
    ]
    joined = (_(" and ") if group.combinator == "and" else _(" or ")).join(texts)
    return _("not (%(conditions)s)") % {"conditions": joined} if group.negated else joined


def _value(leaf: Leaf, value: Any) -> str:
    if isinstance(value, list):
        return _(" or ").join(_value(leaf, each) for each in value)
    if isinstance(value, RelativeDay):
        if value.days_ago < 0:
            return _("%(days)s days from now") % {"days": -value.days_ago}
        return _("%(days)s days ago") % {"days": value.days_ago}
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime | date):
        return formats.day(value)
    if leaf.field.kind is Kind.MONEY:
        return formats.money(value)
    if isinstance(value, int | float):
        return formats.number(value) if isinstance(value, int) else str(value)
    if leaf.field.choices:
        return str(leaf.field.choices().get(value, value))
    return _("“%(text)s”") % {"text": value} if not value else str(value)
