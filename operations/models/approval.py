from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def waiting(self) -> "ApprovalQuerySet":
        """Return what nobody has decided yet."""
        return self.filter(status=Approval.Status.PENDING)


class Approval(models.Model):
    """Something one person asked for that another person has to allow first."""

    class Status(models.TextChoices):
        PENDING = "PENDING", _("Waiting")
        APPROVED = "APPROVED", _("Approved")
        REJECTED = "REJECTED", _("Rejected")

    kind = models.CharField(_("kind"), max_length=64)
    subject_id = models.BigIntegerField(_("subject"))
    summary = models.CharField(_("summary"), max_length=300)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.PENDING)
    # How many people it is about, or how much in minor units, as far as whoever asks counts it.
    size = models.BigIntegerField(_("how many"), null=True, blank=True)
    # Empty where nobody asked and the system itself wants a decision.
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requested by"),
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    requested_at = models.DateTimeField(_("requested at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject_id"], name="one_approval_per_subject"),
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True) | ~models.Q(decided_by=models.F("requested_by")),
                name="approved_by_another_person",
                violation_error_message=_("Another person has to approve this."),
            ),
        ]

    def __str__(self) -> str:
        return self.summary
