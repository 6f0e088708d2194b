"""What a shop knows of how somebody pays and from where, kept only as far as it can be compared."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Fingerprint(models.Model):
    """A means of payment, a device or an address seen with a customer, as an HMAC: equal or not, no more."""

    class Kind(models.TextChoices):
        PAYMENT = "PAYMENT", _("Means of payment")
        DEVICE = "DEVICE", _("Device")
        ADDRESS = "ADDRESS", _("Address")

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    digest = models.CharField(max_length=64, editable=False)
    seen_at = models.DateTimeField(_("first seen"))

    class Meta:
        verbose_name = _("fingerprint")
        verbose_name_plural = _("fingerprints")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind", "digest"], name="one_fingerprint_per_customer"
            ),
        ]
        indexes = [models.Index(fields=["kind", "digest"], name="fingerprint_digest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.customer_id}"
