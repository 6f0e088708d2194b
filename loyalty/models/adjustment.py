"""Points changed by people: by the staff with a reason, and between members of a household."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class PointsAdjustmentQuerySet(models.QuerySet["PointsAdjustment"]):
    def given_by(self, agent, *, since: datetime, until: datetime) -> "PointsAdjustmentQuerySet":
        """Return what a person changed on their own account in this interval."""
        return self.filter(
            agent=agent, within_limit=True, requested_at__gte=since, requested_at__lt=until
        ).exclude(status=PointsAdjustment.Status.REJECTED)


class PointsAdjustment(models.Model):
    """Points that somebody of the staff gives (positive) or takes (negative), and what became of it.

    Within their limit of the day at once, above it when another person agrees. The same `token`, a form that
    was sent twice, is the same adjustment.
    """

    class Status(models.TextChoices):
        AWAITING_APPROVAL = "AWAITING_APPROVAL", _("Waits for approval")
        DONE = "DONE", _("Done")
        REJECTED = "REJECTED", _("Rejected")

    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    points = models.BigIntegerField(_("points"))
    reason = models.CharField(_("reason"), max_length=200)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.AWAITING_APPROVAL)
    within_limit = models.BooleanField(_("within the limit of the day"))
    token = models.CharField(max_length=64, unique=True, editable=False)
    entry = models.OneToOneField(
        "coupons.LedgerEntry", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    requested_at = models.DateTimeField(_("asked at"))
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)

    objects = PointsAdjustmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("points changed by hand")
        verbose_name_plural = _("points changed by hand")
        ordering = ["-id"]
        permissions = [("approve_points", "Can approve points given or taken by hand")]
        indexes = [models.Index(fields=["agent", "requested_at"], name="points_adjustment_day")]
        constraints = [
            models.CheckConstraint(condition=~models.Q(points=0), name="an_adjustment_changes_something"),
            models.CheckConstraint(
                condition=models.Q(status="DONE", entry__isnull=False, done_at__isnull=False)
                | (~models.Q(status="DONE") & models.Q(entry__isnull=True)),
                name="a_done_adjustment_stands_in_the_ledger",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.points:+d}"


class TransferConsent(models.Model):
    """Somebody agreed that points may go from and to them within their household; no row: they did not."""

    customer = models.OneToOneField(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("customer")
    )
    source = models.CharField(_("how"), max_length=100, blank=True)
    given_at = models.DateTimeField(_("given at"))

    class Meta:
        verbose_name = _("consent to transfers of points")
        verbose_name_plural = _("consents to transfers of points")

    def __str__(self) -> str:
        return str(self.customer_id)


class PointsTransfer(models.Model):
    """Points that one member of a household gave to another; each part kept its expiry."""

    giver = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("from")
    )
    receiver = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", verbose_name=_("to")
    )
    points = models.PositiveBigIntegerField(_("points"))
    source_key = models.CharField(max_length=180, unique=True, editable=False)
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    transferred_at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("transfer of points")
        verbose_name_plural = _("transfers of points")
        permissions = [("transfer_points", "Can move points within a household")]
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(points__gt=0), name="a_transfer_moves_points"),
        ]

    def __str__(self) -> str:
        return str(self.points)
