from django.db import models
from django.utils.translation import gettext_lazy as _


class SegmentQuerySet(models.QuerySet["Segment"]):
    def refreshable(self) -> "SegmentQuerySet":
        """Return the segments that are recomputed from their rules."""
        return self.filter(kind=Segment.Kind.RULE, active=True)


class Segment(models.Model):
    """A named group of customers: by a rule, by an RFM model, or by hand.

    `rules` is a react-querybuilder tree (api.md, Rules). A model's segments have codes MODEL--name.
    """

    class Kind(models.TextChoices):
        RULE = "RULE", _("Rule")
        RFM = "RFM", _("RFM model")
        MANUAL = "MANUAL", _("By hand")

    code = models.CharField(_("code"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=300, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.RULE)
    rules = models.JSONField(_("rules"), null=True, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    active = models.BooleanField(_("active"), default=True)
    size = models.PositiveIntegerField(_("size"), default=0, editable=False)
    refreshed_at = models.DateTimeField(_("refreshed at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(kind="RULE") | models.Q(rules__isnull=False),
                name="a_rule_segment_has_rules",
                violation_error_message=_("A rule segment needs rules."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SegmentMembershipQuerySet(models.QuerySet["SegmentMembership"]):
    def current(self) -> "SegmentMembershipQuerySet":
        return self.filter(left_at__isnull=True)


class SegmentMembership(models.Model):
    """When a customer entered a segment, and when they left it."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="memberships")
    customer = models.ForeignKey(
        "customers.Customer", on_delete=models.PROTECT, related_name="memberships", verbose_name=_("customer")
    )
    entered_at = models.DateTimeField(_("entered at"))
    left_at = models.DateTimeField(_("left at"), null=True, blank=True)
    definition_version = models.PositiveIntegerField(_("definition"), default=1)

    objects = SegmentMembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership of a segment")
        verbose_name_plural = _("memberships of segments")
        constraints = [
            models.UniqueConstraint(
                fields=["segment", "customer"],
                condition=models.Q(left_at__isnull=True),
                name="in_a_segment_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(left_at__isnull=True) | models.Q(left_at__gte=models.F("entered_at")),
                name="nobody_leaves_before_entering",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.segment_id}"
