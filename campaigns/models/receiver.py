"""Systems of the merchant that take messages over a webhook: a print shop, a call centre, a chat."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.errors import SecretLost
from operations.sealing import open_secret

PURPOSE = "webhook receiver"


class Receiver(models.Model):
    """Where the messages of the webhook channel go; `sealed_secret` signs them (Standard Webhooks)."""

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    url = models.URLField(_("address"), max_length=500)
    sealed_secret = models.BinaryField(editable=False)
    active = models.BooleanField(_("active"), default=True)
    # Why we stopped calling it: it answered 410.
    disabled_reason = models.CharField(_("reason"), max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("webhook receiver")
        verbose_name_plural = _("webhook receivers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def secret(self) -> str:
        """Return what signs our calls, as the receiver has it (`whsec_...`)."""
        secret = open_secret(self.sealed_secret, purpose=PURPOSE)
        if secret is None:
            raise SecretLost
        return secret
