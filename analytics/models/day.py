"""Purchases kept as columns, a row for each day: what key figures are counted from."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PurchaseDay(models.Model):
    """The purchases of one day of the programme's zone, as arrays with an element for each order.

    `customers`, `channels`, `stores` and `units` are ids as int32, 0 for none; `amounts` are net, as int64.
    A row with a product line has the orders with something of it, what its articles came to, and no places.
    A day is kept once it is over, and counted again when it is named in `StaleDay`.
    """

    day = models.DateField(_("day"))
    product_line = models.CharField(_("product line"), max_length=120, blank=True)
    orders = models.PositiveIntegerField(_("orders"))
    net_amount = models.BigIntegerField(_("net amount"))
    customers = models.BinaryField()
    amounts = models.BinaryField()
    channels = models.BinaryField(null=True)
    stores = models.BinaryField(null=True)
    units = models.BinaryField(null=True)
    counted_at = models.DateTimeField(_("counted at"))

    class Meta:
        verbose_name = _("day of purchases")
        verbose_name_plural = _("days of purchases")
        constraints = [
            models.UniqueConstraint(
                fields=["product_line", "day"],
                include=["orders", "net_amount"],
                name="one_row_per_line_and_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.product_line}".strip()


class StaleDay(models.Model):
    """A mark that purchases of a past day changed; or, without a day, that a product line did.

    Written by triggers in the transaction of the change, only ever inserted, so that writers never wait for
    each other. `day` is one of UTC, which touches two of the programme's. What is marked is read from the
    orders until it has been counted again.
    """

    day = models.DateField(_("day"), null=True)
    product_line = models.CharField(_("product line"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("day to be counted again")
        verbose_name_plural = _("days to be counted again")

    def __str__(self) -> str:
        return str(self.day or self.product_line)
