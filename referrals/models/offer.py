"""What both sides of a referral are promised."""

from django.db import models
from django.utils.translation import gettext_lazy as _

REFERRER_GETS = ("referrer_promotion", "referrer_points", "referrer_reward", "referrer_cash_amount")
REFEREE_GETS = ("referee_promotion", "referee_points", "referee_reward")


def exactly_one(names: tuple[str, ...]) -> models.Q:
    """Return the condition that one of these fields is set and the others are not."""
    condition = models.Q()
    for chosen in names:
        condition |= models.Q(**{f"{name}__isnull": name != chosen for name in names})
    return condition


class Offer(models.Model):
    """Each side gets one thing: a coupon of a promotion, a number of points or a reward of the catalogue.

    Who invites may get money in its place (minor units of the programme's currency), for affiliates.
    """

    referrer_promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("coupon for who invites"),
    )
    referrer_points = models.PositiveIntegerField(_("points for who invites"), null=True, blank=True)
    referrer_reward = models.ForeignKey(
        "loyalty.Reward",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reward for who invites"),
    )
    referrer_cash_amount = models.BigIntegerField(_("money for who invites"), null=True, blank=True)
    referee_promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("coupon for the friend"),
    )
    referee_points = models.PositiveIntegerField(_("points for the friend"), null=True, blank=True)
    referee_reward = models.ForeignKey(
        "loyalty.Reward",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reward for the friend"),
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=exactly_one(REFERRER_GETS),
                name="%(class)s_gives_one_thing_to_who_invites",
                violation_error_message=_("Who invites gets one thing."),
            ),
            models.CheckConstraint(
                condition=exactly_one(REFEREE_GETS),
                name="%(class)s_gives_one_thing_to_the_friend",
                violation_error_message=_("The friend gets one thing."),
            ),
            models.CheckConstraint(
                condition=models.Q(referrer_cash_amount__isnull=True) | models.Q(referrer_cash_amount__gt=0),
                name="%(class)s_gives_money_and_takes_none",
                violation_error_message=_("Money given is more than nothing."),
            ),
        ]
