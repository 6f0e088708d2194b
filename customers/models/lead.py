"""How far somebody is on the way to becoming a customer."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class LeadStage(models.TextChoices):
    NEW = "NEW", pgettext_lazy("prospect", "New")
    ENGAGED = "ENGAGED", _("Engaged")
    QUALIFIED = "QUALIFIED", _("Qualified")
    CONVERTED = "CONVERTED", _("Became a customer")
    LOST = "LOST", pgettext_lazy("prospect", "Lost")


# Only an order or a registration converts; whoever was lost may come back.
MOVES: dict[str, set[str]] = {
    LeadStage.NEW: {LeadStage.ENGAGED, LeadStage.QUALIFIED, LeadStage.LOST},
    LeadStage.ENGAGED: {LeadStage.NEW, LeadStage.QUALIFIED, LeadStage.LOST},
    LeadStage.QUALIFIED: {LeadStage.NEW, LeadStage.ENGAGED, LeadStage.LOST},
    LeadStage.LOST: {LeadStage.NEW, LeadStage.ENGAGED, LeadStage.QUALIFIED},
    LeadStage.CONVERTED: set(),
}


class LeadQuerySet(models.QuerySet["Lead"]):
    def open(self) -> "LeadQuerySet":
        """Return who is still a prospect."""
        return self.filter(customer__status="PROSPECT")


class Lead(models.Model):
    """A prospect's way: where they came from (`origin`: a fair, an advertisement), and how far they are."""

    Stage = LeadStage

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.CASCADE,
        related_name="leads",
        verbose_name=_("prospect"),
        db_index=False,
    )
    stage = models.CharField(_("stage"), max_length=16, choices=LeadStage, default=LeadStage.NEW)
    origin = models.CharField(
        _("lead source"), max_length=120, blank=True, help_text=_("Where they came from: a fair, an ad.")
    )
    source = models.ForeignKey(
        "customers.Source", on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("source")
    )
    became_at = models.DateTimeField(_("prospect since"))
    moved_at = models.DateTimeField(_("in this stage since"))
    converted_at = models.DateTimeField(_("became a customer at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    objects = LeadQuerySet.as_manager()

    class Meta:
        verbose_name = _("prospect")
        verbose_name_plural = _("prospects")
        constraints = [
            models.UniqueConstraint(fields=["customer"], name="one_lead_per_customer"),
            models.CheckConstraint(
                condition=models.Q(stage="CONVERTED", converted_at__isnull=False)
                | (~models.Q(stage="CONVERTED") & models.Q(converted_at__isnull=True)),
                name="a_converted_lead_says_when",
            ),
        ]
        indexes = [models.Index(fields=["stage", "-moved_at"], name="lead_stage")]

    def __str__(self) -> str:
        return str(self.customer)
