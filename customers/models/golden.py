"""The golden record's provenance: which source is believed for which field, and what people locked."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class GoldenRule(models.TextChoices):
    """Why a value won, the strongest reason first."""

    LOCKED = "LOCKED", _("Locked by hand")
    VERIFIED = "VERIFIED", _("Verified by the source")
    TRUST = "TRUST", _("The most trusted source")
    RECENT = "RECENT", _("The most recent")
    COMPLETE = "COMPLETE", _("The most complete source")
    AGREED = "AGREED", _("All sources agree")
    SOLE = "SOLE", _("The only source that says it")
    ORDER = "ORDER", _("Equal merits: by the name of the source")


class GoldenValue(models.Model):
    """Where the value of one golden field comes from. Derived: `refresh_golden_records` writes it anew.

    Kept of customers whom more than one profile describes, or who have a locked field; of anybody else every
    value is their one profile's (`golden_values_of` tells both).
    """

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.CASCADE,
        related_name="golden_values",
        verbose_name=_("customer"),
    )
    field = models.CharField(_("field"), max_length=32)
    value = models.CharField(_("value"), max_length=200, blank=True)
    profile = models.ForeignKey(
        "customers.SourceProfile",
        on_delete=models.CASCADE,
        null=True,
        related_name="golden_values",
        verbose_name=_("source profile"),
    )
    observed_at = models.DateTimeField(_("observed at"))
    rule = models.CharField(_("rule"), max_length=16, choices=GoldenRule)

    class Meta:
        verbose_name = _("golden value")
        verbose_name_plural = _("golden values")
        constraints = [
            models.UniqueConstraint(fields=["customer", "field"], name="one_golden_value_per_field"),
            models.CheckConstraint(
                condition=models.Q(rule="LOCKED", profile__isnull=True)
                | (~models.Q(rule="LOCKED") & models.Q(profile__isnull=False)),
                name="a_golden_value_is_locked_or_has_a_source",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field}: {self.value}"


class LockedValue(models.Model):
    """A field that a person decided on: a rectification. Of several for one field the latest counts."""

    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.CASCADE,
        related_name="locked_values",
        verbose_name=_("customer"),
    )
    field = models.CharField(_("field"), max_length=32)
    value = models.CharField(_("value"), max_length=200, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    locked_at = models.DateTimeField(_("locked at"))
    locked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("locked by"),
    )

    class Meta:
        verbose_name = _("locked value")
        verbose_name_plural = _("locked values")
        indexes = [models.Index(fields=["customer", "field"], name="locked_value_field")]

    def __str__(self) -> str:
        return f"{self.field}: {self.value}"
