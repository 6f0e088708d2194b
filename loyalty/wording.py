"""Rewards in words."""

from django.utils.translation import gettext as _

from loyalty.models import Reward
from operations.formats import money, number

Kind = Reward.Kind


def gift_words(reward: Reward) -> str:
    """Return in a few words what a reward gives."""
    match reward.kind:
        case Kind.COUPON:
            return _("Coupon: %(promotion)s") % {"promotion": reward.promotion}
        case Kind.GIFT_CARD:
            return _("Gift card of %(amount)s") % {"amount": money(reward.amount, reward.currency)}
        case Kind.POINTS:
            return _("%(points)s points") % {"points": number(reward.points_given)}
        case Kind.PRODUCT:
            return _("Article: %(product)s") % {"product": reward.product}
        case Kind.DONATION:
            return _("Donation of %(amount)s") % {"amount": money(reward.amount, reward.currency)}
    return _("Code of a partner")
