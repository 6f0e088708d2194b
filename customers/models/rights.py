"""What people asked for concerning their data, who carried it out, and what came of it: the audit record."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class RightsRequestQuerySet(models.QuerySet["RightsRequest"]):
    def waiting(self) -> "RightsRequestQuerySet":
        """Return what was promised and is not done."""
        return self.filter(completed_at__isnull=True)

    def erasures(self) -> "RightsRequestQuerySet":
        return self.filter(kind=RightsRequest.Kind.ERASURE)


class RightsRequest(models.Model):
    """One right that somebody made use of.

    It outlives the erasure of the person; `result` holds counts and names of fields, never their content.
    """

    class Kind(models.TextChoices):
        EXPORT = "EXPORT", _("Export")
        RECTIFICATION = "RECTIFICATION", _("Rectification")
        OBJECTION = "OBJECTION", _("Objection")
        RESTRICTION = "RESTRICTION", _("Restriction")
        RELEASE = "RELEASE", _("End of a restriction")
        ERASURE = "ERASURE", _("Erasure")

    kind = models.CharField(_("right"), max_length=16, choices=Kind)
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="rights_requests",
        verbose_name=_("customer"),
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("carried out by"),
    )
    client = models.ForeignKey(
        "operations.ApiClient",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("API client"),
    )
    job = models.ForeignKey(
        "operations.JobRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    result = models.JSONField(_("result"), default=dict, blank=True)
    requested_at = models.DateTimeField(_("requested at"))
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)

    objects = RightsRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("rights request")
        verbose_name_plural = _("rights requests")
        ordering = ["-id"]
        permissions = [
            ("export_customer", "Can export everything known of a customer"),
            ("rectify_customer", "Can correct a customer's data"),
            ("restrict_customer", "Can restrict the processing of a customer's data"),
            ("erase_customer", "Can erase a customer"),
        ]
        indexes = [
            models.Index(
                fields=["kind", "requested_at"],
                condition=models.Q(completed_at__isnull=True),
                name="rights_request_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.requested_at:%Y-%m-%d}"
