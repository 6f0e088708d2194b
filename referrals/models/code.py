"""The code each customer shares in a programme, and how they shared it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from referrals.models.offer import Offer
from referrals.models.programme import ReferralProgramme, ReferralVariant, ShareChannel
from referrals.sharing import with_channel


class ReferralCodeQuerySet(models.QuerySet["ReferralCode"]):
    def leaders(self, programme: ReferralProgramme) -> "ReferralCodeQuerySet":
        """Return the codes that brought somebody, those with the most friends who bought first."""
        brought = self.filter(programme=programme, registered__gt=0)
        return brought.order_by("-qualified", "-registered", "pk")


class ReferralCode(models.Model):
    """The code one customer shares in one programme; after a merge they may have older ones beside it.

    The counts follow from the rows and are written in their transactions (`recount_codes`): who was invited,
    came, bought (and has not brought it back) and was rewarded for.
    """

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
    variant = models.ForeignKey(
        ReferralVariant,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="codes",
        verbose_name=_("variant"),
        help_text=_("Empty: the programme's own offer."),
    )
    current = models.BooleanField(
        _("current"), default=True, help_text=_("The one to share; a merge leaves other codes working.")
    )
    invited = models.PositiveIntegerField(_("invited"), default=0, editable=False)
    registered = models.PositiveIntegerField(_("came"), default=0, editable=False)
    qualified = models.PositiveIntegerField(_("bought"), default=0, editable=False)
    rewarded = models.PositiveIntegerField(_("rewarded"), default=0, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = ReferralCodeQuerySet.as_manager()

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
        indexes = [
            models.Index(
                fields=["programme", "-qualified", "-registered", "id"],
                condition=models.Q(registered__gt=0),
                name="referral_code_leaders",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def offer(self) -> Offer:
        """Return what was promised with this code."""
        return self.variant or self.programme

    @property
    def url(self) -> str:
        """Return the link to share."""
        pattern = self.programme.landing_url or f"{settings.PUBLIC_URL}/r/{{code}}"
        return pattern.replace("{code}", self.code)

    def shared_by(self, channel: str) -> str:
        """Return the link as it is shared through a channel, so that a visit tells where it came from."""
        return with_channel(self.url, channel)


class Invitation(models.Model):
    """A customer shared their code through a channel."""

    code = models.ForeignKey(ReferralCode, on_delete=models.PROTECT, related_name="invitations")
    channel = models.CharField(_("channel"), max_length=16, choices=ShareChannel, blank=True)
    invited_at = models.DateTimeField(_("invited at"))

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return f"{self.code} {self.channel}"


class CodeOpening(models.Model):
    """How often the page of a code's link was opened on one day, by people as far as one can tell."""

    code = models.ForeignKey(ReferralCode, on_delete=models.PROTECT, related_name="openings")
    opened_on = models.DateField(_("day"))
    opened = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("opening of a link")
        verbose_name_plural = _("openings of links")
        constraints = [
            models.UniqueConstraint(fields=["code", "opened_on"], name="a_code_s_day_is_counted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.opened_on}"
