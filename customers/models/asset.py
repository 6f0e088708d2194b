"""What people own and can be told apart by a serial number, and who owned it when."""

from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.contrib.postgres.fields.ranges import DateTimeRangeField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Asset(models.Model):
    """One article with a serial number: a bicycle, a washing machine, a car."""

    serial = models.CharField(_("serial number"), max_length=120, unique=True)
    product = models.ForeignKey(
        "customers.Product", on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("article")
    )
    name = models.CharField(_("name"), max_length=200, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("owned product")
        verbose_name_plural = _("owned products")
        ordering = ["serial"]

    def __str__(self) -> str:
        return self.name or (str(self.product) if self.product else self.serial)


class TimeRange(models.Func):
    """A span of time that begins with its first instant and ends before its last."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class AssetOwnershipQuerySet(models.QuerySet["AssetOwnership"]):
    def at(self, instant: datetime) -> "AssetOwnershipQuerySet":
        """Return the ownerships that held at an instant."""
        return self.filter(
            models.Q(owned_until__isnull=True) | models.Q(owned_until__gt=instant), owned_from__lte=instant
        )


class AssetOwnership(models.Model):
    """Who owned an asset from one instant until before another; one owner at a time."""

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="ownerships", db_index=False)
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="assets", verbose_name=_("owner")
    )
    source = models.ForeignKey(
        "customers.Source", on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("source")
    )
    owned_from = models.DateTimeField(_("owned from"))
    owned_until = models.DateTimeField(_("owned until"), null=True, blank=True)

    objects = AssetOwnershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("ownership")
        verbose_name_plural = _("ownerships")
        ordering = ["asset", "-owned_from"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(owned_until__isnull=True)
                | models.Q(owned_until__gt=models.F("owned_from")),
                name="an_ownership_ends_after_its_start",
            ),
            ExclusionConstraint(
                name="one_owner_of_an_asset_at_a_time",
                expressions=[
                    ("asset", RangeOperators.EQUAL),
                    (TimeRange("owned_from", "owned_until", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("Somebody else owned this at that time."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset} · {self.customer}"
