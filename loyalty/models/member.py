"""What the programme keeps of a member's links to their own pages."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class MemberLink(models.Model):
    """How often a person's links were revoked: links made before the last time lead nowhere.

    Most people have no row. It stays with the record it was made for: a link names a record, and leads to
    whoever that was merged into.
    """

    customer = models.OneToOneField(
        "customers.Customer", on_delete=models.CASCADE, related_name="+", verbose_name=_("customer")
    )
    generation = models.PositiveIntegerField(_("generation"), default=0)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("revoked member links")
        verbose_name_plural = _("revoked member links")

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.generation}"
