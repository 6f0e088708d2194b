from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Channel


class InboxMail(models.Model):
    """A mail as the local SMTP listener received it, or an SMS or notification that went no further.

    For trying things out, never for production.
    """

    channel = models.CharField(
        _("channel"), max_length=8, choices=Channel, default=Channel.EMAIL, db_default=Channel.EMAIL
    )
    sender = models.CharField(_("from"), max_length=320, blank=True)
    recipients = ArrayField(models.CharField(max_length=320), verbose_name=_("to"))
    subject = models.CharField(_("subject"), max_length=300, blank=True)
    raw = models.BinaryField(_("message"))
    received_at = models.DateTimeField(_("received at"), auto_now_add=True)

    class Meta:
        verbose_name = _("mail in the inbox")
        verbose_name_plural = _("mails in the inbox")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.subject
