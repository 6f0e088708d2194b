"""Pages of key figures: all of them, the life of customers, cohorts."""

import hashlib
from typing import Any

from django.contrib.admin import ModelAdmin
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from analytics import figures
from analytics.campaign_effects import campaign_effects
from analytics.choices import ChosenPeriod, Preset
from analytics.dashboard import last_day_with_figures
from analytics.engine.postgres import first_instant
from analytics.metrics import METRICS
from analytics.parts import ChosenPart
from analytics.periods import Grain
from analytics.recent import counted_lately
from analytics.services import monthly_cohorts
from campaigns.models import Campaign, CampaignRun
from campaigns.results.lift import CampaignLift, Span, lifts_of_campaigns
from operations.figure_files import ChartsPage

PERMISSION = "analytics.view_rfmmodel"
CAMPAIGNS_SHOWN = 50
KEPT_SECONDS, LONG_SECONDS = 600, 0.5
COHORT_MONTHS = (12, 24, 36)
LIFE = ("new_buyers", "retained", "resurrecting", "dormant", "churn_rate", "net_retention_rate")


class FiguresPage(ChartsPage, UnfoldModelAdminViewMixin, TemplateView):
    """A page about a period, a part of the business and a segment; `empty` before the first order."""

    permission_required = PERMISSION
    usual = Preset.DAYS_365
    usual_grain: Grain | None = Grain.MONTH

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        until = last_day_with_figures()
        part = ChosenPart.from_query(self.request.GET)
        period = ChosenPeriod.from_query(
            self.request.GET,
            until=until or timezone.localdate(),
            usual=self.usual,
            usual_grain=self.usual_grain,
        )
        context = {"period": period, "part": part, "empty": until is None}
        if until is not None:
            context |= self.figures(period, part)
        # These pages are about the business, and no model's: there is none to lead back to.
        nowhere = {"opts": None, "model_admin": None, "content_title": self.title}
        return super().get_context_data(**kwargs, **context) | nowhere

    def figures(self, period: ChosenPeriod, part: ChosenPart) -> dict[str, Any]:
        raise NotImplementedError


class KeyFiguresView(FiguresPage):
    """The strip, the chart of one metric, and the table of all."""

    title = gettext_lazy("Key figures")
    template_name = "analytics/key_figures.html"

    def figures(self, period: ChosenPeriod, part: ChosenPart) -> dict[str, Any]:
        metrics = figures.metrics_for(part)
        metric = METRICS.get(self.request.GET.get("metric", ""), metrics[0])
        metric = metric if metric in metrics else metrics[0]
        counted = [each for each in metrics if not each.costly or each == metric]
        _windows, values = figures.period_values(counted, period, part)
        return {
            "metric": metric,
            "metrics": metrics,
            "strip": figures.strip(period, part),
            "chart": figures.metric_chart(metric, period, part, values[metric.code]),
            "table": figures.metric_table(counted, period, values),
        }


class LifecycleView(FiguresPage):
    """How customers come, stay, go quiet and come back."""

    title = gettext_lazy("Lifecycle")
    template_name = "analytics/lifecycle.html"

    def figures(self, period: ChosenPeriod, part: ChosenPart) -> dict[str, Any]:
        metrics = [
            METRICS[code] for code in (*LIFE[:4], "retention_rate", "net_retention_rate", "churn_rate")
        ]
        _windows, values = figures.period_values(metrics, period, part)
        return {
            "strip": figures.strip(period, part, LIFE),
            "chart": figures.lifecycle_chart(period, values),
            "retention": figures.retention_chart(period, values),
            "funnel": figures.lifecycle_funnel(part),
            "table": figures.metric_table(metrics, period, values),
        }


class CohortsView(FiguresPage):
    """Customers by the month of their first order, and what came of them since."""

    title = gettext_lazy("Cohorts")
    template_name = "analytics/cohorts.html"

    def figures(self, period: ChosenPeriod, part: ChosenPart) -> dict[str, Any]:
        months, measure = self._months(), self.request.GET.get("measure", "")
        measure = measure if measure in figures.MEASURES else "rates"
        cohorts = monthly_cohorts(months, until=period.end, scope=part.scope, segment=part.segment)
        return {
            "cohorts": cohorts,
            "months": months,
            "choices": [(each, period.url(months=str(each))) for each in COHORT_MONTHS],
            "measure": measure,
            "measures": [
                ("rates", gettext_lazy("Bought"), period.url(measure="rates")),
                ("orders_each", gettext_lazy("Orders each"), period.url(measure="orders_each")),
                ("spent_each", gettext_lazy("Spent each"), period.url(measure="spent_each")),
            ],
            "chart": figures.cohort_chart(cohorts, measure),
            "curve": figures.cohort_curve(cohorts),
        }

    def _months(self) -> int:
        value = self.request.GET.get("months", "")
        return int(value) if value in map(str, COHORT_MONTHS) else COHORT_MONTHS[0]


class CampaignEffectsView(FiguresPage):
    """Lift of every campaign that held people out by lot."""

    title = gettext_lazy("Effect of campaigns")
    template_name = "analytics/campaign_effects.html"
    permission_required = (PERMISSION, "campaigns.view_campaign")

    def figures(self, period: ChosenPeriod, part: ChosenPart) -> dict[str, Any]:
        between = (first_instant(period.window.start), first_instant(period.window.end))
        taken = CampaignRun.objects.filter(
            planned_at__gte=between[0], planned_at__lt=between[1], version__holdout_percent__gt=0
        )
        campaigns = Campaign.objects.filter(pk__in=taken.values("campaign")).order_by("-pk")
        (lifts,) = self._lifts(list(campaigns[:CAMPAIGNS_SHOWN]), between)
        return {"lifts": lifts, **(campaign_effects(lifts) if lifts else {})}

    def _lifts(self, campaigns: list[Campaign], between: Span) -> list[list[CampaignLift]]:
        """Of campaigns so large that counting them takes a while, ten minutes late at most."""
        key = ",".join([*(str(campaign.pk) for campaign in campaigns), *(f"{at:%s}" for at in between)])
        return counted_lately(
            f"effects:{hashlib.sha256(key.encode()).hexdigest()}",
            lambda: lifts_of_campaigns(campaigns, [between]),
            seconds=KEPT_SECONDS,
            slower_than=LONG_SECONDS,
        )


def figure_urls(model_admin: ModelAdmin) -> list[URLPattern]:
    """Return the addresses of these pages, wrapped as pages of the console."""
    wrap = model_admin.admin_site.admin_view
    pages = {
        "key-figures/": (KeyFiguresView, "analytics_key_figures"),
        "lifecycle/": (LifecycleView, "analytics_lifecycle"),
        "effects/": (CampaignEffectsView, "analytics_campaign_effects"),
        "cohorts/": (CohortsView, "analytics_cohorts"),
    }
    return [
        path(address, wrap(view.as_view(model_admin=model_admin)), name=name)
        for address, (view, name) in pages.items()
    ]
