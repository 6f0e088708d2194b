"""The figures and charts of the dashboard, ready to be drawn."""

from dataclasses import dataclass
from datetime import date, timedelta

import structlog
from babel import dates
from django.core.cache import cache
from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.models import PurchaseDay, RfmRun, StaleDay
from analytics.periods import Grain
from analytics.rfm_map import scores_url
from analytics.services import monthly_cohorts, revenue_series
from analytics.services.cohorts import Cohort
from analytics.services.kpis import Comparison
from operations import formats
from operations.figures import Chart, Delta, Series

log = structlog.get_logger(__name__)
COHORT_MONTHS = 12
COHORTS_KEPT_SECONDS = 600
DAILY_UP_TO = 90


def headline_figures(comparison: Comparison, *, days: int) -> list[Delta]:
    """Return the strip: the last days against as many before them."""
    page = reverse("admin:analytics_key_figures")
    against = ngettext("vs previous %(days)d day", "vs previous %(days)d days", days) % {"days": days}

    def figure(label: str, name: str, write, icon: str, hint: str = "", part: str = "") -> Delta:
        now, before = (getattr(comparison, part + side) for side in ("now", "before"))
        value, earlier = getattr(now, name), getattr(before, name)
        delta = change(value, earlier) if comparison.whole else None
        return Delta(
            label,
            write(value),
            delta,
            against=against,
            icon=icon,
            hint="" if delta is not None else hint,
            url=f"{page}?metric={name}&period={days}",
        )

    return [
        figure(_("Revenue"), "net_amount", formats.whole_money, "payments"),
        figure(_("Orders"), "orders", formats.number, "receipt_long"),
        figure(_("Customers who bought"), "buyers", formats.number, "group"),
        figure(_("New customers"), "new_buyers", formats.number, "person_add", _("first order ever")),
        figure(_("Average order"), "average_transaction_value", formats.money, "shopping_basket"),
        figure(_("Bought again"), "repeat_rate", formats.percent, "repeat"),
        Delta(
            _("Came back"),
            formats.percent(comparison.retention_rate),
            icon="undo",
            url=f"{page}?metric=retention_rate&period={days}",
            hint=_("of the buyers of the %(days)d days before") % {"days": days},
        ),
        figure(
            _("Coupons redeemed"),
            "redemption_rate",
            formats.percent,
            "confirmation_number",
            _("of those handed out"),
            part="coupons_",
        ),
    ]


def change(value: float | None, earlier: float | None) -> float | None:
    """Return the relative change, or None without something to compare with."""
    return value / earlier - 1 if earlier and value is not None else None


def revenue_chart(days: int, *, until: date) -> Chart:
    """Return revenue by day, or by week over long periods."""
    grain = Grain.DAY if days <= DAILY_UP_TO else Grain.WEEK
    points = revenue_series(until - timedelta(days=days - 1), until, grain)
    return Chart(
        title=_("Revenue by day") if grain == Grain.DAY else _("Revenue by week"),
        labels=[
            dates.format_date(start, "d MMM", locale=formats.locale()) for start, _net, _orders in points
        ],
        series=[Series(_("Revenue"), [net for _start, net, _orders in points])],
        unit="money",
        key="revenue",
        axis=_("Day") if grain == Grain.DAY else _("Week from"),
    )


@dataclass(frozen=True)
class Bar:
    """A segment's bar, as fidelio/partials/bars.html draws it."""

    label: str
    value: int
    share: float
    text: str
    url: str


def segment_bars(run: RfmRun) -> list[Bar]:
    """Return the segments with their customers, the largest first; a bar's length is against the largest."""
    sizes = sorted(
        ((run.segment_sizes.get(segment.code, 0), segment) for segment in run.model.segments.segments),
        key=lambda pair: -pair[0],
    )
    largest = sizes[0][0] or 1
    return [
        Bar(
            str(segment.label),
            size,
            size / largest,
            f"{formats.number(size)} · {formats.percent(size / run.population if run.population else 0, 0)}",
            scores_url(run.model, segment=segment.code),
        )
        for size, segment in sizes
    ]


@dataclass(frozen=True)
class CohortRow:
    """A cohort's month in words, its size, and the share that bought in each month since."""

    name: str
    size: int
    rates: list[float]


def cohort_rows(*, until: date) -> list[CohortRow]:
    """Return the cohorts of a year; where days are kept, the purchases of today are ten minutes late at most.

    Those of the past are never late: whatever changes them leaves a mark or a day that was counted again.
    """
    return [_cohort_row(cohort) for cohort in _cohorts(until)]


def _cohorts(until: date) -> list[Cohort]:
    kept, marked = (model.objects.aggregate(last=Max("pk"))["last"] for model in (PurchaseDay, StaleDay))
    if kept is None:
        return monthly_cohorts(COHORT_MONTHS, until=until)
    key = f"home-cohorts:{until}:{kept}:{marked}"
    try:
        known = cache.get(key)
    except Exception:
        log.error("home_cohorts_unremembered")
        return monthly_cohorts(COHORT_MONTHS, until=until)
    if known is None:
        known = monthly_cohorts(COHORT_MONTHS, until=until)
        cache.set(key, known, COHORTS_KEPT_SECONDS)
    return known


def _cohort_row(cohort: Cohort) -> CohortRow:
    name = dates.format_date(cohort.month, "MMM y", locale=formats.locale())
    return CohortRow(name, cohort.size, cohort.rates)
