"""Milestones: what a person has to reach, and who reached it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from loyalty.models.translated import Translated


class MilestoneQuerySet(models.QuerySet["Milestone"]):
    def running(self) -> "MilestoneQuerySet":
        """Return the milestones that can be reached now, with their rewards."""
        return self.filter(active=True).prefetch_related("rewards").order_by("pk")


class Milestone(Translated):
    """Something a person reaches once, or again and again, and what they get for it.

    `threshold` is in the unit of the metric (amounts in minor units of the programme's currency). With
    `repeats` it is reached at every multiple. What happened before `counts_from` does not count. One reward
    is given at once; of several the person chooses one.
    """

    class Metric(models.TextChoices):
        POINTS = "POINTS", _("Points earned")
        ORDERS = "ORDERS", _("Orders")
        AMOUNT = "AMOUNT", _("Amount spent")
        VISITS = "VISITS", _("Visits to stores")
        YEARS = "YEARS", _("Years as a customer")

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=300, blank=True)
    metric = models.CharField(_("measured by"), max_length=8, choices=Metric, default=Metric.ORDERS)
    threshold = models.PositiveBigIntegerField(_("reached at"))
    repeats = models.BooleanField(_("at every multiple"), default=False)
    counts_from = models.DateTimeField(_("counts from"), null=True, blank=True)
    rewards = models.ManyToManyField("loyalty.Reward", related_name="milestones", verbose_name=_("rewards"))
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = MilestoneQuerySet.as_manager()

    class Meta:
        verbose_name = _("milestone")
        verbose_name_plural = _("milestones")
        ordering = ["metric", "threshold", "code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(threshold__gt=0),
                name="a_milestone_lies_ahead",
                violation_error_message=_("A milestone is reached at one or more."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class MilestoneReach(models.Model):
    """That a person reached a milestone for the `number`th time, once for ever, and what they got.

    OWED is a reward that could not be given yet; `reason` is the key of what was in the way.
    """

    class Status(models.TextChoices):
        OPEN = "OPEN", _("To be chosen")
        OWED = "OWED", _("Owed")
        GIVEN = "GIVEN", _("Given")

    milestone = models.ForeignKey(
        Milestone,
        on_delete=models.PROTECT,
        related_name="reaches",
        verbose_name=_("milestone"),
        db_index=False,
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.PROTECT,
        related_name="milestone_reaches",
        verbose_name=_("customer"),
    )
    number = models.PositiveIntegerField(_("for the time"), default=1)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.OPEN)
    grant = models.ForeignKey(
        "loyalty.RewardGrant", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(_("what was in the way"), max_length=64, blank=True)
    reached_at = models.DateTimeField(_("reached at"))

    class Meta:
        verbose_name = _("milestone reached")
        verbose_name_plural = _("milestones reached")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["milestone", "customer", "number"], name="a_milestone_is_reached_once"
            ),
            models.CheckConstraint(
                condition=models.Q(status="GIVEN") ^ models.Q(grant__isnull=True),
                name="a_milestone_given_has_its_reward",
            ),
        ]
        indexes = [
            models.Index(fields=["milestone"], condition=models.Q(status="OWED"), name="reach_owed"),
        ]

    def __str__(self) -> str:
        return f"{self.milestone_id} {self.number}"
