"""The model of what each person does next: what back-tests found, the runs that applied it, what is kept."""

from datetime import date
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from analytics.behaviour.kinds import Kind


class BehaviourModel(models.Model):
    """What one rolling back-test found: the way to predict that did best, fitted up to a day, never changed.

    `predictors` holds by horizon in days the parameters and the calibration of the chosen kind. `trials` has
    one entry per kind and horizon: AUC, log-loss, Brier score and the ten tenths of people by what was said.
    """

    Kind = Kind

    as_of = models.DateField(_("as of"))
    kind = models.CharField(_("chosen model"), max_length=16, choices=Kind)
    predictors = models.JSONField(_("parameters"))
    trials = models.JSONField(_("trials"))
    population = models.PositiveIntegerField(_("people"))
    learned_from = models.PositiveIntegerField(_("people learned from"))
    first_on = models.DateField(_("first day of purchase"))
    duration_ms = models.PositiveIntegerField(_("duration, ms"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("behaviour model")
        verbose_name_plural = _("behaviour models")
        ordering = ["-id"]
        permissions = [("run_behaviourmodel", "Can run behaviour models")]

    def __str__(self) -> str:
        return self.version

    @property
    def version(self) -> str:
        """Return what stands beside whatever this model computed."""
        return f"{self.kind.lower().replace('_', '-')}-{self.pk}"

    def trial(self, kind: str, horizon: int) -> dict[str, Any] | None:
        """Return how one kind did for one horizon."""
        found = (each for each in self.trials if (each["kind"], each["horizon"]) == (kind, horizon))
        return next(found, None)


class BehaviourRun(models.Model):
    """One scoring of everybody as of a day; the traits it wrote carry the model's version.

    `distribution` counts people by horizon in twentieths of probability; `habits` counts what was found.
    """

    model = models.ForeignKey(
        BehaviourModel, on_delete=models.PROTECT, related_name="runs", verbose_name=_("model")
    )
    as_of = models.DateField(_("as of"))
    population = models.PositiveIntegerField(_("people"))
    read_anew = models.PositiveIntegerField(_("histories read anew"), default=0)
    carried_on = models.PositiveIntegerField(_("histories carried on"), default=0)
    changed_rows = models.PositiveIntegerField(_("changed traits"), default=0)
    distribution = models.JSONField(_("distribution"), default=dict)
    habits = models.JSONField(_("habits"), default=dict)
    duration_ms = models.PositiveIntegerField(_("duration, ms"), default=0)
    finished_at = models.DateTimeField(_("finished at"), auto_now_add=True)

    class Meta:
        verbose_name = _("behaviour run")
        verbose_name_plural = _("behaviour runs")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.as_of}"

    @property
    def duration_seconds(self) -> float:
        return self.duration_ms / 1000


class BehaviourStateQuerySet(models.QuerySet["BehaviourState"]):
    def newest_day(self) -> date | None:
        """Return the day up to which the histories were read; None when there are none."""
        return self.aggregate(day=models.Max("as_of"))["day"]


class BehaviourState(models.Model):
    """What is kept of a person's history, so that a night reads only the new orders.

    `weights` are n_w on the morning of `as_of`, by the half-lives of the model's horizons in rising order;
    `days` counts days with a purchase. `short_gap` and `long_gap` are the quarter and the three quarters of
    the days between two of them.
    """

    customer = models.OneToOneField(
        "customers.Customer", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    as_of = models.DateField()
    weights = ArrayField(models.FloatField())
    days = models.PositiveIntegerField()
    orders = models.PositiveIntegerField()
    net_amount = models.BigIntegerField()
    first_on = models.DateField()
    last_on = models.DateField()
    short_gap = models.FloatField(null=True)
    long_gap = models.FloatField(null=True)

    objects = BehaviourStateQuerySet.as_manager()

    class Meta:
        verbose_name = _("kept history")
        verbose_name_plural = _("kept histories")

    def __str__(self) -> str:
        return f"{self.customer_id}"
