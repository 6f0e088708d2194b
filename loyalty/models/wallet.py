"""Members' passes in the wallets of their telephones, and the telephones that want to hear of changes."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class WalletPass(models.Model):
    """A person's card in one kind of wallet, on however many telephones.

    `told` is the digest of what the pass last said, `changed_at` when it began to say that. `due` means that
    the telephones (or Google) were not told yet.
    """

    class Platform(models.TextChoices):
        APPLE = "APPLE", _("Apple Wallet")
        GOOGLE = "GOOGLE", _("Google Wallet")

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="+", verbose_name=_("customer")
    )
    platform = models.CharField(_("wallet"), max_length=8, choices=Platform)
    serial = models.UUIDField(_("serial number"), default=uuid.uuid4, unique=True, editable=False)
    told = models.CharField(max_length=64, blank=True, editable=False)
    due = models.BooleanField(_("to be told"), default=False, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, editable=False)
    problem = models.CharField(_("what went wrong"), max_length=200, blank=True, editable=False)
    made_at = models.DateTimeField(_("made at"))
    changed_at = models.DateTimeField(_("changed at"))
    voided_at = models.DateTimeField(_("voided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("wallet pass")
        verbose_name_plural = _("wallet passes")
        indexes = [
            models.Index(fields=["id"], condition=models.Q(due=True), name="wallet_pass_due"),
        ]

    def __str__(self) -> str:
        return f"{self.get_platform_display()} {str(self.serial)[:8]}"


class WalletDevice(models.Model):
    """A telephone that registered for changes of a pass (Apple's web service for passes)."""

    wallet_pass = models.ForeignKey(WalletPass, on_delete=models.CASCADE, related_name="devices")
    device_id = models.CharField(max_length=128)
    push_token = models.CharField(max_length=200)
    registered_at = models.DateTimeField()

    class Meta:
        verbose_name = _("telephone with a pass")
        verbose_name_plural = _("telephones with a pass")
        constraints = [
            models.UniqueConstraint(fields=["device_id", "wallet_pass"], name="a_telephone_registers_once"),
        ]

    def __str__(self) -> str:
        return f"{self.wallet_pass_id}: {self.device_id[:8]}"
