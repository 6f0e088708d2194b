"""What a person allows: an append-only ledger with proof, and the state it leads to."""

import hashlib
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Channel(models.TextChoices):
    """A way to reach a person."""

    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")
    PUSH = "push", _("Push")
    POST = "post", _("Post")
    PHONE = "phone", _("Phone")
    WEBHOOK = "webhook", _("Webhook")


# What a person is asked to allow. A webhook is not among them: it hands somebody to another system of the
# merchant, for which any consent to advertising will do.
CONSENT_CHANNELS = [channel for channel in Channel if channel != Channel.WEBHOOK]
CONSENT_CHOICES = [(channel.value, channel.label) for channel in CONSENT_CHANNELS]


class Purpose(models.TextChoices):
    """What a message or a use of data is for."""

    MARKETING = "MARKETING", _("Marketing")
    PROFILING = "PROFILING", _("Profiling")
    SERVICE = "SERVICE", _("Service")


class ConsentState(models.TextChoices):
    PENDING = "PENDING", _("Waiting for confirmation")
    GRANTED = "GRANTED", _("Granted")
    DENIED = "DENIED", _("Denied")
    WITHDRAWN = "WITHDRAWN", _("Withdrawn")
    OBJECTED = "OBJECTED", _("Objected")
    EXPIRED = "EXPIRED", _("Expired")


class ConsentRecord(models.Model):
    """One entry of the consent ledger; a trigger refuses UPDATE and DELETE (see the migration)."""

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="consent_records",
        verbose_name=_("customer"),
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose)
    address = models.CharField(_("contact point"), max_length=254)
    state = models.CharField(_("state"), max_length=16, choices=ConsentState)
    source = models.ForeignKey(
        "customers.Source", on_delete=models.PROTECT, null=True, verbose_name=_("source")
    )
    lawful_basis = models.CharField(_("lawful basis"), max_length=64, default="consent")
    text_version = models.CharField(_("text version"), max_length=64, blank=True)
    text_hash = models.CharField(
        _("hash of the text"), max_length=64, blank=True, default="", db_default="", editable=False
    )
    proof = models.JSONField(_("proof"), null=True, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"))
    received_at = models.DateTimeField(_("received at"), auto_now_add=True)

    class Meta:
        verbose_name = _("consent record")
        verbose_name_plural = _("consent records")
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="GRANTED") | models.Q(proof__isnull=False),
                name="no_grant_without_proof",
                violation_error_message=_("A consent needs a proof."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.purpose} {self.state}"


class ConsentText(models.Model):
    """The words that people consent to, in one version and language; a new wording is a new version."""

    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose)
    version = models.CharField(_("text version"), max_length=64)
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    text = models.TextField(_("text"))
    text_hash = models.CharField(_("hash of the text"), max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("consent text")
        verbose_name_plural = _("consent texts")
        ordering = ["purpose", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["purpose", "version", "language"],
                name="one_consent_text_per_version_and_language",
                violation_error_message=_("This version exists already; a new wording needs a new version."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} · {self.version} · {self.language}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.text_hash = hashlib.sha256(self.text.encode()).hexdigest()
        super().save(*args, **kwargs)


class AddressHash(models.Func):
    """What `rules.address_hash` computes, in the database."""

    template = "encode(sha256(convert_to(%(expressions)s, 'UTF8')), 'hex')"
    output_field = models.CharField()


class ConsentQuerySet(models.QuerySet["Consent"]):
    def granted(self, channel: str, purpose: str = Purpose.MARKETING) -> "ConsentQuerySet":
        return self.filter(channel=channel, purpose=purpose, state=ConsentState.GRANTED)

    def unsuppressed(self) -> "ConsentQuerySet":
        """Leave out contact points that must not be written to."""
        suppressed = Suppression.objects.filter(
            channel=models.OuterRef("channel"), address_hash=AddressHash(models.OuterRef("address"))
        )
        return self.filter(~models.Exists(suppressed))


class Consent(models.Model):
    """The state a customer's ledger leads to, per contact point, channel and purpose."""

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="consents", verbose_name=_("customer")
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    purpose = models.CharField(_("purpose"), max_length=16, choices=Purpose)
    address = models.CharField(_("contact point"), max_length=254)
    state = models.CharField(_("state"), max_length=16, choices=ConsentState)
    record = models.ForeignKey(ConsentRecord, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(_("changed at"))

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "channel", "purpose", "address"],
                name="one_consent_state_per_contact_point",
            ),
        ]
        indexes = [
            models.Index(
                fields=["channel", "purpose", "customer"],
                condition=models.Q(state="GRANTED"),
                name="consent_granted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} · {self.get_purpose_display()}: {self.get_state_display()}"


class Suppression(models.Model):
    """A contact point that must never be written to again, by hash, so that it survives erasure."""

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "UNSUBSCRIBED", _("Unsubscribed")
        BOUNCED = "BOUNCED", _("Bounced")
        COMPLAINED = "COMPLAINED", _("Complained")
        ERASED = "ERASED", _("Erased")
        MANUAL = "MANUAL", _("By hand")

    channel = models.CharField(_("channel"), max_length=8, choices=Channel)
    address_hash = models.CharField(_("hash of the contact point"), max_length=64)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        constraints = [
            models.UniqueConstraint(fields=["channel", "address_hash"], name="one_suppression_per_address"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.reason}"
