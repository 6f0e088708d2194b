"""A referral programme, the code each customer shares in it, and the invitations they send."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Channel


class ReferralProgramme(models.Model):
    """Who brings a friend gets something, and so does the friend, once the friend has bought.

    Each side's reward is a promotion's coupon or a number of points. `minimum_amount` (minor units of the
    programme's currency) is what the friend's order has to reach; `after_days` waits for returns first.
    """

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    active = models.BooleanField(_("active"), default=True, editable=False)
    stopped_at = models.DateTimeField(_("stopped at"), null=True, blank=True, editable=False)
    stop_reason = models.CharField(_("reason for stopping"), max_length=300, blank=True, editable=False)
    referrer_promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("coupon for who invites"),
    )
    referrer_points = models.PositiveIntegerField(_("points for who invites"), null=True, blank=True)
    referee_promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("coupon for the friend"),
    )
    referee_points = models.PositiveIntegerField(_("points for the friend"), null=True, blank=True)
    minimum_amount = models.BigIntegerField(_("smallest order"), default=0)
    after_days = models.PositiveSmallIntegerField(
        _("days before the reward"), default=0, help_text=_("Time for a return; 0 rewards at once.")
    )
    maximum_per_referrer = models.PositiveIntegerField(
        _("rewarded friends per customer"), null=True, blank=True, help_text=_("Empty: any number.")
    )
    fixed_cost_amount = models.BigIntegerField(
        _("fixed cost"), default=0, help_text=_("Of the whole programme, in minor units; part of its return.")
    )
    landing_url = models.CharField(
        _("page the link leads to"),
        max_length=300,
        blank=True,
        help_text=_("With {code} where the code goes. Empty: a page of Fidelio's own."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("referral programme")
        verbose_name_plural = _("referral programmes")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(referrer_promotion__isnull=True) ^ models.Q(referrer_points__isnull=True),
                name="one_reward_for_the_referrer",
                violation_error_message=_("Who invites gets either a coupon or points."),
            ),
            models.CheckConstraint(
                condition=models.Q(referee_promotion__isnull=True) ^ models.Q(referee_points__isnull=True),
                name="one_reward_for_the_referee",
                violation_error_message=_("The friend gets either a coupon or points."),
            ),
            models.CheckConstraint(
                condition=models.Q(minimum_amount__gte=0, fixed_cost_amount__gte=0),
                name="a_referral_programme_without_negative_amounts",
                violation_error_message=_("Amounts are not negative."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ReferralCode(models.Model):
    """The code one customer shares in one programme; after a merge they may have older ones beside it."""

    programme = models.ForeignKey(
        ReferralProgramme, on_delete=models.PROTECT, related_name="codes", verbose_name=_("programme")
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="referral_codes",
        verbose_name=_("customer"),
    )
    code = models.CharField(_("code"), max_length=32, unique=True)
    current = models.BooleanField(
        _("current"), default=True, help_text=_("The one to share; a merge leaves other codes working.")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("referral code")
        verbose_name_plural = _("referral codes")
        constraints = [
            models.UniqueConstraint(
                fields=["programme", "customer"],
                condition=models.Q(current=True),
                name="one_code_per_customer",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def url(self) -> str:
        """Return the link to share."""
        pattern = self.programme.landing_url or f"{settings.PUBLIC_URL}/r/{{code}}"
        return pattern.replace("{code}", self.code)


class Invitation(models.Model):
    """A customer shared their code through a channel."""

    code = models.ForeignKey(ReferralCode, on_delete=models.PROTECT, related_name="invitations")
    channel = models.CharField(_("channel"), max_length=8, choices=Channel, blank=True)
    invited_at = models.DateTimeField(_("invited at"))

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return f"{self.code} {self.channel}"
