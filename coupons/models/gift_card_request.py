"""What somebody of the staff wants to put on gift cards by hand, and what became of it."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class GiftCardRequestQuerySet(models.QuerySet["GiftCardRequest"]):
    def given_by(self, agent, *, since: datetime, until: datetime) -> "GiftCardRequestQuerySet":
        """Return what a person gave on their own account in this interval."""
        return self.filter(
            agent=agent, within_limit=True, requested_at__gte=since, requested_at__lt=until
        ).exclude(status=GiftCardRequest.Status.REJECTED)


class GiftCardRequest(models.Model):
    """Money put on cards by a person: within their limit of the day at once, else when another one agrees.

    `parameters` are those of the service that carries it out; `worth_amount` is what it puts on cards in all.
    Whoever reads the new code of a card can spend it: that counts with what is on the card. The same `token`,
    a form that was sent twice, is the same request.
    """

    class Kind(models.TextChoices):
        ISSUE = "ISSUE", _("A gift card")
        ACTIVATE = "ACTIVATE", _("Activation")
        TOP_UP = "TOP_UP", _("Top-up")
        BATCH = "BATCH", _("Many gift cards")
        CODE = "CODE", _("A new code shown")

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "AWAITING_APPROVAL", _("Waits for approval")
        DONE = "DONE", _("Done")
        REJECTED = "REJECTED", _("Rejected")

    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.AWAITING_APPROVAL)
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("customer"),
    )
    card = models.ForeignKey(
        "coupons.GiftCard",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="requests",
        verbose_name=_("gift card"),
    )
    batch = models.ForeignKey(
        "coupons.GiftCardBatch",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="requests",
        verbose_name=_("batch"),
    )
    worth_amount = models.BigIntegerField(_("worth"))
    currency = models.CharField(_("currency"), max_length=3)
    note = models.CharField(_("note"), max_length=300)
    parameters = models.JSONField(default=dict, editable=False)
    token = models.CharField(max_length=64, unique=True, editable=False)
    within_limit = models.BooleanField(_("within the limit of the day"))
    requested_at = models.DateTimeField(_("asked at"))
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)

    objects = GiftCardRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("gift card given by hand")
        verbose_name_plural = _("gift cards given by hand")
        ordering = ["-id"]
        indexes = [models.Index(fields=["agent", "requested_at"], name="gift_card_request_day")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(worth_amount__gte=0), name="a_gift_card_request_is_not_negative"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="DONE") | models.Q(done_at__isnull=False),
                name="a_done_gift_card_request_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"
