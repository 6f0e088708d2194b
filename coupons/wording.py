"""A promotion in words a person understands: what it gives, to whom, how often, for how much in all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coupons.definitions import (
    LimitRule,
    LimitSubject,
    read_conditions,
    read_effect,
    read_items,
    read_limits,
    read_margin_floor,
    read_stacking,
)
from coupons.effect_wording import effect_in_words, items_in_words, margin_in_words, part_in_words
from coupons.engine import Conditions, Stacking
from coupons.engine.incentive import Basis, SpendScope
from coupons.models import Budget, Coupon, Period, Promotion
from coupons.rules import APOLOGIES
from operations.formats import moment, money, number


@dataclass(frozen=True)
class Decision:
    """What became of one incentive of a stack, and each rule that was asked with its answer."""

    name: str
    status: str
    status_text: str
    checks: list[tuple[str, bool]]


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


def sentences(promotion: Promotion) -> list[tuple[str, str]]:
    """Return the whole promotion as pairs of a heading and a sentence."""
    conditions = read_conditions(promotion.conditions)
    lines = [(_("It gives"), headline(promotion))]
    if floor := read_margin_floor(promotion.margin_floor):
        lines.append((_("Margin"), margin_in_words(floor)))
    lines.append((_("How"), str(promotion.get_trigger_display())))
    lines.append((_("When"), _dates(promotion)))
    lines += [(_("Only"), one) for one in _conditions(conditions, promotion)]
    lines += [(_("Limit"), _limit(one)) for one in read_limits(promotion.limits)]
    lines += [(_("Budget"), budget_in_words(one, promotion.currency)) for one in promotion.budgets.all()]
    lines += [(_("Together"), one) for one in _stacking(read_stacking(promotion.stacking))]
    if promotion.trigger == Promotion.Trigger.COUPON:
        lines.append((_("Codes"), _codes(promotion)))
    return lines


def budget_in_words(budget: Budget, currency: str) -> str:
    if budget.metric == Budget.Metric.DISCOUNT_AMOUNT:
        cap = _("%(cap)s of discounts") % {"cap": money(budget.cap, currency)}
    else:
        cap = ngettext("%(count)s redemption", "%(count)s redemptions", budget.cap) % {
            "count": number(budget.cap)
        }
    words = f"{cap} {str(budget.get_period_display()).lower()}"
    if budget.on_insufficient == Budget.OnInsufficient.PARTIAL:
        return _("%(words)s; the last one gets what is left") % {"words": words}
    return words


def _dates(promotion: Promotion) -> str:
    zone = promotion.time_zone
    since, until = moment(promotion.starts_at, zone), moment(promotion.ends_at, zone)
    if promotion.starts_at and promotion.ends_at:
        return _("from %(since)s until %(until)s") % {"since": since, "until": until}
    if promotion.starts_at:
        return _("from %(since)s on") % {"since": since}
    if promotion.ends_at:
        return _("until %(until)s") % {"until": until}
    return _("until it is stopped")


def _conditions(conditions: Conditions, promotion: Promotion) -> Iterator[str]:
    if conditions.segment:
        yield _("for customers in the segment %(segment)s") % {"segment": conditions.segment}
    if conditions.holder_only:
        yield _("for the customer who was given the code")
    if conditions.verified_email:
        yield _("for customers whose e-mail address was confirmed")
    if conditions.first_order_only:
        yield _("on a customer's first order")
    if minimum := conditions.minimum_spend:
        what = money(minimum.amount, promotion.currency)
        if minimum.scope == SpendScope.ELIGIBLE_ITEMS:
            yield _("from %(amount)s spent on the articles it is for") % {"amount": what}
        else:
            yield _("from an order of %(amount)s on") % {"amount": what}
    if conditions.contains:
        parts = " + ".join(part_in_words(part) for part in conditions.contains)
        yield _("with %(parts)s in the cart") % {"parts": parts}
    for names, words in (
        (conditions.countries, _("in the countries %(names)s")),
        (conditions.regions, _("for customers in the regions %(names)s")),
        (conditions.languages, _("for customers who speak %(names)s")),
    ):
        if names:
            yield words % {"names": ", ".join(sorted(names))}
    for name, value in conditions.metadata.items():
        yield _("when the order says %(name)s = %(value)s") % {"name": name, "value": value}
    if conditions.stores:
        yield _("in the stores %(names)s") % {"names": ", ".join(sorted(conditions.stores))}
    if conditions.sales_channels:
        yield _("in the channels %(names)s") % {"names": ", ".join(sorted(conditions.sales_channels))}
    for hours in conditions.weekly_hours:
        yield _("on %(days)s from %(since)s to %(until)s") % {
            "days": ", ".join(_day_name(day) for day in sorted(hours.days)),
            "since": hours.since.strftime("%H:%M"),
            "until": hours.until.strftime("%H:%M") if hours.until else "24:00",
        }


def _day_name(day: int) -> str:
    return [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")][day]


def _limit(limit: LimitRule) -> str:
    periods = {"TOTAL": _("in all"), "DAY": _("a day"), "WEEK": _("a week"), "MONTH": _("a month")}
    times = ngettext("once", "%(count)s times", limit.uses) % {"count": number(limit.uses)}
    return f"{times} {periods[limit.period]} {_subject(limit.subject)}"


def _stacking(stacking: Stacking) -> Iterator[str]:
    if stacking.exclusive:
        yield _("stands alone: nothing else is taken off beside it")
    if stacking.basis == Basis.INITIAL:
        yield _("counts on the prices before other discounts")
    if stacking.max_applied:
        yield ngettext(
            "at most %(count)s incentive on the order",
            "at most %(count)s incentives on the order",
            stacking.max_applied,
        ) % {"count": number(stacking.max_applied)}
    if stacking.max_in_category:
        yield ngettext(
            "at most %(count)s of the category %(category)s at a time",
            "at most %(count)s of the category %(category)s at a time",
            stacking.max_in_category,
        ) % {"count": stacking.max_in_category, "category": stacking.category}


def _codes(promotion: Promotion) -> str:
    public = promotion.coupons.filter(public=True).first()
    uses = public.max_uses if public else promotion.coupon_max_uses
    if uses is None:
        times = _("any number of times")
    else:
        times = ngettext("once", "%(count)s times", uses) % {"count": number(uses)}
    if public:
        return _("one code for everybody, %(code)s, good %(times)s") % {"code": public.code, "times": times}
    if promotion.coupon_pattern:
        words = _("a code of its own for each, good %(times)s") % {"times": times}
    else:
        words = _("the codes that were issued, each to one customer, good %(times)s") % {"times": times}
    if promotion.coupon_valid_days is None:
        return words
    return ngettext(
        "%(words)s, for %(count)s day", "%(words)s, for %(count)s days", promotion.coupon_valid_days
    ) % {"words": words, "count": promotion.coupon_valid_days}


def decisions(trace: Sequence[dict]) -> list[Decision]:
    """Return the stored trace of a stack as a person reads it."""
    return [
        Decision(
            one["name"],
            one["status"],
            str(OUTCOMES.get(one["status"], one["status"])),
            [(rule_in_words(check["rule"]), check["passed"]) for check in one["trace"]],
        )
        for one in trace
    ]


def rule_in_words(rule: str) -> str:
    """Return what a rule of the engine asks."""
    kind, _dot, rest = rule.partition(".")
    if kind == "limit":
        subject, _dot, period = rest.partition(".")
        words = {"subject": _subject(subject), "period": Period(period).label.lower()}
        return _("within the limit %(subject)s, %(period)s") % words
    return str(RULES.get(rule, rule))


def _subject(subject: str) -> str:
    return {
        LimitSubject.COUPON: _("per code"),
        LimitSubject.CUSTOMER_COUPON: _("per customer and code"),
        LimitSubject.CUSTOMER: _("per customer"),
        LimitSubject.PROMOTION: _("by everybody together"),
    }[subject]


OUTCOMES = {
    "APPLICABLE": gettext_lazy("applied"),
    "INAPPLICABLE": gettext_lazy("refused"),
    "SKIPPED": gettext_lazy("had no effect"),
}
RULES = {
    "exists": gettext_lazy("the code exists"),
    "not_spent_on_this_order": gettext_lazy("not spent on this order before"),
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
    "first_order_only": gettext_lazy("on a first order"),
    "stores": gettext_lazy("in one of its stores"),
    "sales_channels": gettext_lazy("in one of its channels"),
    "items": gettext_lazy("the cart has articles it is for"),
    "exclusive": gettext_lazy("nothing beside it that stands alone"),
    "verified_email": gettext_lazy("by a customer whose e-mail address was confirmed"),
    "countries": gettext_lazy("in one of its countries"),
    "regions": gettext_lazy("by a customer from one of its regions"),
    "languages": gettext_lazy("by a customer who speaks one of its languages"),
    "contains": gettext_lazy("the cart has what it asks for"),
    "metadata": gettext_lazy("the order says what it asks for"),
    "pieces": gettext_lazy("the cart has pieces enough"),
    "bundle": gettext_lazy("a bundle is complete"),
    "tier": gettext_lazy("the first tier is reached"),
    "cost_known": gettext_lazy("the cost of the articles is known"),
    "margin_floor": gettext_lazy("the margin that has to stay is left"),
    "max_applied": gettext_lazy("not too many on one order"),
    "usable": gettext_lazy("it can be used"),
    "balance": gettext_lazy("something is left on it"),
    "enough": gettext_lazy("it holds what was asked of it"),
    "max_in_category": gettext_lazy("not too many of its category"),
    "minimum_spend": gettext_lazy("enough is spent"),
    "budget": gettext_lazy("the budget bears it"),
}
