"""One friend brought by one customer, and what both got for it."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from referrals.fraud import Signal
from referrals.models.offer import exactly_one


class ReferralQuerySet(models.QuerySet["Referral"]):
    def to_reward(self, at: datetime) -> "ReferralQuerySet":
        """Return the referrals whose waiting time is over, that nobody has to look at, and still unpaid."""
        due = self.filter(status=Referral.Status.QUALIFIED, reward_due_at__lte=at)
        return due.exclude(review=Referral.Review.WAITING)

    def converted(self) -> "ReferralQuerySet":
        """Return the referrals whose friend has bought, and kept it."""
        return self.filter(status__in=[Referral.Status.QUALIFIED, Referral.Status.REWARDED])

    def with_rewards_to_take_back(self) -> "ReferralQuerySet":
        """Return the referrals that were rewarded, or rejected afterwards, and whose rewards still stand."""
        standing = ReferralReward.objects.filter(referral=models.OuterRef("pk"), taken_back_at__isnull=True)
        given = self.filter(status__in=[Referral.Status.REWARDED, Referral.Status.REJECTED])
        return given.filter(models.Exists(standing))

    def rejected_with_rewards(self) -> "ReferralQuerySet":
        """Return the referrals that a merge showed to be none, after rewards that are not only money."""
        return self.with_rewards_to_take_back().filter(status=Referral.Status.REJECTED).order_by("-pk")

    def to_review(self) -> "ReferralQuerySet":
        """Return the referrals that wait for a person's decision, the oldest first."""
        return self.filter(
            review=Referral.Review.WAITING, status__in=[Referral.Status.PENDING, Referral.Status.QUALIFIED]
        ).order_by("pk")


class Referral(models.Model):
    """A friend who came with somebody's code. A friend is referred once; a rejected referral does not count.

    PENDING until the friend's order counts, QUALIFIED until the rewards are out, then REWARDED; TAKEN_BACK
    when the order came back afterwards. While `review` is WAITING no reward goes out: `risk_signals` are
    the codes of what looked like fraud and `risk_score` their weight.
    """

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Waiting for the first order")
        QUALIFIED = "QUALIFIED", _("Reward owed")
        REWARDED = "REWARDED", pgettext_lazy("a referral", "Rewarded")
        TAKEN_BACK = "TAKEN_BACK", _("Taken back")
        REJECTED = "REJECTED", _("Rejected")

    class Reason(models.TextChoices):
        """Why a referral was rejected, or why a reward is missing or late."""

        SELF_REFERRAL = "SELF_REFERRAL", _("The friend is the same person")
        EXISTING_CUSTOMER = "EXISTING_CUSTOMER", _("The friend had bought before")
        PROGRAMME_STOPPED = "PROGRAMME_STOPPED", _("The programme was stopped")
        REFERRER_AT_LIMIT = "REFERRER_AT_LIMIT", _("Who invited has reached the limit")
        PROGRAMME_AT_LIMIT = "PROGRAMME_AT_LIMIT", _("The programme has reached its limit")
        ALREADY_REFERRED = "ALREADY_REFERRED", _("The friend had come with somebody else before")
        REFERRER_GONE = "REFERRER_GONE", _("Who invited is no customer any more")
        REWARD_NOT_POSSIBLE = "REWARD_NOT_POSSIBLE", _("A reward cannot be given right now")
        FRAUD = "FRAUD", _("Rejected in the review")
        RETURNED = "RETURNED", _("The friend's order came back")

    class Review(models.TextChoices):
        """What a person said about signs of fraud; empty when there was nothing to look at."""

        WAITING = "WAITING", _("To be reviewed")
        CLEARED = "CLEARED", _("Found to be in order")
        REFUSED = "REFUSED", _("Found to be fraud")

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
    review = models.CharField(_("review"), max_length=8, choices=Review, blank=True)
    risk_score = models.PositiveSmallIntegerField(_("weight of the signs"), default=0)
    risk_signals = models.JSONField(_("signs of fraud"), default=list, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reviewed by"),
    )
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True, blank=True)
    review_note = models.CharField(_("note of the review"), max_length=300, blank=True)
    employee = models.ForeignKey(
        "loyalty.Employee",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="referrals",
        verbose_name=_("employee"),
        help_text=_("Who took the friend in."),
    )
    store = models.ForeignKey(
        "customers.Store",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("store"),
    )
    registered_at = models.DateTimeField(_("registered at"))
    qualified_at = models.DateTimeField(_("qualified at"), null=True, blank=True)
    reward_due_at = models.DateTimeField(_("reward due at"), null=True, blank=True)
    rewarded_at = models.DateTimeField(_("rewarded at"), null=True, blank=True)
    taken_back_at = models.DateTimeField(_("taken back at"), null=True, blank=True)

    objects = ReferralQuerySet.as_manager()

    class Meta:
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        ordering = ["-id"]
        permissions = [("review_referral", "Can decide about referrals that look like fraud")]
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
            models.CheckConstraint(
                condition=~models.Q(review="WAITING") | ~models.Q(status="REWARDED"),
                name="no_reward_before_the_review",
            ),
        ]
        indexes = [
            models.Index(fields=["programme", "status"], name="referral_programme_status"),
            models.Index(
                fields=["reward_due_at"], condition=models.Q(status="QUALIFIED"), name="referral_to_reward"
            ),
            models.Index(fields=["id"], condition=models.Q(review="WAITING"), name="referral_to_review"),
            models.Index(
                fields=["order"], condition=models.Q(order__isnull=False), name="referral_order_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.referrer} → {self.referee}"

    @property
    def signals(self) -> list[Signal]:
        """Return what looked like fraud, the heaviest first."""
        known = {signal.value: signal for signal in Signal}
        return sorted(
            (known[code] for code in self.risk_signals if code in known), key=lambda sign: -sign.weight
        )


class ReferralReward(models.Model):
    """What one side of a referral got, once: a coupon, points, a reward, or money to be paid out.

    `taken_back_at` says that it was taken back as far as it could be; `missing_points` were spent by then.
    """

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
    cash_amount = models.BigIntegerField(_("money"), null=True, blank=True)
    grant = models.OneToOneField(
        "loyalty.RewardGrant", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    rewarded_at = models.DateTimeField(_("rewarded at"))
    taken_back_at = models.DateTimeField(_("taken back at"), null=True, blank=True)
    missing_points = models.PositiveIntegerField(_("points spent before"), default=0)

    class Meta:
        verbose_name = _("reward of a referral")
        verbose_name_plural = _("rewards of referrals")
        constraints = [
            models.UniqueConstraint(fields=["referral", "side"], name="one_reward_per_side"),
            models.CheckConstraint(
                condition=exactly_one(("publication", "entry", "cash_amount", "grant")),
                name="a_reward_of_a_referral_is_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.referral_id}"
