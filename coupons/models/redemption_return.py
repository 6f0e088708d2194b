"""Goods of a redeemed cart that came back, and what that refunded, to whom."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RedemptionReturn(models.Model):
    """What came back of the cart of one stack, once; amounts are minor units of the stack's currency.

    `external_id` is the return's id in the source: the order's return of the same id is the same return.
    Whatever was paid with gift cards and points and goes back there is `gift_card_amount` and
    `points_amount`, the rest is `cash_amount`.
    """

    class Policy(models.TextChoices):
        CASH_FIRST = "CASH_FIRST", _("Money first")
        CARD_FIRST = "CARD_FIRST", _("Gift cards and points first")
        PROPORTIONAL = "PROPORTIONAL", _("In the proportion in which it was paid")

    stack = models.ForeignKey(
        "coupons.RedemptionStack",
        on_delete=models.PROTECT,
        related_name="returns",
        verbose_name=_("redemption"),
        db_index=False,
    )
    external_id = models.CharField(_("id in the source"), max_length=128)
    policy = models.CharField(_("what is refunded first"), max_length=16, choices=Policy)
    refund_amount = models.BigIntegerField(_("refund"))
    cash_amount = models.BigIntegerField(_("in money"))
    gift_card_amount = models.BigIntegerField(_("on gift cards"), default=0)
    points_amount = models.BigIntegerField(_("in points, their value"), default=0)
    points = models.PositiveBigIntegerField(_("points"), default=0)
    restores_usage = models.BooleanField(_("gave back the uses"), default=False)
    order_return = models.ForeignKey(
        "customers.Return",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="redemption_returns",
        verbose_name=_("the order's return"),
    )
    client = models.ForeignKey(
        "operations.ApiClient", on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("client")
    )
    recorded_by = models.ForeignKey(
        "operations.User", on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("recorded by")
    )
    returned_at = models.DateTimeField(_("returned at"))

    class Meta:
        verbose_name = _("return of a redemption")
        verbose_name_plural = _("returns of redemptions")
        ordering = ["id"]
        permissions = [
            ("return_redemption", "Can take back goods of a redeemed cart"),
            ("undo_redemption", "Can roll redemptions back"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["stack", "external_id"], name="a_stack_returns_once_per_source_id"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    cash_amount__gte=0,
                    gift_card_amount__gte=0,
                    points_amount__gte=0,
                    refund_amount=models.F("cash_amount")
                    + models.F("gift_card_amount")
                    + models.F("points_amount"),
                ),
                name="a_refund_is_its_parts",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class RedemptionReturnLine(models.Model):
    """How much of one line of the cart came back, and what that refunds."""

    parent = models.ForeignKey(
        RedemptionReturn, on_delete=models.PROTECT, related_name="lines", db_index=False
    )
    line_id = models.CharField(_("line"), max_length=64)
    position = models.PositiveSmallIntegerField()
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3)
    refund_amount = models.BigIntegerField(_("refund"))

    class Meta:
        verbose_name = _("returned line of a redemption")
        verbose_name_plural = _("returned lines of redemptions")
        ordering = ["parent_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["parent", "line_id"], name="a_return_names_a_line_once"),
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0, refund_amount__gte=0),
                name="a_returned_line_is_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.refund_amount}"


class ReturnedTender(models.Model):
    """What one return gave back to one gift card or in points; `entry` is that of the ledger."""

    parent = models.ForeignKey(
        RedemptionReturn, on_delete=models.PROTECT, related_name="tenders", db_index=False
    )
    redemption = models.ForeignKey("coupons.Redemption", on_delete=models.PROTECT, related_name="given_back")
    amount = models.BigIntegerField(_("amount"))
    units = models.PositiveBigIntegerField(_("units"))
    entry = models.OneToOneField("coupons.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("tender given back")
        verbose_name_plural = _("tenders given back")
        constraints = [
            models.UniqueConstraint(fields=["parent", "redemption"], name="a_return_pays_a_tender_once"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="a_tender_given_back_is_positive"),
            models.CheckConstraint(
                condition=models.Q(units=0) ^ models.Q(entry__isnull=False),
                name="given_back_units_have_their_entry",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.redemption_id}: {self.amount}"
