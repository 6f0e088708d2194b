"""Browsers and apps that take notifications, and the key that we sign ours with."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PushSubscription(models.Model):
    """One browser or app of a person. Its `address` is the contact point that consents and messages name."""

    class Kind(models.TextChoices):
        WEB = "WEB", _("Browser")
        APP = "APP", _("App")
        INBOX = "INBOX", _("Inbox of the demo")

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="push_subscriptions",
        verbose_name=_("customer"),
    )
    address = models.CharField(_("contact point"), max_length=64, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    # A browser's address at its push service, or an app's registration token.
    endpoint = models.TextField(_("endpoint"))
    p256dh = models.CharField(max_length=128, blank=True)
    auth = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(_("created at"))
    gone_at = models.DateTimeField(_("gone since"), null=True, blank=True)

    class Meta:
        verbose_name = _("push subscription")
        verbose_name_plural = _("push subscriptions")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(kind="WEB") | (~models.Q(p256dh="") & ~models.Q(auth="")),
                name="a_browser_has_its_keys",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.address[-8:]}"


class PushKey(models.Model):
    """The VAPID key pair (RFC 8292) that browsers know us by; every subscription ends when it changes."""

    sealed = models.BinaryField(editable=False)
    public = models.CharField(_("public key"), max_length=100)
    created_at = models.DateTimeField(_("created at"))
    # There is one: whoever comes second finds the first one's.
    only = models.BooleanField(default=True, unique=True, editable=False)

    class Meta:
        verbose_name = _("push key")
        verbose_name_plural = _("push keys")
        constraints = [models.CheckConstraint(condition=models.Q(only=True), name="one_push_key")]

    def __str__(self) -> str:
        return self.public
