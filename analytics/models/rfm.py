"""RFM models, their runs, the scores they lead to, and who moved from one segment to another."""

from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.rules import ELEVEN, SegmentMap, are_thresholds, are_weights, number
from operations.models import JobRun


class RfmModelQuerySet(models.QuerySet["RfmModel"]):
    def nightly(self) -> "RfmModelQuerySet":
        """Return the models that the clock runs."""
        return self.filter(schedule=RfmModel.Schedule.NIGHTLY)

    def by_reference(self, reference: str) -> "RfmModelQuerySet":
        """Return the model whose id or code this is; codes are never only digits."""
        if reference.isascii() and reference.isdigit():
            return self.filter(pk=int(reference)) if len(reference) < 19 else self.none()
        return self.filter(code=reference)

    def main(self) -> "RfmModel | None":
        """Return the model that the console shows where there is room for one: the first."""
        return self.order_by("pk").first()


def equal_weights() -> list[int]:
    return [1, 1, 1]


class RfmModel(models.Model):
    """How customers are scored by recency, frequency and money. Any number of models run side by side.

    `thresholds` are the merchant's own, only with fixed binning: {"r": days, "f": orders, "m": minor units},
    four each, running from worst to best.
    """

    class Scope(models.TextChoices):
        ALL = "ALL", _("All orders")

    class Recency(models.TextChoices):
        STANDARD = "STANDARD", _("The more recent the better")
        INVERTED = "INVERTED", _("The longer ago the better (durables)")

    class Binning(models.TextChoices):
        QUANTILE = "QUANTILE", _("Fifths of the customers")
        FIXED = "FIXED", _("My own thresholds")

    class Monetary(models.TextChoices):
        SUM = "SUM", _("Sum of the orders")
        AVERAGE = "AVERAGE", _("Average order")

    class Map(models.TextChoices):
        ELEVEN = "ELEVEN", _("Eleven segments")

    class Schedule(models.TextChoices):
        NIGHTLY = "NIGHTLY", _("Every night")
        MANUAL = "MANUAL", _("By hand")

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
    scope = models.CharField(_("scope"), max_length=16, choices=Scope, default=Scope.ALL)
    scope_value = models.CharField(_("value of the scope"), max_length=120, blank=True, editable=False)
    window_days = models.PositiveIntegerField(
        _("window, days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)],
        help_text=_("Only orders of the last so many days count; empty for all time."),
    )
    recency = models.CharField(_("recency"), max_length=16, choices=Recency, default=Recency.STANDARD)
    binning = models.CharField(_("binning"), max_length=16, choices=Binning, default=Binning.QUANTILE)
    thresholds = models.JSONField(
        _("thresholds"),
        null=True,
        blank=True,
        help_text=_('Your own, from worst to best: {"r": [365, 180, 90, 30], "f": [...], "m": [...]}.'),
    )
    monetary = models.CharField(_("money"), max_length=16, choices=Monetary, default=Monetary.SUM)
    weights = models.JSONField(
        _("weights of R, F and M"), default=equal_weights, help_text=_("Scaled so that they sum to 3.")
    )
    segment_map = models.CharField(_("segments"), max_length=16, choices=Map, default=Map.ELEVEN)
    minimum_population = models.PositiveIntegerField(
        _("minimum population"),
        default=25,
        validators=[MinValueValidator(1)],
        help_text=_("With fewer buyers a run is refused: fifths of so few say nothing."),
    )
    schedule = models.CharField(_("schedule"), max_length=16, choices=Schedule, default=Schedule.NIGHTLY)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = RfmModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("RFM model")
        verbose_name_plural = _("RFM models")
        ordering = ["pk"]
        permissions = [("run_rfmmodel", "Can run RFM models")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(binning="FIXED") | models.Q(thresholds__isnull=False),
                name="fixed_binning_has_thresholds",
                violation_error_message=_("Fixed binning needs thresholds."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        errors = {}
        if not are_weights(self.weights):
            errors["weights"] = _("Three numbers, none negative, not all zero.")
        if self.binning == self.Binning.FIXED and not are_thresholds(self.thresholds):
            errors["thresholds"] = _("Four whole numbers each for r (falling days), f and m (rising).")
        if self.binning == self.Binning.QUANTILE and self.thresholds is not None:
            errors["thresholds"] = _("Only fixed binning takes thresholds of your own.")
        if errors:
            raise ValidationError(errors)

    @property
    def segments(self) -> SegmentMap:
        return {self.Map.ELEVEN: ELEVEN}[self.Map(self.segment_map)]

    def segment_code(self, segment: str) -> str:
        """Return the code of the customers' segment that holds this model's `segment`."""
        return f"{self.code}--{segment}"

    def window_start(self, as_of: date) -> date | None:
        """Return the first day whose orders count, or None for all time."""
        return as_of - timedelta(days=self.window_days) if self.window_days else None

    def last_run(self) -> "RfmRun | None":
        return self.runs.done().first()


class RfmRunQuerySet(models.QuerySet["RfmRun"]):
    def done(self) -> "RfmRunQuerySet":
        """Return the runs that wrote scores, newest first."""
        return self.filter(status=RfmRun.Status.DONE).order_by("-pk")

    def waiting(self) -> "RfmRunQuerySet":
        """Return the runs that were promised and that no worker has begun, the oldest first."""
        queued = JobRun.Status.QUEUED
        return self.filter(status=RfmRun.Status.RUNNING, started_at=None, job__status=queued).order_by("pk")

    def as_of(self, day: date) -> "RfmRun | None":
        """Return the run that says how things stood on a day: the last one as of that day or before."""
        return self.done().filter(as_of__lte=day).order_by("-as_of", "-pk").first()


class RfmRun(models.Model):
    """One scoring of a model's population as of a day: orders before that day's first instant count.

    `thresholds` {"r": [days], "f": [orders], "m": [minor units]} from worst to best; `score_sums` {"r",
    "f", "m", "sum"}; `segment_sizes` {segment code: customers}; `cells` {"555": [customers, net amount]}.
    Amounts are minor units of the programme's currency. Anonymous sales are counted, not scored.
    """

    class Status(models.TextChoices):
        RUNNING = "RUNNING", _("Running")
        DONE = "DONE", _("Done")
        FAILED = "FAILED", _("Failed")

    model = models.ForeignKey(
        RfmModel, on_delete=models.CASCADE, related_name="runs", verbose_name=_("RFM model")
    )
    as_of = models.DateField(_("as of"))
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.RUNNING)
    job = models.ForeignKey(
        "operations.JobRun", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    queued_at = models.DateTimeField(_("queued at"), default=timezone.now)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    population = models.PositiveIntegerField(_("population"), default=0)
    orders = models.PositiveBigIntegerField(_("orders"), default=0)
    net_amount = models.BigIntegerField(_("net amount"), default=0)
    anonymous_orders = models.PositiveBigIntegerField(_("anonymous orders"), default=0)
    anonymous_amount = models.BigIntegerField(_("anonymous sales"), default=0)
    thresholds = models.JSONField(_("thresholds"), default=dict)
    score_sums = models.JSONField(_("sums of scores"), default=dict)
    segment_sizes = models.JSONField(_("segments"), default=dict)
    cells = models.JSONField(_("cells"), default=dict)
    changed_rows = models.PositiveIntegerField(_("changed rows"), default=0)
    moves = models.PositiveIntegerField(_("moves between segments"), default=0)
    duration_ms = models.PositiveIntegerField(_("duration, ms"), default=0)
    error = models.CharField(_("error"), max_length=300, blank=True)

    objects = RfmRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("RFM run")
        verbose_name_plural = _("RFM runs")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["model", "-id"], name="rfm_run_model")]

    def __str__(self) -> str:
        return f"{self.model.name}, {self.as_of:%Y-%m-%d}"

    @property
    def anonymous_share(self) -> float | None:
        """Return the share of anonymous sales in revenue, 0..1, or None without revenue."""
        revenue = self.net_amount + self.anonymous_amount
        return self.anonymous_amount / revenue if revenue else None

    def named_sizes(self) -> dict[str, int]:
        """Return the size of every segment under its English name, empty ones too."""
        return {
            segment.name: self.segment_sizes.get(segment.code, 0) for segment in self.model.segments.segments
        }


class RfmScoreQuerySet(models.QuerySet["RfmScore"]):
    def of(self, model: RfmModel) -> "RfmScoreQuerySet":
        return self.filter(model=model)


class RfmScore(models.Model):
    """A customer's current scores under one model; no row for whoever has no counting order in its window.

    The last order's day is stored instead of the days since it, so that an idle night rewrites nothing. No
    foreign key constraints in the database: a run writes whole populations, derived from rows that have them.
    """

    model = models.ForeignKey(
        RfmModel,
        on_delete=models.CASCADE,
        related_name="scores",
        verbose_name=_("RFM model"),
        db_index=False,
        db_constraint=False,
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.CASCADE,
        related_name="rfm_scores",
        verbose_name=_("customer"),
        db_constraint=False,
    )
    r = models.PositiveSmallIntegerField("R")
    f = models.PositiveSmallIntegerField("F")
    m = models.PositiveSmallIntegerField("M")
    sum = models.DecimalField(_("sum"), max_digits=5, decimal_places=3)
    segment = models.CharField(_("segment"), max_length=32)
    last_order_on = models.DateField(_("last order"))
    orders = models.PositiveIntegerField(_("orders"))
    net_amount = models.BigIntegerField(_("net amount"))

    objects = RfmScoreQuerySet.as_manager()

    class Meta:
        verbose_name = _("RFM score")
        verbose_name_plural = _("RFM scores")
        constraints = [
            models.UniqueConstraint(fields=["model", "customer"], name="one_score_per_customer_and_model"),
            models.CheckConstraint(
                condition=models.Q(r__range=(1, 5), f__range=(1, 5), m__range=(1, 5)),
                name="scores_from_1_to_5",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.segment}"

    @property
    def code(self) -> str:
        return f"{self.r}{self.f}{self.m}"

    def as_dict(self) -> dict[str, Any]:
        """Return what GET /customers/{id} answers for this model."""
        return {
            "r": self.r,
            "f": self.f,
            "m": self.m,
            "sum": number(self.sum),
            "segment": self.model.segments.by_code(self.segment).name,
        }


class RfmTransition(models.Model):
    """A customer's move between segments in one run; '' stands for outside of the population.

    Append-only; the chain of a model's transitions in the order of their runs gives the segments at any date.
    """

    run = models.ForeignKey(
        RfmRun,
        on_delete=models.CASCADE,
        related_name="transitions",
        verbose_name=_("RFM run"),
        db_constraint=False,
    )
    customer = models.ForeignKey(
        "customers.Customer",
        on_delete=models.CASCADE,
        related_name="rfm_transitions",
        verbose_name=_("customer"),
        db_constraint=False,
    )
    from_segment = models.CharField(_("from"), max_length=32, blank=True)
    to_segment = models.CharField(_("to"), max_length=32, blank=True)

    class Meta:
        verbose_name = _("move between segments")
        verbose_name_plural = _("moves between segments")

    def __str__(self) -> str:
        return f"{self.from_segment} -> {self.to_segment}"
