"""A promotion as pairs of a heading and a sentence: what it gives, to whom, how often, for how much."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.definitions import (
    BudgetRule,
    LimitRule,
    read_budget,
    read_conditions,
    read_effect,
    read_items,
    read_limits,
    read_margin_floor,
    read_stacking,
)
from coupons.engine import Stacking
from coupons.engine.incentive import Basis
from coupons.models import Budget, Coupon, Period, Promotion
from coupons.rules import APOLOGIES
from coupons.services.versions import definition_of
from coupons.wording.conditions import conditions_in_words
from coupons.wording.effects import effect_in_words, items_in_words, margin_in_words
from coupons.wording.traces import subject_in_words
from operations.formats import moment, money, number

Pairs = list[tuple[str, str]]


def headline(promotion: Promotion) -> str:
    """Return what the promotion gives, in half a line."""
    if promotion.code.startswith(APOLOGIES):
        return _("what the agent decides, coupon by coupon")
    return effect_in_words(read_effect(promotion.effect), promotion.currency)


def coupon_headline(coupon: Coupon) -> str:
    """Return what this code gives: its own value, or its promotion's."""
    effect = read_effect(coupon.effect or coupon.promotion.effect)
    words = effect_in_words(effect, coupon.promotion.currency)
    if coupon.items:
        return _("%(effect)s, only on %(items)s") % {
            "effect": words,
            "items": items_in_words(read_items(coupon.items)),
        }
    return words


def sentences(promotion: Promotion) -> Pairs:
    """Return the whole promotion as pairs of a heading and a sentence."""
    pairs = describe(definition_of(promotion), zone=promotion.time_zone)
    if promotion.code.startswith(APOLOGIES):
        pairs[0] = (pairs[0][0], headline(promotion))
    return pairs


def describe(definition: dict[str, Any], *, zone: str) -> Pairs:
    """Return a definition (`services.versions.definition_of`) in words. Raises InvalidInput for a bad one."""
    currency = definition["currency"]
    trigger = Promotion.Trigger(definition["trigger"])
    lines = [(_("It gives"), effect_in_words(read_effect(definition["effect"]), currency))]
    lines.append((_("How"), str(trigger.label)))
    lines.append((_("When"), _dates(definition, zone)))
    conditions = read_conditions(definition.get("conditions") or {})
    lines += [(_("Only"), one) for one in conditions_in_words(conditions, currency)]
    lines += [(_("Limit"), _limit(one)) for one in read_limits(definition.get("limits") or [])]
    budgets = [read_budget(one) for one in definition.get("budgets") or []]
    lines += [(_("Budget"), _budget(one, currency)) for one in budgets]
    lines += [(_("Together"), one) for one in _stacking(read_stacking(definition.get("stacking") or {}))]
    if floor := read_margin_floor(definition.get("margin_floor") or {}):
        lines.append((_("Margin"), margin_in_words(floor)))
    if trigger == Promotion.Trigger.COUPON:
        lines.append((_("Codes"), _codes(definition.get("coupon") or {})))
    return lines


def compare(before: dict[str, Any], after: dict[str, Any], *, zone: str) -> list[tuple[str, str, str]]:
    """Return what differs between two definitions: heading, what was said, what is said; one may be empty."""
    old, new = _pairs(before, zone), _pairs(after, zone)
    gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
    changes = []
    for heading in dict.fromkeys(name for name, _words in [*gone, *come]):
        was = [words for name, words in gone if name == heading]
        now = [words for name, words in come if name == heading]
        for place in range(max(len(was), len(now))):
            changes.append((heading, "".join(was[place : place + 1]), "".join(now[place : place + 1])))
    return changes


def _pairs(definition: dict[str, Any], zone: str) -> Pairs:
    kind = Promotion.LegalKind(definition["legal_kind"]).label
    named = [
        (_("Name"), definition["name"]),
        (_("Description"), definition["description"]),
        (_("What it is by law"), str(kind)),
    ]
    return [*named, *describe(definition, zone=zone)]


def budget_in_words(budget: Budget, currency: str) -> str:
    return _budget(
        BudgetRule(budget.metric, budget.cap, budget.period, budget.on_insufficient),
        currency,
    )


def _budget(budget: BudgetRule, currency: str) -> str:
    if budget.metric == Budget.Metric.DISCOUNT_AMOUNT:
        cap = _("%(cap)s of discounts") % {"cap": money(budget.cap, currency)}
    elif budget.metric == Budget.Metric.GIFT_AMOUNT:
        cap = _("%(cap)s of gifts") % {"cap": money(budget.cap, currency)}
    elif budget.metric == Budget.Metric.POINTS:
        cap = ngettext("%(count)s point", "%(count)s points", budget.cap) % {"count": number(budget.cap)}
    else:
        cap = ngettext("%(count)s redemption", "%(count)s redemptions", budget.cap) % {
            "count": number(budget.cap)
        }
    words = f"{cap} {str(Period(budget.period).label).lower()}"
    if budget.on_insufficient == Budget.OnInsufficient.PARTIAL:
        return _("%(words)s; the last one gets what is left") % {"words": words}
    return words


def _dates(definition: dict[str, Any], zone: str) -> str:
    starts_at, ends_at = _instant(definition.get("starts_at")), _instant(definition.get("ends_at"))
    since, until = moment(starts_at, zone), moment(ends_at, zone)
    if starts_at and ends_at:
        return _("from %(since)s until %(until)s") % {"since": since, "until": until}
    if starts_at:
        return _("from %(since)s on") % {"since": since}
    if ends_at:
        return _("until %(until)s") % {"until": until}
    return _("until it is stopped")


def _instant(value: datetime | str | None) -> datetime | None:
    return parse_datetime(value) if isinstance(value, str) else value


def _limit(limit: LimitRule) -> str:
    periods = {"TOTAL": _("in all"), "DAY": _("a day"), "WEEK": _("a week"), "MONTH": _("a month")}
    return f"{_times(limit.uses)} {periods[limit.period]} {subject_in_words(limit.subject)}"


def _times(uses: int) -> str:
    return ngettext("once", "%(count)s times", uses) % {"count": number(uses)}


def _stacking(stacking: Stacking) -> Iterator[str]:
    if stacking.exclusive:
        yield _("stands alone: nothing else is taken off beside it")
    if stacking.basis == Basis.INITIAL:
        yield _("counts on the prices before other discounts")
    if stacking.max_applied:
        yield ngettext(
            "at most %(count)s incentive on an order where it stands",
            "at most %(count)s incentives on an order where it stands",
            stacking.max_applied,
        ) % {"count": stacking.max_applied}
    if stacking.max_in_category:
        yield ngettext(
            "at most %(count)s of the category %(category)s at a time",
            "at most %(count)s of the category %(category)s at a time",
            stacking.max_in_category,
        ) % {"count": stacking.max_in_category, "category": stacking.category}
    elif stacking.category:
        yield _("belongs to the category %(category)s") % {"category": stacking.category}
    if stacking.rank:
        yield _("is worked out in place %(rank)s; lower goes first") % {"rank": stacking.rank}


def _codes(coupon: dict[str, Any]) -> str:
    uses = coupon.get("max_uses")
    times = _("any number of times") if uses is None else _times(uses)
    if coupon.get("code"):
        return _("one code for everybody, %(code)s, good %(times)s") % {
            "code": coupon["code"],
            "times": times,
        }
    if coupon.get("pattern", "#"):
        words = _("a code of its own for each, good %(times)s") % {"times": times}
    else:
        words = _("the codes that were issued, each to one customer, good %(times)s") % {"times": times}
    days = coupon.get("valid_days")
    if days is None:
        return words
    return ngettext("%(words)s, for %(count)s day", "%(words)s, for %(count)s days", days) % {
        "words": words,
        "count": days,
    }
