"""What providers tell of messages after they took them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models import Channel


class ProviderEventQuerySet(models.QuerySet["ProviderEvent"]):
    def against(self) -> "ProviderEventQuerySet":
        """Return what damages a sender's name: hard bounces and complaints."""
        return self.filter(kind__in=[ProviderEvent.Kind.BOUNCED, ProviderEvent.Kind.COMPLAINED])


class ProviderEvent(models.Model):
    """One report of a provider, in the words of all of them; told twice it is kept once.

    `message` is None when it cannot be said which message it is about. Opens and clicks counted by a provider
    are kept for reading; nothing is decided by them.
    """

    class Kind(models.TextChoices):
        DELIVERED = "DELIVERED", _("Delivered")
        DEFERRED = "DEFERRED", _("Delayed")
        REJECTED = "REJECTED", _("Refused by the provider")
        SOFT_BOUNCED = "SOFT_BOUNCED", _("Bounced, may work later")
        BOUNCED = "BOUNCED", _("Bounced for good")
        COMPLAINED = "COMPLAINED", _("Complained")
        UNSUBSCRIBED = "UNSUBSCRIBED", _("Unsubscribed")
        OPENED = "OPENED", _("Opened")
        CLICKED = "CLICKED", _("Clicked")

    provider = models.CharField(_("provider"), max_length=32)
    key = models.CharField(max_length=64)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    message = models.ForeignKey(
        "campaigns.Message",
        on_delete=models.PROTECT,
        null=True,
        related_name="provider_events",
        verbose_name=_("message"),
    )
    detail = models.CharField(_("answer of the provider"), max_length=300, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"))
    received_at = models.DateTimeField(_("received at"), auto_now_add=True)

    objects = ProviderEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("provider's report")
        verbose_name_plural = _("providers' reports")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "key"], name="a_report_is_kept_once"),
        ]
        indexes = [models.Index(fields=["channel", "kind", "occurred_at"], name="provider_event_kind")]

    def __str__(self) -> str:
        return f"{self.provider} · {self.get_kind_display()}"
