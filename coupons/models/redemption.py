"""Incentives spent on orders, what each line got of them, and their undoing."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class RedemptionStatus(models.TextChoices):
    REDEEMED = "REDEEMED", _("Redeemed")
    RETURNED = "RETURNED", _("Returned")
    ROLLED_BACK = "ROLLED_BACK", _("Rolled back")


class RedemptionStack(models.Model):
    """All incentives spent on one order in one request; amounts are minor units of `currency`.

    `cart` is the cart as it came, `order_totals` what the answer said of it, so that the same can be told
    again. An order recorded with the same source and id is the stack's order.
    """

    Status = RedemptionStatus

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="redemption_stacks",
        verbose_name=_("customer"),
    )
    client = models.ForeignKey(
        "operations.ApiClient",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        verbose_name=_("client"),
        db_index=False,
    )
    status = models.CharField(
        _("status"), max_length=16, choices=RedemptionStatus, default=RedemptionStatus.REDEEMED
    )
    source_code = models.CharField(_("source"), max_length=64, blank=True)
    external_id = models.CharField(_("order's id in the source"), max_length=128, blank=True)
    order = models.ForeignKey(
        "customers.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="redemption_stacks",
        verbose_name=_("order"),
        db_index=False,
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount = models.BigIntegerField(_("goods"), help_text=_("With VAT, before discounts."))
    discount_amount = models.BigIntegerField(_("discount"), help_text=_("On goods."))
    shipping_discount_amount = models.BigIntegerField(_("discount on shipping"), default=0)
    tender_amount = models.BigIntegerField(_("paid with gift cards and points"), default=0)
    cart = models.JSONField(_("cart"))
    order_totals = models.JSONField(_("totals"))
    trace = models.JSONField(_("decisions"), default=list)
    redeemed_at = models.DateTimeField(_("redeemed at"))
    rolled_back_at = models.DateTimeField(_("rolled back at"), null=True, blank=True)
    rollback_reason = models.CharField(_("reason for the rollback"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("stack of redemptions")
        verbose_name_plural = _("stacks of redemptions")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    amount__gte=0, discount_amount__gte=0, discount_amount__lte=models.F("amount")
                ),
                name="a_stack_discounts_within_its_goods",
                violation_error_message=_("A discount lies within the goods."),
            ),
            models.CheckConstraint(
                condition=models.Q(shipping_discount_amount__gte=0, tender_amount__gte=0),
                name="a_stack_is_not_negative",
            ),
        ]
        indexes = [
            models.Index(
                fields=["source_code", "external_id"],
                condition=~models.Q(external_id=""),
                name="stack_order_reference",
            ),
            models.Index(fields=["order"], condition=models.Q(order__isnull=False), name="stack_of_order"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class RedemptionQuerySet(models.QuerySet["Redemption"]):
    def standing(self) -> "RedemptionQuerySet":
        """Return the redemptions whose uses count: neither rolled back nor returned whole."""
        return self.filter(status=RedemptionStatus.REDEEMED)

    def between(self, since: datetime, until: datetime) -> "RedemptionQuerySet":
        return self.filter(redeemed_at__gte=since, redeemed_at__lt=until)


class Redemption(models.Model):
    """One incentive spent on one order, or a means of payment: money of a gift card, points.

    `consumed` names the counters and budgets it took from. A payment has `units` (minor units or points) that
    `entry` took from an account; the entries of points in further accounts of the same customer share its
    cause.
    """

    Status = RedemptionStatus

    class Kind(models.TextChoices):
        COUPON = "coupon", _("Coupon")
        PROMOTION = "promotion", _("Promotion")
        GIFT_CARD = "gift_card", _("Gift card")
        POINTS = "points", _("Points")

    stack = models.ForeignKey(
        RedemptionStack, on_delete=models.PROTECT, related_name="redemptions", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    promotion = models.ForeignKey(
        "coupons.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="redemptions",
        verbose_name=_("promotion"),
        db_index=False,
    )
    coupon = models.ForeignKey(
        "coupons.Coupon",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="redemptions",
        verbose_name=_("coupon"),
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="redemptions",
        verbose_name=_("customer"),
        db_index=False,
    )
    status = models.CharField(
        _("status"), max_length=16, choices=RedemptionStatus, default=RedemptionStatus.REDEEMED
    )
    gift_card = models.ForeignKey(
        "coupons.GiftCard",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="redemptions",
        verbose_name=_("gift card"),
        db_index=False,
    )
    entry = models.ForeignKey(
        "coupons.LedgerEntry",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="redemptions",
        verbose_name=_("ledger entry"),
        db_index=False,
    )
    units = models.BigIntegerField(_("units"), default=0, help_text=_("Taken from an account."))
    discount_amount = models.BigIntegerField(_("discount"))
    shipping_discount_amount = models.BigIntegerField(_("discount on shipping"), default=0)
    tender_amount = models.BigIntegerField(_("paid with it"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    order_key = models.CharField(max_length=220, null=True, blank=True, editable=False)
    consumed = models.JSONField(default=dict, editable=False)
    redeemed_at = models.DateTimeField(_("redeemed at"))

    objects = RedemptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        constraints = [
            models.UniqueConstraint(fields=["stack", "position"], name="one_redemption_per_position"),
            models.UniqueConstraint(
                fields=["order_key", "coupon"],
                condition=models.Q(status="REDEEMED", coupon__isnull=False),
                name="a_coupon_once_per_order",
                violation_error_message=_("This coupon was spent on this order already."),
            ),
            models.UniqueConstraint(
                fields=["order_key", "promotion"],
                condition=models.Q(status="REDEEMED", coupon__isnull=True),
                name="a_promotion_once_per_order",
                violation_error_message=_("This promotion was applied to this order already."),
            ),
            models.UniqueConstraint(
                fields=["order_key", "gift_card"],
                condition=models.Q(status="REDEEMED", gift_card__isnull=False),
                name="a_gift_card_once_per_order",
                violation_error_message=_("This gift card paid for this order already."),
            ),
            models.UniqueConstraint(
                fields=["order_key"],
                condition=models.Q(status="REDEEMED", kind="points"),
                name="points_once_per_order",
                violation_error_message=_("Points were spent on this order already."),
            ),
            models.CheckConstraint(
                condition=models.Q(
                    discount_amount__gte=0,
                    tender_amount__gte=0,
                    shipping_discount_amount__gte=0,
                    units__gte=0,
                ),
                name="a_redemption_is_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["coupon", "promotion"], promotion__isnull=False, units=0)
                | models.Q(
                    kind__in=["gift_card", "points"],
                    promotion__isnull=True,
                    coupon__isnull=True,
                    discount_amount=0,
                    shipping_discount_amount=0,
                ),
                name="a_redemption_gives_or_pays",
            ),
        ]
        indexes = [
            models.Index(fields=["promotion", "-redeemed_at"], name="redemption_promotion"),
            models.Index(fields=["customer", "-redeemed_at"], name="redemption_customer"),
            models.Index(fields=["-redeemed_at"], name="redemption_day"),
            models.Index(
                fields=["gift_card"],
                condition=models.Q(gift_card__isnull=False),
                name="redemption_of_gift_card",
            ),
            models.Index(
                fields=["entry"], condition=models.Q(entry__isnull=False), name="redemption_of_entry"
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """Return the id the API shows: the stack's and the place in it."""
        return f"{self.stack_id}-{self.position}"

    @property
    def pays(self) -> bool:
        """Return whether it is a means of payment, and no incentive."""
        return self.kind in (self.Kind.GIFT_CARD, self.Kind.POINTS)

    @property
    def shown_code(self) -> str | None:
        """Return the code it was spent under; of a gift card the last four alone."""
        if self.gift_card:
            return f"****{self.gift_card.last4}"
        return self.coupon.code if self.coupon else None


class Allocation(models.Model):
    """The part of a redemption's discount that one line of the cart got; never spread anew."""

    redemption = models.ForeignKey(
        Redemption, on_delete=models.CASCADE, related_name="allocations", db_index=False
    )
    line_id = models.CharField(_("line"), max_length=64)
    position = models.PositiveSmallIntegerField()
    units = models.DecimalField(_("units"), max_digits=12, decimal_places=3)
    discount_amount = models.BigIntegerField(_("discount"))

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        ordering = ["redemption_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["redemption", "line_id"], name="one_allocation_per_line"),
            models.CheckConstraint(
                condition=models.Q(discount_amount__gt=0), name="an_allocation_is_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.discount_amount}"
