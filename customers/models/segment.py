from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class SegmentQuerySet(models.QuerySet["Segment"]):
    def refreshable(self) -> "SegmentQuerySet":
        """Return the segments that are recomputed from their rules."""
        return self.filter(kind=Segment.Kind.RULE, active=True)

    def living(self) -> "SegmentQuerySet":
        """Return the segments that follow what happens."""
        return self.refreshable().filter(refresh=Segment.Refresh.LIVE)


class Segment(models.Model):
    """A named group of customers: by a rule, by a model, by hand, or by what they belong to.

    One that is LIVE follows what happens to customers within a minute; the others are refreshed at night.
    `rules` is a react-querybuilder tree (api.md, Rules). A model's segments have codes MODEL--name.
    """

    class Kind(models.TextChoices):
        RULE = "RULE", _("Rule")
        RFM = "RFM", _("RFM model")
        CLUSTER = "CLUSTER", _("Cluster model")
        MANUAL = "MANUAL", _("By hand")
        LOYALTY = "LOYALTY", _("Tier or membership")

    class Refresh(models.TextChoices):
        NIGHTLY = "NIGHTLY", _("Every night")
        LIVE = "LIVE", _("As things happen")

    code = models.CharField(_("code"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=300, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.RULE)
    rules = models.JSONField(_("rules"), null=True, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    active = models.BooleanField(_("active"), default=True)
    refresh = models.CharField(_("refreshed"), max_length=8, choices=Refresh, default=Refresh.NIGHTLY)
    problem = models.CharField(_("problem of the last refresh"), max_length=300, blank=True, editable=False)
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


class Because(models.TextChoices):
    """Why somebody entered a segment or left it."""

    RULE = "RULE", _("The rules")
    DEFINITION = "DEFINITION", _("The rules were changed")
    BY_HAND = "BY_HAND", _("By hand")
    MERGED = "MERGED", _("Merged with another member")


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
    entered_because = models.CharField(_("entered because"), max_length=16, choices=Because, blank=True)
    left_at = models.DateTimeField(_("left at"), null=True, blank=True)
    left_because = models.CharField(_("left because"), max_length=16, choices=Because, blank=True)
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


class SegmentOverride(models.Model):
    """A customer who is in a segment, or out of it, because a person said so; no rebuild changes that."""

    class Kind(models.TextChoices):
        INCLUDE = "INCLUDE", _("Always in")
        EXCLUDE = "EXCLUDE", _("Never in")

    segment = models.ForeignKey(
        Segment, on_delete=models.CASCADE, related_name="overrides", verbose_name=_("segment")
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="segment_overrides",
        verbose_name=_("customer"),
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"))

    class Meta:
        verbose_name = _("decision by hand")
        verbose_name_plural = _("decisions by hand")
        constraints = [
            models.UniqueConstraint(fields=["segment", "customer"], name="one_decision_per_segment"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.kind} {self.segment_id}"


class ChangedCustomers(models.Model):
    """Customers to whom something happened since the live segments were last brought up to date.

    What `quiet` ones enter and leave is no event: a merge or a silent import triggers nothing.
    """

    customers = ArrayField(models.BigIntegerField())
    quiet = models.BooleanField(default=False)
    noted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("changed customers")
        verbose_name_plural = _("changed customers")

    def __str__(self) -> str:
        return f"{len(self.customers)} customers"
