"""Whose purchases were changed: noted by triggers, whatever wrote them, and read by whoever keeps figures."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class PurchaseChangeQuerySet(models.QuerySet["PurchaseChange"]):
    def noted_before(self, moment: datetime) -> "PurchaseChangeQuerySet":
        return self.filter(noted_at__lt=moment)


class PurchaseChange(models.Model):
    """What one statement changed: the customers of orders, or everybody's purchases in a scope (COUNTRY).

    The scope ALL stands for more customers than are worth naming.

    `writer` is the number of the transaction that wrote it. A reader keeps the snapshot in which it read, and
    next time reads what that snapshot could not see: no change falls between two readings, however long its
    transaction took. A customer whose purchases may be looked at from now on, or no more, is a change too.
    """

    writer = models.BigIntegerField()
    customers = ArrayField(models.BigIntegerField(), default=list)
    scope = models.CharField(max_length=16, blank=True)
    noted_at = models.DateTimeField(db_default=Now())

    objects = PurchaseChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of purchases")
        verbose_name_plural = _("changes of purchases")
        indexes = [models.Index(fields=["writer"], name="purchase_change_writer")]

    def __str__(self) -> str:
        return self.scope or f"{len(self.customers)} customers"
