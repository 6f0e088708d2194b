"""Orders and what came back of them. Amounts are minor units of the order's currency, VAT included."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


def counts(prefix: str = "") -> models.Q:
    """Return what makes an order a purchase, `prefix` being the way to it from another model."""
    return models.Q(
        **{f"{prefix}status": Order.Status.PAID, f"{prefix}currency": settings.PROGRAMME_CURRENCY}
    )


class OrderQuerySet(models.QuerySet["Order"]):
    def counting(self) -> "OrderQuerySet":
        """Return what counts as a purchase: paid, not fully refunded, in the programme's currency."""
        return self.filter(counts())

    def whole(self) -> "OrderQuerySet":
        """Return orders with everything that tells of them: names, lines, returns."""
        lines = models.Prefetch("lines", OrderLine.objects.select_related("product").order_by("pk"))
        returns = models.Prefetch("returns", Return.objects.order_by("pk"))
        returned = models.Prefetch("returns__lines", ReturnLine.objects.select_related("line").order_by("pk"))
        return self.select_related(
            "source", "customer", "sales_channel", "store", "business_unit"
        ).prefetch_related(lines, returns, returned)


class Order(models.Model):
    """A purchase in any sales channel. `net_amount` is revenue: goods after discounts, less refunds."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Pending")
        PAID = "PAID", _("Paid")
        REFUNDED = "REFUNDED", _("Refunded")
        CANCELLED = "CANCELLED", _("Cancelled")

    source = models.ForeignKey(
        "customers.Source", on_delete=models.PROTECT, verbose_name=_("source"), db_index=False
    )
    external_id = models.CharField(_("id in the source"), max_length=128)
    source_profile = models.ForeignKey(
        "customers.SourceProfile", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("customer"),
        db_index=False,
    )
    ordered_at = models.DateTimeField(_("ordered at"))
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.PAID)
    currency = models.CharField(_("currency"), max_length=3)
    sales_channel = models.ForeignKey(
        "customers.SalesChannel",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("sales channel"),
        db_index=False,
    )
    store = models.ForeignKey(
        "customers.Store", on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("store")
    )
    business_unit = models.ForeignKey(
        "customers.BusinessUnit",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("business unit"),
        db_index=False,
    )
    total_amount = models.BigIntegerField(_("total"), help_text=_("Goods with VAT, after discounts."))
    shipping_amount = models.BigIntegerField(_("shipping"), default=0)
    refunded_amount = models.BigIntegerField(_("refunded"), default=0)
    net_amount = models.GeneratedField(
        expression=models.F("total_amount") - models.F("refunded_amount"),
        output_field=models.BigIntegerField(_("net amount")),
        db_persist=True,
    )
    content_hash = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(_("recorded at"), auto_now_add=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="one_order_per_source_id"),
            models.CheckConstraint(
                condition=models.Q(
                    total_amount__gte=0,
                    shipping_amount__gte=0,
                    refunded_amount__gte=0,
                    refunded_amount__lte=models.F("total_amount"),
                ),
                name="refunds_within_the_total",
                violation_error_message=_("An order cannot refund more than its total."),
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer", "ordered_at"],
                include=["net_amount", "currency", "sales_channel", "business_unit", "id"],
                condition=models.Q(status="PAID"),
                name="order_purchases",
            ),
            models.Index(fields=["customer", "-ordered_at"], name="order_customer"),
            models.Index(
                fields=["-ordered_at"],
                include=["net_amount", "customer", "status", "currency"],
                name="order_day",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class OrderLine(models.Model):
    """One article of an order. `amount` is before the discount, for the whole quantity."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    line_id = models.CharField(_("line"), max_length=64)
    product = models.ForeignKey(
        "customers.Product", on_delete=models.PROTECT, verbose_name=_("product"), db_index=False
    )
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3)
    unit_price_amount = models.BigIntegerField(_("unit price"), null=True, blank=True)
    amount = models.BigIntegerField(_("amount"))
    discount_amount = models.BigIntegerField(_("discount"), default=0)
    tax_rate = models.DecimalField(
        _("tax rate, percent"), max_digits=5, decimal_places=2, null=True, blank=True
    )

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        indexes = [models.Index(fields=["product"], include=["order"], name="order_line_product")]
        constraints = [
            models.UniqueConstraint(fields=["order", "line_id"], name="one_line_per_id"),
            models.CheckConstraint(
                condition=models.Q(
                    quantity__gte=0,
                    amount__gte=0,
                    discount_amount__gte=0,
                    discount_amount__lte=models.F("amount"),
                ),
                name="a_line_discount_within_its_amount",
            ),
        ]

    def __str__(self) -> str:
        return self.line_id

    @property
    def total_amount(self) -> int:
        return self.amount - self.discount_amount


class Return(models.Model):
    """Goods that came back, once."""

    order = models.ForeignKey(
        Order, on_delete=models.CASCADE, related_name="returns", verbose_name=_("order")
    )
    external_id = models.CharField(_("id in the source"), max_length=128)
    returned_at = models.DateTimeField(_("returned at"))
    refund_amount = models.BigIntegerField(_("refund"))
    created_at = models.DateTimeField(_("recorded at"), auto_now_add=True)

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        constraints = [
            models.UniqueConstraint(fields=["order", "external_id"], name="one_return_per_source_id"),
            models.CheckConstraint(condition=models.Q(refund_amount__gte=0), name="a_refund_is_not_negative"),
        ]

    def __str__(self) -> str:
        return self.external_id


class ReturnLine(models.Model):
    """How much of one line came back."""

    parent = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="returned")
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=3)
    refund_amount = models.BigIntegerField(_("refund"))

    class Meta:
        verbose_name = _("returned line")
        verbose_name_plural = _("returned lines")

    def __str__(self) -> str:
        return f"{self.quantity} x {self.line}"
