"""What was tried with a code without its being redeemed."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class CouponAttempt(models.Model):
    """A code that was refused, or kept for a cart; append-only, forgotten after a year.

    `refusal` is the key of the error and empty for a reservation, which held until `held_until`. When several
    codes were named together, the refusal is that of all of them.
    """

    coupon = models.ForeignKey(
        "coupons.Coupon",
        on_delete=models.PROTECT,
        related_name="attempts",
        verbose_name=_("coupon"),
        db_index=False,
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("customer"),
    )
    client = models.ForeignKey(
        "operations.ApiClient",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("API client"),
        db_index=False,
    )
    refusal = models.CharField(_("refused because"), max_length=48, blank=True)
    order_key = models.CharField(_("order"), max_length=220, blank=True)
    held_until = models.DateTimeField(_("held until"), null=True, blank=True)
    tried_at = models.DateTimeField(_("tried at"))

    class Meta:
        verbose_name = _("attempt with a code")
        verbose_name_plural = _("attempts with codes")
        indexes = [models.Index(fields=["coupon", "-tried_at"], name="attempt_of_coupon")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(refusal="") ^ models.Q(held_until__isnull=True),
                name="an_attempt_was_refused_or_held",
            ),
        ]

    def __str__(self) -> str:
        return self.refusal or "held"
