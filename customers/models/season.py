"""The merchant's seasons: stretches of the year that come round, such as the winter of a tyre dealer."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.segments.seasons import Span

_MONTH = models.Q(first_month__range=(1, 12), last_month__range=(1, 12))
_DAY = models.Q(first_day__range=(1, 31), last_day__range=(1, 31))


class SeasonQuerySet(models.QuerySet["Season"]):
    def spans(self) -> tuple[Span, ...]:
        """Return every season's days, as rules use them."""
        return tuple(season.span for season in self)


class Season(models.Model):
    """From a day of the year to another, both included; one that ends before it begins goes over New Year.

    A day that a month does not have is its last one: 29 February is the 28th in most years.
    """

    code = models.SlugField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    first_month = models.PositiveSmallIntegerField(_("first month"))
    first_day = models.PositiveSmallIntegerField(_("first day"))
    last_month = models.PositiveSmallIntegerField(_("last month"))
    last_day = models.PositiveSmallIntegerField(_("last day"))

    objects = SeasonQuerySet.as_manager()

    class Meta:
        verbose_name = _("season")
        verbose_name_plural = _("seasons")
        ordering = ["first_month", "first_day"]
        constraints = [
            models.CheckConstraint(
                condition=_MONTH & _DAY,
                name="a_season_runs_between_days_of_the_year",
                violation_error_message=_("Months are 1 to 12 and days 1 to 31."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def span(self) -> Span:
        first, last = (self.first_month, self.first_day), (self.last_month, self.last_day)
        return Span(self.code, self.name, first, last)
