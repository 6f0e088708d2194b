"""The value model and the cluster models with their runs: what is expected of customers, and who is alike."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.models.runs import RunStatus
from operations.models import JobRun


class Schedule(models.TextChoices):
    """When a model runs by itself."""

    NIGHTLY = "NIGHTLY", _("Every night")
    WEEKLY = "WEEKLY", _("Every week, in the night to Monday")
    MANUAL = "MANUAL", _("By hand")


class ValueModelQuerySet(models.QuerySet["ValueModel"]):
    def due(self, *, weekday: int) -> "ValueModelQuerySet":
        """Return the models that run in the night to this day of the week (0 is Monday)."""
        due = [Schedule.NIGHTLY, Schedule.WEEKLY] if weekday == 0 else [Schedule.NIGHTLY]
        return self.filter(schedule__in=due)


class ValueModel(models.Model):
    """How the value of customers is reckoned: BG/NBD and Gamma-Gamma over all orders. There is one."""

    code = models.SlugField(_("code"), max_length=64, unique=True, editable=False)
    margin_percent = models.DecimalField(
        _("margin, percent"),
        max_digits=5,
        decimal_places=2,
        default=30,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("What an order leaves of its net amount."),
    )
    discount_rate_percent = models.DecimalField(
        _("discount rate, percent a year"),
        max_digits=5,
        decimal_places=2,
        default=10,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("How much less money is worth when it comes a year later."),
    )
    months = models.PositiveSmallIntegerField(
        _("months ahead"),
        default=36,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
        help_text=_("How far the lifetime value looks; a month is 30 days."),
    )
    test_days = models.PositiveSmallIntegerField(
        _("days of the back-test"),
        default=90,
        validators=[MinValueValidator(7), MaxValueValidator(730)],
        help_text=_("Each run also predicts the last so many days as if they had not come yet."),
    )
    minimum_population = models.PositiveIntegerField(
        _("minimum population"),
        default=25,
        validators=[MinValueValidator(2)],
        help_text=_("With fewer customers who bought twice, the last good fit stays."),
    )
    schedule = models.CharField(_("schedule"), max_length=16, choices=Schedule, default=Schedule.NIGHTLY)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = ValueModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("value model")
        verbose_name_plural = _("value models")
        permissions = [("run_valuemodel", "Can run the value model")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(margin_percent__range=(0, 100), discount_rate_percent__range=(0, 100)),
                name="value_model_shares",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Value model"))

    def last_run(self) -> "ValueRun | None":
        return self.runs.done().first()


class RunQuerySet(models.QuerySet):
    def done(self) -> "RunQuerySet":
        """Return the runs that wrote something, newest first."""
        return self.filter(status=RunStatus.DONE).order_by("-pk")

    def under_way(self) -> "RunQuerySet":
        """Return the runs that were promised and whose job is not over."""
        unfinished = [JobRun.Status.QUEUED, JobRun.Status.RUNNING]
        return self.filter(status=RunStatus.RUNNING, job__status__in=unfinished).order_by("-pk")


class AbstractRun(models.Model):
    """One run as of a day: orders before that day's first instant count."""

    as_of = models.DateField(_("as of"))
    status = models.CharField(_("status"), max_length=16, choices=RunStatus, default=RunStatus.RUNNING)
    job = models.ForeignKey(
        "operations.JobRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    queued_at = models.DateTimeField(_("queued at"), default=timezone.now)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    population = models.PositiveIntegerField(_("population"), default=0)
    changed_rows = models.PositiveIntegerField(_("changed rows"), default=0)
    duration_ms = models.PositiveIntegerField(_("duration, ms"), default=0)
    error = models.CharField(_("error"), max_length=300, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-pk"]


class ValueRun(AbstractRun):
    """One fit, its predictions for everybody, and its back-test.

    `parameters` {"bgnbd": {r, alpha, a, b}, "gamma_gamma": {p, q, v}} in days and minor units; `economics`
    what the model's settings were; `totals`, `activity` and `deciles` what came out over everybody;
    `segments` the same by segment of the main RFM model (all of analytics.value.summary); `holdout` the
    back-test (analytics.value.backtest). With `fallback` the parameters are those of an earlier run, or
    amounts are everybody's average, and `fallback_reason` says why.
    """

    model = models.ForeignKey(
        ValueModel, on_delete=models.CASCADE, related_name="runs", verbose_name=_("value model")
    )
    repeat_buyers = models.PositiveIntegerField(_("bought twice or more"), default=0)
    parameters = models.JSONField(_("parameters"), default=dict)
    log_likelihood = models.FloatField(_("log-likelihood"), null=True, blank=True)
    economics = models.JSONField(_("settings"), default=dict)
    totals = models.JSONField(_("totals"), default=dict)
    activity = models.JSONField(_("by probability"), default=list)
    deciles = models.JSONField(_("by value"), default=list)
    segments = models.JSONField(_("by segment"), default=list)
    holdout = models.JSONField(_("back-test"), null=True, blank=True)
    fallback = models.BooleanField(_("with an earlier fit"), default=False)
    fallback_reason = models.CharField(_("why"), max_length=300, blank=True)

    class Meta(AbstractRun.Meta):
        verbose_name = _("value run")
        verbose_name_plural = _("value runs")
        indexes = [models.Index(fields=["model", "-id"], name="value_run_model")]

    def __str__(self) -> str:
        return f"{self.as_of:%Y-%m-%d}"


def usual_features() -> list[str]:
    return ["recency", "frequency", "monetary"]


class ClusterModelQuerySet(models.QuerySet["ClusterModel"]):
    def due(self, *, weekday: int) -> "ClusterModelQuerySet":
        """Return the models that run in the night to this day of the week (0 is Monday)."""
        due = [Schedule.NIGHTLY, Schedule.WEEKLY] if weekday == 0 else [Schedule.NIGHTLY]
        return self.filter(schedule__in=due)


class ClusterModel(models.Model):
    """Groups of customers who are alike, found in what they did and what is expected of them."""

    class Method(models.TextChoices):
        KMEANS = "KMEANS", _("k-means: groups of about the same width")
        MIXTURE = "MIXTURE", _("Gaussian mixture: groups of any shape")

    class Feature(models.TextChoices):
        """What customers are compared by."""

        RECENCY = "recency", _("Days since the last order")
        FREQUENCY = "frequency", _("Orders")
        MONETARY = "monetary", _("Average order")
        ENGAGEMENT = "engagement", _("Engagement")
        BUY_PROBABILITY = "buy_probability", _("Probability of an order in 30 days")
        DISCOUNTS = "discounts", _("Share of orders with a discount")

    code = models.SlugField(
        _("code"),
        max_length=64,
        unique=True,
        validators=[
            RegexValidator(
                r"^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$",
                _("Lower-case letters, digits and single hyphens, with at least one letter."),
            )
        ],
    )
    name = models.CharField(_("name"), max_length=100)
    method = models.CharField(_("method"), max_length=16, choices=Method, default=Method.KMEANS)
    features = models.JSONField(_("compared by"), default=usual_features)
    clusters = models.PositiveSmallIntegerField(
        _("number of clusters"),
        null=True,
        blank=True,
        validators=[MinValueValidator(2), MaxValueValidator(12)],
        help_text=_("Empty: the number from 3 to 8 that separates best."),
    )
    names = models.JSONField(_("names given by hand"), default=dict, blank=True, editable=False)
    schedule = models.CharField(_("schedule"), max_length=16, choices=Schedule, default=Schedule.WEEKLY)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = ClusterModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("cluster model")
        verbose_name_plural = _("cluster models")
        ordering = ["pk"]
        permissions = [("run_clustermodel", "Can run cluster models")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        known, features = set(self.Feature.values), self.features
        if not isinstance(features, list) or not set(features) <= known or len(set(features)) < 2:
            raise ValidationError({"features": _("At least two of the features that are known.")})

    def last_run(self) -> "ClusterRun | None":
        return self.runs.done().first()

    def segment_code(self, cluster: str) -> str:
        """Return the code of the customers' segment that holds one of this model's clusters."""
        return f"{self.code}--{cluster}"


class ClusterRun(AbstractRun):
    """One grouping of everybody who bought.

    `choices` say how well each number separated (silhouette of k-means, BIC of a mixture); `clusters` are
    what was found (analytics.clusters); `scaling` is what their centres are measured in.
    """

    model = models.ForeignKey(
        ClusterModel, on_delete=models.CASCADE, related_name="runs", verbose_name=_("cluster model")
    )
    features = models.JSONField(_("compared by"), default=list)
    choices = models.JSONField(_("numbers tried"), default=list)
    clusters = models.JSONField(_("clusters"), default=list)
    scaling = models.JSONField(_("scaling"), default=dict)
    quality = models.FloatField(_("silhouette"), null=True, blank=True)

    class Meta(AbstractRun.Meta):
        verbose_name = _("cluster run")
        verbose_name_plural = _("cluster runs")
        indexes = [models.Index(fields=["model", "-id"], name="cluster_run_model")]

    def __str__(self) -> str:
        return f"{self.model.name}, {self.as_of:%Y-%m-%d}"

    def cluster(self, code: str) -> dict[str, Any] | None:
        return next((each for each in self.clusters if each["code"] == code), None)
