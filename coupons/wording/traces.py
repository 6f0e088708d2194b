"""Why an incentive applies or does not, in words: each rule that was asked, what it found or lacks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coupons.definitions import LimitSubject
from coupons.models import Period
from operations.formats import moment, money, number


@dataclass(frozen=True)
class CheckInWords:
    """One rule: what it asks, whether it holds, and what it found or lacks."""

    text: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class Decision:
    """What became of one incentive of a stack, and each rule that was asked with its answer."""

    name: str
    status: str
    status_text: str
    checks: list[CheckInWords]


def decisions(trace: Sequence[dict], currency: str = "") -> list[Decision]:
    """Return the stored trace of a stack as a person reads it."""
    return [
        Decision(
            one["name"],
            one["status"],
            outcome_in_words(one["status"]),
            checks_in_words(one["trace"], currency),
        )
        for one in trace
    ]


def checks_in_words(checks: Iterable[dict], currency: str = "") -> list[CheckInWords]:
    """Return the checks of `answers.trace` as sentences; amounts are minor units of the currency."""
    return [
        CheckInWords(rule_in_words(check["rule"]), check["passed"], _detail(check, currency))
        for check in checks
    ]


def outcome_in_words(status: str) -> str:
    return str(OUTCOMES.get(status, status))


def rule_in_words(rule: str) -> str:
    """Return what a rule of the engine asks."""
    kind, _dot, rest = rule.partition(".")
    if kind == "limit":
        subject, _dot, period = rest.partition(".")
        words = {"subject": subject_in_words(subject), "period": Period(period).label.lower()}
        return _("within the limit %(subject)s, %(period)s") % words
    return str(RULES.get(rule, rule))


def subject_in_words(subject: str) -> str:
    return {
        LimitSubject.COUPON: _("per code"),
        LimitSubject.CUSTOMER_COUPON: _("per customer and code"),
        LimitSubject.CUSTOMER: _("per customer"),
        LimitSubject.PROMOTION: _("by everybody together"),
    }[subject]


def missing_in_words(missing: dict[str, Any] | None, currency: str = "") -> str:
    """Return what would have to be added to the cart; empty when it is not a matter of that."""
    parts = []
    for name, value in (missing or {}).items():
        if name == "amount":
            parts.append(_("%(amount)s more has to be spent") % {"amount": money(value, currency)})
        elif name == "quantity":
            parts.append(
                ngettext("%(count)s more piece is needed", "%(count)s more pieces are needed", _whole(value))
                % {"count": value}
            )
        elif name == "products":
            parts += [_missing_product(one) for one in value]
    return "; ".join(parts)


def _missing_product(part: dict[str, Any]) -> str:
    words = {
        "sku": _("%(count)s more of the article %(name)s"),
        "category": _("%(count)s more of the category %(name)s"),
        "brand": _("%(count)s more of the brand %(name)s"),
    }
    by = next((name for name in words if name in part), "")
    return words[by] % {"count": part["quantity"], "name": part[by]} if by else ""


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 2


def _detail(check: dict, currency: str) -> str:
    rule, actual, expected = check["rule"], check.get("actual"), check.get("expected")
    if missing := missing_in_words(check.get("missing"), currency):
        if rule in MONEY_RULES and actual is not None and expected is not None:
            values = {"actual": money(actual, currency), "expected": money(expected, currency)}
            reached = _("%(actual)s of %(expected)s") % values
            return f"{reached}: {missing}"
        return missing
    if expected is None and rule != "weekly_hours":
        return ""
    if rule in MONEY_RULES and isinstance(actual, int) and isinstance(expected, int):
        values = {"actual": money(actual, currency), "expected": money(expected, currency)}
        return LEFT % values if rule == "budget" else _("%(actual)s of %(expected)s") % values
    if rule in INSTANT_RULES:
        instant = expected if not isinstance(expected, str) else parse_datetime(expected)
        return moment(instant) if instant else ""
    if rule == "weekly_hours":
        day, _space, clock = str(actual or "").partition(" ")
        return f"{DAYS.get(day, day)} {clock}".strip()
    if isinstance(actual, int) and isinstance(expected, int) and not isinstance(expected, bool):
        return _("%(actual)s of %(expected)s") % {"actual": number(actual), "expected": number(expected)}
    if isinstance(expected, list):
        there = _("here %(actual)s") % {"actual": actual} if actual else _("not named here")
        return f"{', '.join(map(str, expected[:5]))} ({there})"
    if rule in ("segment", "currency"):
        return str(expected)
    return ""


LEFT = gettext_lazy("%(actual)s left, %(expected)s needed")
MONEY_RULES = {"minimum_spend", "tier", "budget", "margin_floor"}
INSTANT_RULES = {"promotion.started", "promotion.not_ended", "coupon.started", "coupon.not_ended"}
DAYS = {
    "Mon": gettext_lazy("Mon"),
    "Tue": gettext_lazy("Tue"),
    "Wed": gettext_lazy("Wed"),
    "Thu": gettext_lazy("Thu"),
    "Fri": gettext_lazy("Fri"),
    "Sat": gettext_lazy("Sat"),
    "Sun": gettext_lazy("Sun"),
}
OUTCOMES = {
    "APPLICABLE": gettext_lazy("applied"),
    "INAPPLICABLE": gettext_lazy("refused"),
    "SKIPPED": gettext_lazy("had no effect"),
}
RULES = {
    "exists": gettext_lazy("the code exists"),
    "not_spent_on_this_order": gettext_lazy("not spent on this order before"),
    "not_reserved": gettext_lazy("nobody else holds it reserved"),
    "promotion.not_stopped": gettext_lazy("the promotion was not stopped"),
    "promotion.activated": gettext_lazy("the promotion was activated"),
    "promotion.started": gettext_lazy("the promotion has begun"),
    "promotion.not_ended": gettext_lazy("the promotion has not ended"),
    "coupon.on": gettext_lazy("the code is switched on"),
    "coupon.started": gettext_lazy("the code is good already"),
    "coupon.not_ended": gettext_lazy("the code has not expired"),
    "coupon.uses": gettext_lazy("the code has uses left"),
    "weekly_hours": gettext_lazy("at one of its hours"),
    "currency": gettext_lazy("in the currency of the cart"),
    "holder": gettext_lazy("used by its holder"),
    "customer_known": gettext_lazy("by a customer who is known"),
    "segment": gettext_lazy("by a customer of the segment"),
    "verified_email": gettext_lazy("by a customer whose e-mail is verified"),
    "first_order_only": gettext_lazy("on a first order"),
    "regions": gettext_lazy("by a customer from one of its regions"),
    "languages": gettext_lazy("by a customer of one of its languages"),
    "countries": gettext_lazy("in one of its countries"),
    "stores": gettext_lazy("in one of its stores"),
    "sales_channels": gettext_lazy("in one of its channels"),
    "contains": gettext_lazy("the cart has what it asks for"),
    "metadata": gettext_lazy("the order says what it asks for"),
    "items": gettext_lazy("the cart has articles it is for"),
    "pieces": gettext_lazy("there are enough pieces"),
    "bundle": gettext_lazy("the bundle is complete"),
    "tier": gettext_lazy("a step is reached"),
    "exclusive": gettext_lazy("nothing beside it that stands alone"),
    "max_applied": gettext_lazy("not too many together"),
    "max_in_category": gettext_lazy("not too many of its category"),
    "minimum_spend": gettext_lazy("enough is spent"),
    "cost_known": gettext_lazy("the cost of the articles is known"),
    "margin_floor": gettext_lazy("the margin that has to stay, stays"),
    "budget": gettext_lazy("the budget bears it"),
    "usable": gettext_lazy("it can be used now"),
    "balance": gettext_lazy("something is left on it"),
    "enough": gettext_lazy("enough is left on it"),
}
