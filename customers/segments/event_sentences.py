"""What a rule asks about events, in words: "has done Order placed, at least 3 times, in the last 90 days"."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.segments.catalogue import Kind
from customers.segments.happenings import After, Aggregate, Extreme, Happening, Sequence, Step, Within
from customers.segments.moments import Window
from customers.segments.seasons import SeasonWindow, Which
from operations import formats

# Words for the conditions about one event.
Inline = Callable[[Any], str]


def words_of_event(label: str, value: Any, inline: Inline) -> str:
    """Return one condition about an event in words; `inline` says its inner conditions."""
    match value:
        case Happening():
            parts = _happening(label, value)
        case Aggregate():
            parts = [_aggregate(label, value)]
        case Extreme():
            return _extreme(label, value, inline)
        case Sequence():
            return _sequence(label, value, inline)
        case _:
            raise TypeError(value)
    return _joined([*parts, window_words(value.window), _where(value.where, inline)])


def window_words(window: Window) -> str:
    """Return a window in words; empty for one without bounds."""
    if window.last_days is not None:
        return ngettext("in the last %(days)s day", "in the last %(days)s days", window.last_days) % {
            "days": formats.number(window.last_days)
        }
    if window.days_ago is not None:
        nearest, farthest = window.days_ago
        return _("between %(near)s and %(far)s days ago") % {"near": nearest, "far": farthest}
    if window.season is not None:
        return _season(window.season)
    if window.after is not None:
        return _after(window.after)
    words = {"since": formats.day(window.since), "until": formats.day(window.until)}
    if window.since and window.until:
        return _("from %(since)s to %(until)s") % words
    if window.since:
        return _("since %(since)s") % words
    return _("until %(until)s") % words if window.until else ""


def _happening(label: str, happening: Happening) -> list[str]:
    if happening.mode == "none":
        return [_("has not done %(what)s") % {"what": label}]
    return [_("has done %(what)s") % {"what": label}, _times(happening)]


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


def _aggregate(label: str, value: Aggregate) -> str:
    field = str(value.of.label_of(value.of.code)) if not value.of_parts else value.of_parts[0]
    words = {"field": field, "event": label}
    subject = {
        "sum": _("The sum of %(field)s of %(event)s"),
        "avg": _("The average of %(field)s of %(event)s"),
        "max": _("The highest %(field)s of %(event)s"),
        "min": _("The lowest %(field)s of %(event)s"),
        "distinct": _("The number of different values of %(field)s of %(event)s"),
    }[value.function] % words
    return _compared(subject, value)


def _compared(subject: str, value: Aggregate) -> str:
    money = value.of.kind is Kind.MONEY and value.function != "distinct"
    say = formats.money if money else _number
    if value.operator == "between":
        low, high = value.value
        words = {"field": subject, "low": say(low), "high": say(high)}
        return _("%(field)s is between %(low)s and %(high)s") % words
    words = {"field": subject, "value": say(value.value)}
    return {
        "=": _("%(field)s is %(value)s"),
        "<": _("%(field)s is below %(value)s"),
        "<=": _("%(field)s is at most %(value)s"),
        ">": _("%(field)s is above %(value)s"),
        ">=": _("%(field)s is at least %(value)s"),
    }[value.operator] % words


def _extreme(label: str, value: Extreme, inline: Inline) -> str:
    words = {"event": label, "conditions": inline(value.where) if value.where else ""}
    if value.where is None or not value.where.rules:
        return _joined([_("has done %(what)s") % {"what": label}, window_words(value.window)])
    last, first = _("The last %(event)s: %(conditions)s"), _("The first %(event)s: %(conditions)s")
    text = first if value.first else last
    return _joined([text % words, window_words(value.window)])


def _sequence(label: str, value: Sequence, inline: Inline) -> str:
    begun = _joined(
        [
            _("has done %(what)s") % {"what": label},
            window_words(value.window),
            _where(value.where, inline),
        ]
    )
    return _joined([begun, *(_step(step, inline) for step in value.steps)])


def _step(step: Step, inline: Inline) -> str:
    words = {"what": step.event.label}
    text = _("then not %(what)s") if step.negated else _("then %(what)s")
    within = _within(step.within) if step.within else ""
    where = _where(step.where, inline)
    return " ".join(part for part in (text % words, within, where) if part)


def _within(within: Within) -> str:
    if within.hours is not None:
        words = {"hours": formats.number(within.hours)}
        return ngettext("within %(hours)s hour", "within %(hours)s hours", within.hours) % words
    words = {"days": formats.number(within.days)}
    return ngettext("within %(days)s day", "within %(days)s days", within.days) % words


def _season(window: SeasonWindow) -> str:
    if len(window.spans) == 1:
        words = {"season": window.spans[0].name}
        if window.which is Which.CURRENT:
            return _("in this season, %(season)s") % words
        return _("in the last season, %(season)s") % words
    return {
        Which.CURRENT: _("in the current season"),
        Which.PREVIOUS: _("in the season before this one"),
        Which.PREVIOUS_SAME: _("in the same season a year ago"),
    }[window.which]


def _after(after: After) -> str:
    words = {"event": after.event.label}
    return _("since the first %(event)s") % words if after.first else _("since the last %(event)s") % words


def _where(where: Any, inline: Inline) -> str:
    if where is None or not where.rules:
        return ""
    return _("where %(conditions)s") % {"conditions": inline(where)}


def _joined(parts: list[str]) -> str:
    return ", ".join(part for part in parts if part)


def _number(value: Any) -> str:
    return formats.number(value, 0 if isinstance(value, int) else 2)
