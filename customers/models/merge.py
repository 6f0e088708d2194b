"""Records of one person that became one, and everything needed to take them apart again."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class MergeOperationQuerySet(models.QuerySet["MergeOperation"]):
    def standing(self) -> "MergeOperationQuerySet":
        """Return the merges that were not undone."""
        return self.filter(undone_at__isnull=True)


class MergeOperation(models.Model):
    """Customers (`losers`) that became part of another one, and who decided so, and why.

    `snapshot` holds the golden records as they were before and what became of the survivor's.
    """

    survivor = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="merges", verbose_name=_("survivor")
    )
    losers = models.ManyToManyField(
        "customers.Customer", related_name="merged_by", verbose_name=_("merged records")
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    client = models.ForeignKey(
        "operations.ApiClient",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("client"),
    )
    snapshot = models.JSONField(default=dict, editable=False)
    merged_at = models.DateTimeField(_("merged at"))
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    undone_client = models.ForeignKey(
        "operations.ApiClient",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("undone by client"),
    )
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("undone by"),
    )

    objects = MergeOperationQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"#{self.pk}"


class MergedRow(models.Model):
    """What a merge did to one row of any table; an unmerge reads these backwards.

    MOVED rows name whose they were in `from_customer`. `before` holds all columns of a REMOVED row and the
    changed ones of a CHANGED row, whose new values are in `after`; of an ADDED row `after` has the deltas.
    """

    class Kind(models.TextChoices):
        MOVED = "MOVED", _("Moved")
        CHANGED = "CHANGED", _("Changed")
        ADDED = "ADDED", _("Added up")
        REMOVED = "REMOVED", _("Removed")

    operation = models.ForeignKey(MergeOperation, on_delete=models.CASCADE, related_name="rows")
    kind = models.CharField(max_length=8, choices=Kind)
    label = models.CharField(max_length=64)
    field = models.CharField(max_length=32, blank=True)
    row_id = models.BigIntegerField()
    from_customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        verbose_name = _("merged row")
        verbose_name_plural = _("merged rows")
        indexes = [
            models.Index(fields=["label", "row_id"], name="merged_row"),
            models.Index(
                fields=["from_customer"], condition=models.Q(before__isnull=False), name="merged_row_content"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.label} {self.row_id}"


class DoNotMerge(models.Model):
    """Two customers somebody has looked at: they are not one person. `first` has the smaller key."""

    first = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    created_at = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("pair not to merge")
        verbose_name_plural = _("pairs not to merge")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="a_pair_is_kept_apart_once"),
            models.CheckConstraint(
                condition=models.Q(first__lt=models.F("second")), name="a_pair_has_two_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} / {self.second_id}"
