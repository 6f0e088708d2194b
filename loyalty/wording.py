"""Rewards and milestones in words."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from loyalty.models import Milestone, Reward
from operations.formats import money, number

Kind = Reward.Kind
Metric = Milestone.Metric


def gift_words(reward: Reward) -> str:
    """Return in a few words what a reward gives."""
    match reward.kind:
        case Kind.COUPON:
            return _("Coupon: %(promotion)s") % {"promotion": reward.promotion}
        case Kind.GIFT_CARD:
            return _("Gift card of %(amount)s") % {"amount": money(reward.amount, reward.currency)}
        case Kind.POINTS:
            given = reward.points_given or 0
            return ngettext("%(points)s point", "%(points)s points", given) % {"points": number(given)}
        case Kind.PRODUCT:
            return _("Article: %(product)s") % {"product": reward.product}
        case Kind.DONATION:
            return _("Donation of %(amount)s") % {"amount": money(reward.amount, reward.currency)}
    return _("Code of a partner")


# Nobody says "every 1 year".
_EACH = {
    Metric.POINTS: gettext_lazy("Every point"),
    Metric.ORDERS: gettext_lazy("Every order"),
    Metric.VISITS: gettext_lazy("Every visit"),
    Metric.YEARS: gettext_lazy("Every year"),
}


def milestone_words(milestone: Milestone) -> str:
    """Return in a few words when a milestone is reached."""
    how_much = threshold_words(milestone, milestone.threshold)
    if not milestone.repeats:
        return how_much
    each = _EACH.get(milestone.metric) if milestone.threshold == 1 else None
    return str(each) if each else _("Every %(much)s") % {"much": how_much}


def threshold_words(milestone: Milestone, value: int) -> str:
    """Return a value of a milestone's metric with its unit."""
    shown = {"value": number(value)}
    match milestone.metric:
        case Metric.POINTS:
            return ngettext("%(value)s point", "%(value)s points", value) % shown
        case Metric.ORDERS:
            return ngettext("%(value)s order", "%(value)s orders", value) % shown
        case Metric.VISITS:
            return ngettext("%(value)s visit", "%(value)s visits", value) % shown
        case Metric.YEARS:
            return ngettext("%(value)s year", "%(value)s years", value) % shown
    return money(value)
