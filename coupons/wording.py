"""A promotion in words a person understands: what it gives, to whom, how often, for how much in all."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coupons.definitions import (
    LimitRule,
    LimitSubject,
    read_conditions,
    read_effect,
    read_items,
    read_limits,
    read_stacking,
)
from coupons.engine import Conditions, Effect, Items, Stacking
from coupons.engine.incentive import Basis, Kind, SpendScope, Target
from coupons.models import Budget, Coupon, Promotion
from operations.formats import moment, money, number


def headline(promotion: Promotion) -> str:
    """Return what the promotion gives, in half a line."""
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


def effect_in_words(effect: Effect, currency: str) -> str:
    values = {"items": items_in_words(effect.items)}
    if effect.kind == Kind.AMOUNT:
        values["value"] = money(effect.amount, currency)
    else:
        values["value"] = f"{number(effect.percent.normalize(), _decimals(effect))}%"
    if effect.target == Target.ITEMS:
        words = _("%(value)s off %(items)s") % values
    else:
        words = _("%(value)s off the whole order") % values
    if effect.amount_limit is not None:
        words = _("%(words)s, at most %(limit)s") % {
            "words": words,
            "limit": money(effect.amount_limit, currency),
        }
    return words


def items_in_words(items: Items) -> str:
    """Return which lines are meant."""
    named = "; ".join(_names(items)) or _("everything")
    if items.exclude and items.exclude.named:
        excluded = "; ".join(_names(items.exclude))
        return _("%(items)s, without %(excluded)s") % {"items": named, "excluded": excluded}
    return named


def sentences(promotion: Promotion) -> list[tuple[str, str]]:
    """Return the whole promotion as pairs of a heading and a sentence."""
    conditions = read_conditions(promotion.conditions)
    lines = [(_("It gives"), headline(promotion))]
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


def _decimals(effect: Effect) -> int:
    return max(0, -effect.percent.normalize().as_tuple().exponent)


def _names(items: Items) -> Iterator[str]:
    for names, label in (
        (items.skus, _("articles %(names)s")),
        (items.products, _("products %(names)s")),
        (items.categories, _("categories %(names)s")),
        (items.brands, _("brands %(names)s")),
        (items.collections, _("collections %(names)s")),
    ):
        if names:
            shown = sorted(names)[:5]
            rest = len(names) - len(shown)
            more = ngettext(" and %(count)d more", " and %(count)d more", rest) % {"count": rest}
            yield label % {"names": ", ".join(shown)} + (more if rest else "")


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
    if conditions.first_order_only:
        yield _("on a customer's first order")
    if minimum := conditions.minimum_spend:
        what = money(minimum.amount, promotion.currency)
        if minimum.scope == SpendScope.ELIGIBLE_ITEMS:
            yield _("from %(amount)s spent on the articles it is for") % {"amount": what}
        else:
            yield _("from an order of %(amount)s on") % {"amount": what}
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
    subjects = {
        LimitSubject.COUPON: _("per code"),
        LimitSubject.CUSTOMER_COUPON: _("per customer and code"),
        LimitSubject.CUSTOMER: _("per customer"),
        LimitSubject.PROMOTION: _("by everybody together"),
    }
    periods = {"TOTAL": _("in all"), "DAY": _("a day"), "WEEK": _("a week"), "MONTH": _("a month")}
    times = ngettext("once", "%(count)s times", limit.uses) % {"count": number(limit.uses)}
    return f"{times} {periods[limit.period]} {subjects[limit.subject]}"


def _stacking(stacking: Stacking) -> Iterator[str]:
    if stacking.exclusive:
        yield _("stands alone: nothing else is taken off beside it")
    if stacking.basis == Basis.INITIAL:
        yield _("counts on the prices before other discounts")
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
    words = _("a code of its own for each, good %(times)s") % {"times": times}
    if promotion.coupon_valid_days is None:
        return words
    return ngettext(
        "%(words)s, for %(count)s day", "%(words)s, for %(count)s days", promotion.coupon_valid_days
    ) % {"words": words, "count": promotion.coupon_valid_days}
