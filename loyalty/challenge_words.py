"""Challenges in a sentence, for the console and for who takes part."""

from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loyalty.models import Challenge
from loyalty.progress import Span
from operations import formats

Metric, Window = Challenge.Metric, Challenge.Window


def goal_of(challenge: Challenge) -> str:
    """Return what has to be reached: "3 orders", "100,00 € spent", "4 different stores"."""
    target, values = challenge.target, {"number": formats.number(challenge.target)}
    match challenge.metric:
        case Metric.ORDERS:
            words = ngettext("%(number)s order", "%(number)s orders", target)
        case Metric.AMOUNT if challenge.unit_amount:
            values["amount"] = formats.money(challenge.unit_amount)
            words = _("%(number)s times %(amount)s spent")
        case Metric.AMOUNT:
            values["amount"] = formats.money(target)
            words = _("%(amount)s spent")
        case Metric.QUANTITY:
            words = ngettext("%(number)s article", "%(number)s articles", target)
        case Metric.STORES:
            words = ngettext("%(number)s store", "%(number)s different stores", target)
        case Metric.POINTS:
            words = ngettext("%(number)s point earned", "%(number)s points earned", target)
        case Metric.ITEMS:
            words = ngettext("a set of %(number)s", "a set of %(number)s", target)
        case _:
            values["kind"] = challenge.event_type
            words = _("%(number)s × %(kind)s")
    return words % values


def span_of(challenge: Challenge) -> str:
    """Return in which time: "in 30 days", "each week, 4 in a row"; empty where only dates hold."""
    if challenge.window == Window.ROLLING:
        days = challenge.window_days
        return ngettext("within %(days)s day", "within %(days)s days", days) % {"days": days}
    if challenge.window != Window.PERIOD:
        return ""
    said = str(Span(challenge.period).label)
    if challenge.streak > 1:
        said += ", " + _("%(number)s in a row") % {"number": challenge.streak}
    return said


def time_words(challenge: Challenge, key: str) -> str:
    """Return which time it was reached: the period of the calendar, or the number of the lap."""
    if challenge.window != Window.PERIOD:
        return key
    try:
        first = date.fromisoformat(key)
    except ValueError:  # From before it was counted by periods.
        return key
    match challenge.period:
        case Span.MONTH:
            return formats.month(first)
        case Span.QUARTER:
            return formats.quarter(first)
        case Span.YEAR:
            return str(first.year)
    return formats.day(first)


def value_words(challenge: Challenge, value: int) -> str:
    """Return a progress as people read it: money as money, all else as a number."""
    is_money = challenge.metric == Metric.AMOUNT and not challenge.unit_amount
    return formats.money(value) if is_money else formats.number(value)


def given_for(challenge: Challenge) -> str:
    """Return what reaching it gives."""
    gives: list[Any] = [one for one in (challenge.reward, challenge.badge) if one]
    return " + ".join(str(one) for one in gives) or _("nothing but the joy")


def conditions_of(challenge: Challenge) -> list[tuple[str, str]]:
    """Return what of an order counts, as labels and names."""
    labels = {
        "skus": _("Articles"),
        "categories": _("Categories"),
        "brands": _("Brands"),
        "collections": _("Collections"),
        "stores": _("Stores"),
        "sales_channels": _("Sales channels"),
    }
    return [
        (label, ", ".join(challenge.which[name]))
        for name, label in labels.items()
        if challenge.which.get(name)
    ]
