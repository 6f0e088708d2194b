"""Every text of the builder of rules in the active language; react-querybuilder's under its own names."""

from typing import Any

from django.utils.translation import gettext as _

from customers.segments.catalogue import Kind


def builder_words() -> dict[str, Any]:
    """Return every text of the builder in the active language."""
    return {
        "rules": _("Rules"),
        "group": _("Group of conditions"),
        "joins": [
            ["and", _("All of these")],
            ["or", _("At least one of these")],
            ["not-and", _("Not all of these")],
            ["not-or", _("None of these")],
        ],
        "operators": _operator_words(),
        "modes": [
            ["atLeast", _("at least")],
            ["atMost", _("at most")],
            ["exactly", _("exactly")],
            ["none", _("never")],
        ],
        "searchFields": _("Search the fields"),
        "noField": _("No field of this name."),
        "unknown": _("Not in the catalogue"),
        "value": _("Value"),
        "kind": _("Kind of value"),
        "several": _("Type, then Enter"),
        "add": _("Add a value"),
        "remove": _("Remove"),
        "yes": _("yes"),
        "no": _("no"),
        "text": _("text"),
        "number": _("number"),
        "truth": _("yes or no"),
        "day": _("Day"),
        "theDay": _("on the calendar"),
        "daysAgo": _("days ago"),
        "daysAhead": _("days from now"),
        "and": _("and"),
        "howOften": _("How often"),
        "time": _("time"),
        "times": _("times"),
        "when": _("When"),
        "windows": [
            ["last_days", _("in the last")],
            ["days_ago", _("between")],
            ["dates", _("on certain dates")],
            ["season", _("in the season")],
            ["since_event", _("since")],
            ["ever", _("at any time")],
        ],
        "seasons": [
            ["current", _("running now")],
            ["previous", _("before this one")],
            ["previous_same", _("of a year before")],
        ],
        "season": _("Season"),
        "whichSeason": _("Which season"),
        "anySeason": _("whichever it is"),
        "whichEvent": _("Which time"),
        "theLast": _("the last time of"),
        "theFirst": _("the first time of"),
        "event": _("Event"),
        "days": _("days"),
        "nearest": _("Days ago, the nearer"),
        "farthest": _("Days ago, the farther"),
        "from": _("from"),
        "until": _("until"),
        "where": _("where"),
        "addWhere": _("Only where …"),
        "figure": _("Figure"),
        "figureOf": _("Figure of what"),
        "functions": {
            "sum": _("the sum of"),
            "avg": _("the average of"),
            "max": _("the highest"),
            "min": _("the lowest"),
            "distinct": _("the number of different"),
        },
        "figureOperators": [
            [operator, _operator_words()["plain"][operator]]
            for operator in (">=", ">", "<=", "<", "=", "between")
        ],
        "order": _("What came next"),
        "then": _("and then"),
        "thenNot": _("and then not"),
        "addStep": _("And then …"),
        "removeStep": _("Remove this step"),
        "within": _("How soon"),
        "anyTimeLater": _("at any time later"),
        "withinDays": _("within days:"),
        "withinHours": _("within hours:"),
        "units": {"days": _("days"), "years": _("years"), "percent": "%"},
        "notATree": _("The rules below are not a tree that can be drawn: mend the JSON, or start again."),
        "failed": _("The rules could not be counted just now. Change something, or try again in a moment."),
        "translations": _translations(),
    }


def _operator_words() -> dict[str, dict[str, str]]:
    plain = {
        "=": _("is"),
        "!=": _("is not"),
        "<": _("is below"),
        "<=": _("is at most"),
        ">": _("is above"),
        ">=": _("is at least"),
        "between": _("is between"),
        "in": _("is one of"),
        "notIn": _("is none of"),
        "contains": _("contains"),
        "beginsWith": _("begins with"),
        "null": _("is empty"),
        "notNull": _("is not empty"),
    }
    dates = {
        "=": _("is on"),
        "!=": _("is not on"),
        "<": _("is before"),
        "<=": _("is on or before"),
        ">": _("is after"),
        ">=": _("is on or after"),
    }
    events = {
        "happened": _("how often"),
        "aggregate": _("how much"),
        "last": _("the last time"),
        "first": _("the first time"),
        "sequence": _("one after another"),
    }
    return {"plain": plain, Kind.DATE.value: dates, Kind.EVENT.value: events}


def _translations() -> dict[str, dict[str, str]]:
    """Return react-querybuilder's own texts, under the names it has for them."""
    titles = {
        "fields": _("Field"),
        "operators": _("Comparison"),
        "value": _("Value"),
        "combinators": _("How these conditions join"),
    }
    buttons = {
        "addRule": (_("Condition"), _("Add a condition")),
        "addGroup": (_("Group"), _("Add a group of conditions")),
        "removeRule": ("", _("Remove the condition")),
        "removeGroup": ("", _("Remove the group")),
        "cloneRule": ("", _("Repeat the condition")),
        "cloneRuleGroup": ("", _("Repeat the group")),
    }
    return {name: {"title": title} for name, title in titles.items()} | {
        name: {"label": label, "title": title} for name, (label, title) in buttons.items()
    }
