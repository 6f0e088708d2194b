"""One friend brought by one customer, and what both got for it."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReferralQuerySet(models.QuerySet["Referral"]):
    def to_reward(self, at) -> "ReferralQuerySet":
        """Return the referrals whose waiting time is over and whose rewards are still owed."""
        return self.filter(status=Referral.Status.QUALIFIED, reward_due_at__lte=at)

    def converted(self) -> "ReferralQuerySet":
        """Return the referrals whose friend has bought."""
        return self.filter(status__in=[Referral.Status.QUALIFIED, Referral.Status.REWARDED])


class Referral(models.Model):
    """A friend who came with somebody's code. A friend is referred once; a rejected referral does not count.

    PENDING until the friend's order reaches the minimum, QUALIFIED until the rewards are out, then REWARDED.
    """

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Waiting for the first order")
        QUALIFIED = "QUALIFIED", _("Reward owed")
        REWARDED = "REWARDED", _("Rewarded")
        REJECTED = "REJECTED", _("Rejected")

    class Reason(models.TextChoices):
        """Why a referral was rejected, or why a reward is missing or late."""

        SELF_REFERRAL = "SELF_REFERRAL", _("The friend is the same person")
        EXISTING_CUSTOMER = "EXISTING_CUSTOMER", _("The friend had bought before")
        PROGRAMME_STOPPED = "PROGRAMME_STOPPED", _("The programme was stopped")
        REFERRER_AT_LIMIT = "REFERRER_AT_LIMIT", _("Who invited has reached the limit")
        ALREADY_REFERRED = "ALREADY_REFERRED", _("The friend had come with somebody else before")
        REFERRER_GONE = "REFERRER_GONE", _("Who invited is no customer any more")
        REWARD_NOT_POSSIBLE = "REWARD_NOT_POSSIBLE", _("A reward cannot be given right now")

    programme = models.ForeignKey(
        "referrals.ReferralProgramme",
        on_delete=models.PROTECT,
        related_name="referrals",
        verbose_name=_("programme"),
    )
    code = models.ForeignKey(
        "referrals.ReferralCode", on_delete=models.PROTECT, related_name="referrals", verbose_name=_("code")
    )
    referrer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="referrals_made",
        verbose_name=_("invited by"),
    )
    referee = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="referrals", verbose_name=_("friend")
    )
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.PENDING)
    reason = models.CharField(_("reason"), max_length=32, choices=Reason, blank=True)
    order = models.ForeignKey(
        "customers.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("order"),
    )
    registered_at = models.DateTimeField(_("registered at"))
    qualified_at = models.DateTimeField(_("qualified at"), null=True, blank=True)
    reward_due_at = models.DateTimeField(_("reward due at"), null=True, blank=True)
    rewarded_at = models.DateTimeField(_("rewarded at"), null=True, blank=True)

    objects = ReferralQuerySet.as_manager()

    class Meta:
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["referee"],
                condition=~models.Q(status="REJECTED"),
                name="a_friend_is_referred_once",
                violation_error_message=_("This friend was referred already."),
            ),
            models.CheckConstraint(
                condition=models.Q(status="REJECTED") | ~models.Q(referee=models.F("referrer")),
                name="nobody_refers_themselves",
                violation_error_message=_("Nobody can refer themselves."),
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["PENDING", "REJECTED"]) | models.Q(order__isnull=False),
                name="an_order_qualifies_a_referral",
            ),
        ]
        indexes = [
            models.Index(fields=["programme", "status"], name="referral_programme_status"),
            models.Index(
                fields=["reward_due_at"], condition=models.Q(status="QUALIFIED"), name="referral_to_reward"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.referrer} → {self.referee}"


class ReferralReward(models.Model):
    """What one side of a referral got, once: a coupon handed out, or points."""

    class Side(models.TextChoices):
        REFERRER = "REFERRER", _("Who invited")
        REFEREE = "REFEREE", _("The friend")

    referral = models.ForeignKey(
        Referral, on_delete=models.PROTECT, related_name="rewards", verbose_name=_("referral")
    )
    side = models.CharField(_("for"), max_length=8, choices=Side)
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    publication = models.OneToOneField(
        "coupons.Publication", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    entry = models.OneToOneField(
        "coupons.LedgerEntry", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    rewarded_at = models.DateTimeField(_("rewarded at"))

    class Meta:
        verbose_name = _("reward of a referral")
        verbose_name_plural = _("rewards of referrals")
        constraints = [
            models.UniqueConstraint(fields=["referral", "side"], name="one_reward_per_side"),
            models.CheckConstraint(
                condition=models.Q(publication__isnull=True) ^ models.Q(entry__isnull=True),
                name="a_reward_is_a_coupon_or_points",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.referral_id}"
