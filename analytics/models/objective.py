"""What the programme is to reach, how it stood each day, what was done about it, and who decided."""

from datetime import date, timedelta

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from analytics.pace import Standing
from analytics.periods import Grain, shift
from customers.models import RollupScope


class ObjectiveQuerySet(models.QuerySet["Objective"]):
    def open(self) -> "ObjectiveQuerySet":
        """Return the objectives that are still followed."""
        return self.filter(closed_at=None)

    def under_way(self, day: date) -> "ObjectiveQuerySet":
        """Return the open objectives whose period has begun by a day."""
        return self.open().filter(starts_on__lte=day)

    def due_for_review(self, day: date) -> "ObjectiveQuerySet":
        """Return the open objectives whose next review is on a day or overdue."""
        return self.open().filter(next_review_on__lte=day)


class Objective(models.Model):
    """A metric that is to reach a target between two days, both included.

    `target` and `baseline` are in the metric's unit: amounts in minor units, shares as 0..1.
    `tolerance_percent` is how far behind its pace an objective is still at risk and not off track.
    """

    class Cadence(models.TextChoices):
        DAILY = "DAILY", _("Every day")
        WEEKLY = "WEEKLY", _("Every week")
        MONTHLY = "MONTHLY", _("Every month")
        QUARTERLY = "QUARTERLY", _("Every quarter")

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    metric = models.CharField(_("metric"), max_length=64)
    scope = models.CharField(_("scope"), max_length=16, choices=RollupScope, default=RollupScope.ALL)
    scope_value = models.CharField(_("value of the scope"), max_length=120, blank=True)
    segment = models.ForeignKey(
        "customers.Segment",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("segment"),
    )
    target = models.DecimalField(_("target"), max_digits=18, decimal_places=4)
    baseline = models.DecimalField(_("baseline"), max_digits=18, decimal_places=4, null=True, blank=True)
    tolerance_percent = models.DecimalField(
        _("tolerance, percent"),
        max_digits=5,
        decimal_places=2,
        default=5,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    cadence = models.CharField(_("review"), max_length=16, choices=Cadence, default=Cadence.WEEKLY)
    next_review_on = models.DateField(_("next review"))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("owner"),
    )
    standing = models.CharField(
        _("standing"), max_length=16, choices=Standing, default=Standing.NOT_BEGUN, editable=False
    )
    value = models.FloatField(_("value"), null=True, editable=False)
    checked_on = models.DateField(_("checked on"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)

    objects = ObjectiveQuerySet.as_manager()

    class Meta:
        verbose_name = _("objective")
        verbose_name_plural = _("objectives")
        ordering = ["ends_on", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")),
                name="an_objective_ends_after_it_starts",
                violation_error_message=_("The last day is before the first."),
            ),
            models.CheckConstraint(
                condition=models.Q(tolerance_percent__range=(0, 100)), name="tolerance_is_a_percentage"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def tolerance(self) -> float:
        return float(self.tolerance_percent) / 100

    @property
    def days(self) -> int:
        return (self.ends_on - self.starts_on).days + 1

    def review_after(self, day: date) -> date:
        """Return the day of the review after one on `day`, by the cadence."""
        if self.cadence == self.Cadence.DAILY:
            return day + timedelta(days=1)
        if self.cadence == self.Cadence.WEEKLY:
            return day + timedelta(days=7)
        months = 1 if self.cadence == self.Cadence.MONTHLY else 3
        first = shift(day.replace(day=1), Grain.MONTH, months)
        last = shift(first, Grain.MONTH, 1) - timedelta(days=1)
        return first.replace(day=min(day.day, last.day))


class ObjectiveCheck(models.Model):
    """How an objective stood at the end of a day: one row per day, written again when figures came late."""

    objective = models.ForeignKey(
        Objective, on_delete=models.CASCADE, related_name="checks", verbose_name=_("objective")
    )
    day = models.DateField(_("day"))
    value = models.FloatField(_("value"), null=True)
    expected = models.FloatField(_("expected"), null=True)
    forecast = models.FloatField(_("forecast"), null=True)
    gap = models.FloatField(_("gap"), null=True)
    standing = models.CharField(_("standing"), max_length=16, choices=Standing)

    class Meta:
        verbose_name = _("check of an objective")
        verbose_name_plural = _("checks of objectives")
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(fields=["objective", "day"], name="one_check_per_objective_and_day")
        ]

    def __str__(self) -> str:
        return f"{self.objective_id} {self.day:%Y-%m-%d} {self.standing}"


class CorrectiveActionQuerySet(models.QuerySet["CorrectiveAction"]):
    def open(self) -> "CorrectiveActionQuerySet":
        """Return what nobody has done or dropped yet."""
        return self.filter(status=CorrectiveAction.Status.OPEN)


class CorrectiveAction(models.Model):
    """What a breach opened: somebody is to do something by a day, and the data suggest what.

    `suggestions` are [{"kind", ...}], computed when it was opened and at each check while it is open; words
    for them are in analytics.suggestions.
    """

    class Status(models.TextChoices):
        OPEN = "OPEN", pgettext_lazy("state of a corrective action", "Open")
        DONE = "DONE", pgettext_lazy("state of a corrective action", "Done")
        DROPPED = "DROPPED", _("Dropped")

    objective = models.ForeignKey(
        Objective, on_delete=models.CASCADE, related_name="actions", verbose_name=_("objective")
    )
    opened_on = models.DateField(_("opened on"))
    gap = models.FloatField(_("gap"), null=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("owner")
    )
    due_on = models.DateField(_("due on"))
    suggestions = models.JSONField(_("suggestions"), default=list)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.OPEN)
    outcome = models.TextField(_("what was done"), blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    objects = CorrectiveActionQuerySet.as_manager()

    class Meta:
        verbose_name = _("corrective action")
        verbose_name_plural = _("corrective actions")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["objective"],
                condition=models.Q(status="OPEN"),
                name="one_open_corrective_action_per_objective",
            ),
            models.CheckConstraint(
                condition=models.Q(status="OPEN", closed_at=None)
                | ~models.Q(status="OPEN") & models.Q(closed_at__isnull=False),
                name="a_corrective_action_is_closed_at_an_instant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.objective}: {self.get_status_display()}"


class ObjectiveReview(models.Model):
    """What was decided about an objective on a day, and how it stood then. Never changed afterwards."""

    objective = models.ForeignKey(
        Objective, on_delete=models.CASCADE, related_name="reviews", verbose_name=_("objective")
    )
    day = models.DateField(_("day"))
    reviewed_at = models.DateTimeField(_("reviewed at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by")
    )
    standing = models.CharField(_("standing"), max_length=16, choices=Standing)
    value = models.FloatField(_("value"), null=True)
    decision = models.TextField(_("what was decided"))

    class Meta:
        verbose_name = _("review of an objective")
        verbose_name_plural = _("reviews of objectives")
        ordering = ["-day", "-pk"]

    def __str__(self) -> str:
        return f"{self.objective} {self.day:%Y-%m-%d}"
