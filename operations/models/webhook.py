"""Who among the clients of the API is told of what happens, and every single telling."""

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from operations.errors import Refusal
from operations.models.client import ApiClient
from operations.safe_http import Failure
from operations.sealing import open_secret

PURPOSE = "webhook subscription"


class SecretUnreadable(Refusal):
    """The secret key that sealed it was replaced without a fallback."""

    key = "secret_lost"
    message = _("A stored secret cannot be opened: name the former SECRET_KEY in SECRET_KEY_FALLBACKS.")


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def due(self, at: datetime) -> "WebhookQuerySet":
        """Return those that may be called now and have something to hear."""
        waiting = WebhookDelivery.objects.waiting().filter(webhook=models.OuterRef("pk"), not_before__lte=at)
        free = models.Q(busy_until__isnull=True) | models.Q(busy_until__lte=at)
        rested = models.Q(rests_until__isnull=True) | models.Q(rests_until__lte=at)
        return self.filter(free, rested, models.Exists(waiting), active=True, client__revoked=False)


class Webhook(models.Model):
    """An address of an API client that hears of events of some types; `sealed_secret` signs our calls.

    One process at a time calls it, until `busy_until`. After calls that failed it `rests_until` some time.
    """

    client = models.ForeignKey(
        ApiClient, on_delete=models.CASCADE, related_name="webhooks", verbose_name=_("API client")
    )
    url = models.URLField(_("address"), max_length=500)
    event_types = ArrayField(models.CharField(max_length=64), verbose_name=_("events"))
    sealed_secret = models.BinaryField(editable=False)
    active = models.BooleanField(_("active"), default=True)
    # Why we stopped calling it: it answered 410.
    disabled_reason = models.CharField(_("reason"), max_length=200, blank=True, editable=False)
    failures = models.PositiveIntegerField(_("failed calls in a row"), default=0, editable=False)
    rests_until = models.DateTimeField(null=True, blank=True, editable=False)
    busy_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "url"],
                name="one_webhook_per_address",
                violation_error_message=_("This client has a webhook with this address already."),
            ),
            models.CheckConstraint(
                condition=~models.Q(event_types=[]),
                name="a_webhook_hears_of_something",
                violation_error_message=_("Choose what it hears of."),
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def secret(self) -> str:
        """Return what signs our calls, as the receiver has it (`whsec_...`)."""
        secret = open_secret(self.sealed_secret, purpose=PURPOSE)
        if secret is None:
            raise SecretUnreadable
        return secret


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def waiting(self) -> "WebhookDeliveryQuerySet":
        return self.filter(state=WebhookDelivery.State.WAITING)

    def next_of(self, webhook: Webhook, at: datetime) -> "WebhookDelivery | None":
        """Return what a webhook hears next: of one subject, nothing before what happened earlier."""
        earlier = self.waiting().filter(
            webhook=webhook, subject=models.OuterRef("subject"), pk__lt=models.OuterRef("pk")
        )
        due = self.waiting().filter(webhook=webhook, not_before__lte=at)
        return due.filter(models.Q(subject="") | ~models.Exists(earlier)).order_by("pk").first()


class WebhookDelivery(models.Model):
    """One event on its way to one webhook. The `message_id` stays the same however often it is sent.

    `subject` is the public id of the customer it is about: theirs are told in the order they happened.
    `answer` is what the receiver said last; where nothing came back, `failure` and the technical detail.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", _("Waiting")
        DELIVERED = "DELIVERED", _("Delivered")
        GIVEN_UP = "GIVEN_UP", _("Given up")

    webhook = models.ForeignKey(
        Webhook,
        on_delete=models.CASCADE,
        related_name="deliveries",
        verbose_name=_("webhook"),
        db_index=False,
    )
    event_id = models.BigIntegerField(null=True, editable=False)
    message_id = models.CharField(_("webhook-id"), max_length=64)
    type = models.CharField(_("event"), max_length=64)
    subject = models.CharField(_("customer"), max_length=36, blank=True)
    body = models.JSONField(_("body"))
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"))
    tried_at = models.DateTimeField(_("last attempt"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    answer = models.CharField(_("answer"), max_length=300, blank=True)
    failure = models.CharField(
        max_length=16, choices=Failure, blank=True, default="", db_default="", editable=False
    )
    created_at = models.DateTimeField(_("created at"))

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["webhook", "event_id"], name="one_delivery_per_event"),
            models.CheckConstraint(
                condition=~models.Q(state="DELIVERED") | models.Q(delivered_at__isnull=False),
                name="a_delivered_webhook_has_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["webhook", "subject", "id"],
                condition=models.Q(state="WAITING"),
                name="webhookdelivery_waiting",
            ),
            models.Index(fields=["webhook", "-id"], name="webhookdelivery_log"),
            models.Index(fields=["created_at"], name="webhookdelivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} · {self.get_state_display()}"

    @property
    def outcome(self) -> str:
        """Return what came of the last attempt, in the reader's language."""
        return f"{self.get_failure_display()}: {self.answer}" if self.failure else self.answer

    @property
    def told(self) -> dict[str, Any]:
        """Return what the receiver is told."""
        return self.body
