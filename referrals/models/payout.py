"""Money owed to those who invite, and the lists by which it is paid out."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class PayoutBatch(models.Model):
    """One list of payments: WAITING until another person agrees, APPROVED until somebody says it was paid.

    Amounts are minor units of `currency`. A list that is REJECTED sets free what stood on it. From
    `exported_at` on the bank may know the payments: nothing leaves the list any more.
    """

    class Status(models.TextChoices):
        WAITING = "WAITING", _("Waiting for approval")
        APPROVED = "APPROVED", _("To be paid")
        PAID = "PAID", _("Paid")
        REJECTED = "REJECTED", _("Rejected")

    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.WAITING)
    currency = models.CharField(_("currency"), max_length=3)
    people = models.PositiveIntegerField(_("people"), default=0)
    total_amount = models.BigIntegerField(_("total"), default=0)
    created_at = models.DateTimeField(_("made at"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("made by")
    )
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approved by"),
    )
    exported_at = models.DateTimeField(_("exported at"), null=True, blank=True)
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    reference = models.CharField(_("reference of the payment"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("payout list")
        verbose_name_plural = _("payout lists")
        ordering = ["-id"]
        permissions = [("approve_payoutbatch", "Can approve payouts to those who invite")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True) | ~models.Q(approved_by=models.F("created_by")),
                name="payouts_approved_by_another_person",
                violation_error_message=_("Another person has to approve this."),
            ),
            models.CheckConstraint(
                condition=~models.Q(status="PAID") | models.Q(paid_at__isnull=False),
                name="a_paid_list_says_when",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def is_open(self) -> bool:
        """Return whether a payment can still leave the list, since nobody has paid from it yet."""
        waits = self.status == self.Status.WAITING
        return waits or (self.status == self.Status.APPROVED and self.exported_at is None)


class Payout(models.Model):
    """What one customer is paid by one list (minor units, positive)."""

    batch = models.ForeignKey(
        PayoutBatch, on_delete=models.PROTECT, related_name="payouts", verbose_name=_("payout list")
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="referral_payouts",
        verbose_name=_("customer"),
    )
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("payout")
        verbose_name_plural = _("payouts")
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="a_payout_pays_something"),
        ]

    def __str__(self) -> str:
        return f"{self.batch} {self.customer_id}"


class CashEntryQuerySet(models.QuerySet["CashEntry"]):
    def open(self) -> "CashEntryQuerySet":
        """Return what stands on no list."""
        return self.filter(payout__isnull=True)

    def standing(self) -> "CashEntryQuerySet":
        """Return the last word on rewards that are owed or were paid."""
        return self._last().filter(amount__gt=0)

    def taken_back(self) -> "CashEntryQuerySet":
        """Return the last word on rewards that were taken back."""
        return self._last().filter(amount__lt=0)

    def _last(self) -> "CashEntryQuerySet":
        # Of one round what was owed comes before what was taken back.
        later = CashEntry.objects.filter(reward=models.OuterRef("reward"), pk__gt=models.OuterRef("pk"))
        return self.exclude(models.Exists(later))


class CashEntry(models.Model):
    """Money that a referral brought somebody (positive), or that they owe back (negative); minor units.

    What is owed back after it was paid is taken off the next payout. What was taken back and is owed again,
    since a merge was undone, is booked in another `round`.
    """

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="referral_cash",
        verbose_name=_("customer"),
    )
    reward = models.ForeignKey(
        "referrals.ReferralReward", on_delete=models.PROTECT, related_name="cash", verbose_name=_("reward")
    )
    amount = models.BigIntegerField(_("amount"))
    round = models.PositiveSmallIntegerField(default=1, editable=False)
    booked_at = models.DateTimeField(_("booked at"))
    payout = models.ForeignKey(
        Payout,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="entries",
        verbose_name=_("payout"),
    )

    objects = CashEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("money of a referral")
        verbose_name_plural = _("money of referrals")
        constraints = [
            models.CheckConstraint(condition=~models.Q(amount=0), name="cash_of_a_referral_moves_something"),
            models.UniqueConstraint(
                fields=["reward", "round"],
                condition=models.Q(amount__gt=0),
                name="money_of_a_referral_is_owed_once",
            ),
            models.UniqueConstraint(
                fields=["reward", "round"],
                condition=models.Q(amount__lt=0),
                name="money_of_a_referral_goes_back_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer"], condition=models.Q(payout__isnull=True), name="cash_to_pay_out"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.amount}"
