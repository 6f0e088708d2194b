"""The figures and charts of the dashboard, ready to be drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from babel import dates
from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.figures import cohort_chart
from analytics.models import PurchaseDay, RfmRun, StaleDay
from analytics.periods import Grain
from analytics.recent import counted_lately
from analytics.rfm_map import scores_url
from analytics.services import compare_days, monthly_cohorts, revenue_series
from analytics.services.cohorts import Cohort
from analytics.services.kpis import Comparison
from operations import formats
from operations.figures import Chart, Delta, Series

T = TypeVar("T")
COHORT_MONTHS = 12
COHORTS_KEPT_SECONDS = 600
COMPARISON_KEPT_SECONDS = 60
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


def cohorts_chart(*, until: date) -> Chart | None:
    """Return the heat map of a year's cohorts, None with fewer than two of them.

    Where days are kept, the purchases of today are ten minutes late at most. Those of the past are never
    late: whatever changes them leaves a mark or a day that was counted again.
    """
    cohorts = _cohorts(until)
    return cohort_chart(cohorts, "rates") if len(cohorts) > 1 else None


def _cohorts(until: date) -> list[Cohort]:
    return remembered(
        f"cohorts:{until}",
        lambda: monthly_cohorts(COHORT_MONTHS, until=until),
        seconds=COHORTS_KEPT_SECONDS,
    )


def compared(days: int, *, until: date) -> Comparison:
    """Return the last days beside those before them; what was bought today is a minute late at most."""
    return remembered(
        f"comparison:{days}:{until}",
        lambda: compare_days(days, until=until),
        seconds=COMPARISON_KEPT_SECONDS,
    )


def remembered(name: str, count: Callable[[], T], *, seconds: int) -> T:
    """Return what was counted within so many seconds, where days are kept and none of them changed since."""
    kept, marked = (model.objects.aggregate(last=Max("pk"))["last"] for model in (PurchaseDay, StaleDay))
    if kept is None:
        return count()
    return counted_lately(f"home:{name}:{kept}:{marked}", count, seconds=seconds)
