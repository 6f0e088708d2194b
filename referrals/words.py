"""What both sides of a referral get, in words."""

from django.utils.translation import ngettext

from operations import formats
from referrals.models.offer import Offer


def referrer_words(offer: Offer) -> str:
    """Return what who invites gets; of a coupon or a reward its name."""
    if offer.referrer_cash_amount:
        return formats.money(offer.referrer_cash_amount)
    return _words(offer.referrer_promotion, offer.referrer_points, offer.referrer_reward)


def referee_words(offer: Offer) -> str:
    """Return what the friend gets; of a coupon or a reward its name."""
    return _words(offer.referee_promotion, offer.referee_points, offer.referee_reward)


def _words(promotion: object, points: int | None, reward: object) -> str:
    if points:
        return ngettext("%(points)s point", "%(points)s points", points) % {"points": formats.number(points)}
    return str(promotion or reward)
