from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Channel


class ChannelSwitch(models.Model):
    """The kill switch of one channel; a channel without a row is on."""

    channel = models.CharField(_("channel"), max_length=8, choices=Channel, primary_key=True)
    off = models.BooleanField(_("switched off"), default=False)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("changed by"),
    )
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("channel switch")
        verbose_name_plural = _("channel switches")

    def __str__(self) -> str:
        return self.get_channel_display()
