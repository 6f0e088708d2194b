"""Codes made or brought in one go, and how far that is."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from coupons.models.coupon import Reason


class CodeBatch(models.Model):
    """Codes of a promotion that were made together: by whom, from what, how many.

    While its job is at work, `made` codes are there already, or the file was read up to the line `place`
    and `error_bytes` of its error file are agreed: written in the transaction that writes the codes.
    """

    class Origin(models.TextChoices):
        GENERATED = "GENERATED", _("Generated")
        IMPORTED = "IMPORTED", _("Imported")

    promotion = models.ForeignKey(
        "coupons.Promotion", on_delete=models.PROTECT, related_name="batches", verbose_name=_("promotion")
    )
    origin = models.CharField(_("origin"), max_length=16, choices=Origin)
    pattern = models.CharField(_("pattern"), max_length=40, blank=True)
    wanted = models.PositiveIntegerField(_("codes wanted"), null=True, blank=True)
    made = models.PositiveIntegerField(_("codes made"), default=0)
    unchanged = models.PositiveIntegerField(_("here already"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)
    place = models.PositiveBigIntegerField(default=0, editable=False)
    error_bytes = models.PositiveBigIntegerField(default=0, editable=False)
    max_uses = models.PositiveIntegerField(_("uses per code"), null=True, blank=True)
    valid_from = models.DateTimeField(_("good from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("good until"), null=True, blank=True)
    items = models.JSONField(_("own articles"), null=True, blank=True)
    effect = models.JSONField(_("own value"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason, blank=True)
    automatic = models.BooleanField(_("applies by itself"), default=False)
    holder = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("holder"),
    )
    file_name = models.CharField(_("file"), max_length=200, blank=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("made by"),
    )
    client = models.ForeignKey(
        "operations.ApiClient",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("API client"),
    )
    job = models.OneToOneField(
        "operations.JobRun",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="code_batch",
        verbose_name=_("job"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("batch of codes")
        verbose_name_plural = _("batches of codes")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(wanted__isnull=True) | models.Q(made__lte=models.F("wanted")),
                name="a_batch_makes_what_was_wanted",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
