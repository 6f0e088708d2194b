"""RFM models, their runs, and what a month ended with."""

from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analytics.models.runs import RunStatus
from analytics.models.segment_map import RfmSegmentMap
from analytics.rules import SegmentMap, are_thresholds, are_weights
from customers.models import BusinessUnit, Product, SalesChannel, Store
from operations.models import JobRun


class RfmModelQuerySet(models.QuerySet["RfmModel"]):
    def nightly(self) -> "RfmModelQuerySet":
        """Return the models that the clock runs."""
        return self.filter(schedule=RfmModel.Schedule.NIGHTLY)

    def weekly(self) -> "RfmModelQuerySet":
        """Return the models that the clock runs once a week."""
        return self.filter(schedule=RfmModel.Schedule.WEEKLY)

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

    A scope's value is the code of a channel, store or business unit, the name of a product line or store
    group, or a country. A product line counts its own articles, and the orders that have some.

    `thresholds` are the merchant's own, only with fixed binning: {"r": days, "f": orders, "m": minor units},
    four each, running from worst to best. A replacement window takes R from `cycle_days` and
    `tolerance_days` alone.

    Somebody whose scores name another segment than they are in moves there after `commit_after_runs` days
    scored, or at once when they stand `commit_jump` loyalty levels from where they entered theirs.
    """

    class Scope(models.TextChoices):
        ALL = "ALL", _("All orders")
        PRODUCT_LINE = "PRODUCT_LINE", _("Product line")
        BUSINESS_UNIT = "BUSINESS_UNIT", _("Business unit")
        CHANNEL = "CHANNEL", _("Sales channel")
        STORE = "STORE", _("Store")
        STORE_GROUP = "STORE_GROUP", _("Store group")
        COUNTRY = "COUNTRY", _("Country of the store")

    class Recency(models.TextChoices):
        STANDARD = "STANDARD", _("The more recent the better")
        INVERTED = "INVERTED", _("The longer ago the better (durables)")
        REPLACEMENT = "REPLACEMENT", _("The closer to the next replacement the better")

    class Binning(models.TextChoices):
        QUANTILE = "QUANTILE", _("Fifths of the customers")
        FIXED = "FIXED", _("My own thresholds")

    class Monetary(models.TextChoices):
        SUM = "SUM", _("Sum of the orders")
        AVERAGE = "AVERAGE", _("Average order")

    class Schedule(models.TextChoices):
        NIGHTLY = "NIGHTLY", _("Every night")
        WEEKLY = "WEEKLY", _("Every week")
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
    scope_value = models.CharField(_("value of the scope"), max_length=120, blank=True)
    window_days = models.PositiveIntegerField(
        _("window, days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)],
        help_text=_("Only orders of the last so many days count; empty for all time."),
    )
    season = models.ForeignKey(
        "customers.Season",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("season"),
        help_text=_("Only orders of this season when it last ended count."),
    )
    recency = models.CharField(_("recency"), max_length=16, choices=Recency, default=Recency.STANDARD)
    cycle_days = models.PositiveIntegerField(
        _("replaced after, days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)],
        help_text=_("How long such goods usually last."),
    )
    tolerance_days = models.PositiveIntegerField(
        _("tolerance, days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)],
        help_text=_("R is 5 within the tolerance before or after, 4 within twice of it, and so on."),
    )
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
    segment_map = models.ForeignKey(
        RfmSegmentMap,
        on_delete=models.PROTECT,
        related_name="models",
        verbose_name=_("segments"),
    )
    commit_after_runs = models.PositiveSmallIntegerField(
        _("moves after, days scored"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(30)],
        help_text=_("Somebody moves once their scores have named the new segment this often; 1 is at once."),
    )
    commit_jump = models.PositiveSmallIntegerField(
        _("moves at once, levels"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(4)],
        help_text=_("Whose loyalty level changes by so many steps moves without waiting; 4 is never."),
    )
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
        errors = self._scope_errors() | self._recency_errors() | self._binning_errors()
        if not are_weights(self.weights):
            errors["weights"] = _("Three numbers, none negative, not all zero.")
        if self.season_id and self.window_days:
            errors["window_days"] = _("A season is a window of its own: leave one of the two empty.")
        if errors:
            raise ValidationError(errors)

    def _scope_errors(self) -> dict[str, Promise]:
        if self.scope == self.Scope.ALL:
            return {"scope_value": _("All orders need no value.")} if self.scope_value else {}
        if not self.scope_value:
            return {"scope_value": _("Say which one.")}
        named = SCOPED.get(self.scope)
        if named and not named[0].objects.filter(**{named[1]: self.scope_value}).exists():
            return {"scope_value": _("There is none with this name or code.")}
        return {}

    def _recency_errors(self) -> dict[str, Promise]:
        days = ("cycle_days", "tolerance_days")
        if self.recency == self.Recency.REPLACEMENT:
            return {name: _("A replacement window needs it.") for name in days if not getattr(self, name)}
        return {
            name: _("Only a replacement window has it.") for name in days if getattr(self, name) is not None
        }

    def _binning_errors(self) -> dict[str, Promise]:
        if self.binning == self.Binning.QUANTILE:
            if self.thresholds is None:
                return {}
            return {"thresholds": _("Only fixed binning takes thresholds of your own.")}
        given = self.thresholds
        if self.recency == self.Recency.REPLACEMENT and isinstance(given, dict):
            # R follows from the cycle, whatever is written here.
            given = given | {"r": [4, 3, 2, 1]}
        if are_thresholds(given):
            return {}
        return {"thresholds": _("Four whole numbers each for r (falling days), f and m (rising).")}

    @property
    def segments(self) -> SegmentMap:
        """Return the map's segments; read once for an instance of the model."""
        if getattr(self, "_segments_of", None) != self.segment_map_id:
            self._segments, self._segments_of = self.segment_map.as_map(), self.segment_map_id
        return self._segments

    def segment_code(self, segment: str) -> str:
        """Return the code of the customers' segment that holds this model's `segment`."""
        return f"{self.code}--{segment}"

    def window(self, as_of: date) -> tuple[date | None, date]:
        """Return the first day whose orders count, None for all time, and the day before which they do.

        A season's window is the last one that was over on that day.
        """
        if self.season_id:
            span = self.season.span
            ended = [span.beginning_in(year) for year in (as_of.year, as_of.year - 1, as_of.year - 2)]
            first, last = next((first, last) for first, last in ended if last < as_of)
            return first, last + timedelta(days=1)
        return (as_of - timedelta(days=self.window_days) if self.window_days else None), as_of

    def last_run(self) -> "RfmRun | None":
        return self.runs.done().first()


SCOPED: dict[str, tuple[type[models.Model], str]] = {
    RfmModel.Scope.PRODUCT_LINE: (Product, "product_line"),
    RfmModel.Scope.BUSINESS_UNIT: (BusinessUnit, "code"),
    RfmModel.Scope.CHANNEL: (SalesChannel, "code"),
    RfmModel.Scope.STORE: (Store, "code"),
    RfmModel.Scope.STORE_GROUP: (Store, "store_group"),
    RfmModel.Scope.COUNTRY: (Store, "country"),
}


LAST_DONE_FIRST = (models.F("finished_at").desc(nulls_last=True), "-pk")


class RfmRunQuerySet(models.QuerySet["RfmRun"]):
    def done(self) -> "RfmRunQuerySet":
        """Return the runs that wrote scores, the last that did first: one may have waited past others."""
        return self.filter(status=RfmRun.Status.DONE).order_by(*LAST_DONE_FIRST)

    def waiting(self) -> "RfmRunQuerySet":
        """Return the runs that were promised and that no worker has begun, the oldest first."""
        queued = JobRun.Status.QUEUED
        return self.filter(status=RfmRun.Status.RUNNING, started_at=None, job__status=queued).order_by("pk")

    def promised(self) -> "RfmRunQuerySet":
        """Return the runs that are still to begin: whose job is not over."""
        unfinished = [JobRun.Status.QUEUED, JobRun.Status.RUNNING]
        return self.filter(status=RfmRun.Status.RUNNING, started_at=None, job__status__in=unfinished)

    def as_of(self, day: date) -> "RfmRun | None":
        """Return the run that says how things stood on a day: the last one as of that day or before."""
        return self.done().filter(as_of__lte=day).order_by("-as_of", *LAST_DONE_FIRST).first()


class RfmRun(models.Model):
    """One scoring of a model's population as of a day: orders before that day's first instant count.

    `thresholds` {"r": [days], "f": [orders], "m": [minor units]} from worst to best, with a replacement
    window the days away from its cycle; `score_sums` {"r", "f", "m", "sum"}; `cells` {"555": [customers, net
    amount]} by the scores of the day; `segment_sizes` {segment code: customers} and `segment_amounts` by the
    segments people are in. Amounts are minor units of the programme's currency. Anonymous sales are counted,
    not scored.

    `definition` is what the model said at the time. `horizon` is PostgreSQL's snapshot before anything was
    read: what it could not see yet is read by the next run. `reread` customers had their orders read. A run
    that `checks` reads everybody's and puts right what was stored otherwise, of `differences` customers.
    Where the model was `redefined` since the run before, moves are the merchant's doing, not the customers'.
    """

    class Extent(models.TextChoices):
        FULL = "FULL", _("Everybody's orders")
        CHANGES = "CHANGES", _("What changed")

    Status = RunStatus

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
    segment_amounts = models.JSONField(_("net amounts of the segments"), default=dict)
    extent = models.CharField(_("what was read"), max_length=8, choices=Extent, default=Extent.FULL)
    definition = models.JSONField(_("definition"), default=dict)
    redefined = models.BooleanField(_("the model was changed before it"), default=False)
    horizon = models.TextField(_("horizon"), blank=True, editable=False)
    reread = models.PositiveIntegerField(_("customers read"), default=0)
    checks = models.BooleanField(_("checks everybody"), default=False)
    differences = models.PositiveIntegerField(_("differences"), default=0)
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


class RfmSnapshot(models.Model):
    """How a model stood when a month ended: the last run whose last counting day lies in it.

    Who was in which segment then follows from the transitions; sizes and cells are the run's.
    """

    model = models.ForeignKey(
        RfmModel, on_delete=models.CASCADE, related_name="snapshots", verbose_name=_("RFM model")
    )
    month = models.DateField(_("month"))
    run = models.ForeignKey(RfmRun, on_delete=models.CASCADE, related_name="+", verbose_name=_("RFM run"))
    population = models.PositiveIntegerField(_("population"))
    segment_sizes = models.JSONField(_("segments"), default=dict)
    cells = models.JSONField(_("cells"), default=dict)
    thresholds = models.JSONField(_("thresholds"), default=dict)

    class Meta:
        verbose_name = _("month of an RFM model")
        verbose_name_plural = _("months of RFM models")
        ordering = ["model", "month"]
        constraints = [
            models.UniqueConstraint(fields=["model", "month"], name="one_snapshot_per_month_and_model"),
        ]

    def __str__(self) -> str:
        return f"{self.model.name}, {self.month:%Y-%m}"
