"""The marketer's and analyst's home: how business goes, what runs, and what needs a decision."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.dashboard.activity import campaign_rows, latest_orders
from analytics.dashboard.decisions import open_decisions
from analytics.dashboard.figures import cohorts_chart, compared, headline_figures, revenue_chart, segment_bars
from analytics.dashboard.start import first_steps, loading_job
from analytics.models import RfmModel
from analytics.rfm_map import grid
from analytics.rules import SCORES
from customers.models import Order
from customers.topics import topic_bars, topic_counts

TEMPLATE = "analytics/dashboard.html"
PERIODS = (7, 30, 90, 365)
USUAL_PERIOD = 30
LATE_ORDERS = timedelta(days=14)


def dashboard_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the dashboard shows this person; without any order, how to get started."""
    days = chosen_period(request)
    until = last_day_with_figures()
    context = {
        "title": _("Home"),
        "days": days,
        "periods": PERIODS,
        "steps": first_steps(),
        "loading": loading_job(),
        "decisions": open_decisions(request.user),
        "empty": until is None,
    }
    if until is None:
        return context
    comparison = compared(days, until=until)
    model = RfmModel.objects.main()
    run = model.last_run() if model else None
    may_read = request.user.has_perm("customers.view_customernote")
    return context | {
        "figures": headline_figures(comparison, days=days),
        "until": until if until < timezone.localdate() else None,
        "revenue": revenue_chart(days, until=until),
        "rfm_run": run,
        "bars": segment_bars(run) if run else [],
        "rfm_rows": grid(run) if run else [],
        "rfm_scores": range(1, SCORES + 1),
        "campaigns": campaign_rows(request.user),
        "orders": latest_orders(),
        "cohorts": cohorts_chart(until=until),
        "topics": topic_bars(topic_counts(at=timezone.now())) if may_read else [],
    }


def last_day_with_figures() -> date | None:
    """Return today; the day of the last order where orders arrive late; None before the first order.

    Shops that send their orders once a day or once a week would else see their revenue break off.
    """
    last = Order.objects.order_by("-ordered_at").values_list("ordered_at", flat=True).first()
    if last is None:
        return None
    today, day = timezone.localdate(), timezone.localdate(last)
    return day if today - LATE_ORDERS <= day < today else today


def chosen_period(request: HttpRequest) -> int:
    """Return the days of the period picker, or the usual ones."""
    value = request.GET.get("days", "")
    return int(value) if value in map(str, PERIODS) else USUAL_PERIOD
