"""The scores that runs lead to, and who moved from one segment to another."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from analytics.models.rfm import RfmModel, RfmRun
from analytics.rules import number


class RfmScoreQuerySet(models.QuerySet["RfmScore"]):
    def of(self, model: RfmModel) -> "RfmScoreQuerySet":
        return self.filter(model=model)


class RfmScore(models.Model):
    """A customer's current scores under one model; no row for whoever has no counting order in its window.

    `segment` is the one they are in; today's scores may name another one, `candidate_segment`, and have done
    so for `candidate_runs` days scored. Where both are the same that count is 0. `entered_sum` was the sum
    when they entered their segment.

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
    e = models.PositiveSmallIntegerField("E", null=True, blank=True)
    segment = models.CharField(_("segment"), max_length=32)
    entered_sum = models.DecimalField(_("sum on entering"), max_digits=5, decimal_places=3)
    candidate_segment = models.CharField(_("segment of today's scores"), max_length=32)
    candidate_runs = models.PositiveSmallIntegerField(_("days it was named"), default=0)
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
            models.CheckConstraint(
                condition=models.Q(e__isnull=True) | models.Q(e__range=(1, 5)), name="engagement_from_1_to_5"
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

    Append-only; the chain of a model's transitions, in the order in which its runs were done, gives the
    segments at any date.
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
