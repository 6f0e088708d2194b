"""Behaviour in the console: what people are likely to do next, and how far to trust it."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from analytics.admin.scores import ReadOnlyAdmin
from analytics.behaviour.kinds import HORIZONS
from analytics.behaviour_pages import back_test, horizon_of, overview
from analytics.models import BehaviourModel, BehaviourRun
from analytics.services.behaviour_jobs import last_failure, queue_behaviour, waiting_job
from operations import formats
from operations.errors import FidelioError
from operations.figure_files import ChartsPage

TABS = [
    ("analytics_behaviour", gettext_lazy("What comes next")),
    ("analytics_behaviour_backtest", gettext_lazy("Back-test")),
]
MODELS_SHOWN = 10


class BehaviourPage(UnfoldModelAdminViewMixin, ChartsPage, TemplateView):
    """What both pages share."""

    title = gettext_lazy("Behaviour")
    permission_required = "analytics.view_behaviourmodel"
    tab = ""

    @cached_property
    def horizon(self) -> int:
        return horizon_of(self.request.GET.get("days"))

    @cached_property
    def run(self) -> BehaviourRun | None:
        return BehaviourRun.objects.select_related("model").first()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **kwargs,
            run=self.run,
            waiting=waiting_job(),
            failed=last_failure(),
            horizon=self.horizon,
            horizons=HORIZONS,
            tabs=[(label, reverse(f"admin:{name}"), name == self.tab) for name, label in TABS],
        )


class BehaviourView(BehaviourPage):
    template_name = "analytics/behaviour.html"
    tab = "analytics_behaviour"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = overview(self.run, horizon=self.horizon) if self.run else {}
        return super().get_context_data(**kwargs, **found)


class BackTestView(BehaviourPage):
    template_name = "analytics/behaviour_backtest.html"
    tab = "analytics_behaviour_backtest"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        models = list(BehaviourModel.objects.all()[:MODELS_SHOWN])
        found = back_test(models[0], horizon=self.horizon) if models else {}
        return super().get_context_data(**kwargs, model=models[0] if models else None, models=models, **found)


@admin.register(BehaviourModel)
class BehaviourModelAdmin(ReadOnlyAdmin):
    """Its own pages stand in place of the list."""

    list_display = ["version", "as_of", "kind", "population", "created_at"]
    list_filter = ["kind"]
    fields = [("as_of", "kind", "population"), ("first_on", "duration_ms"), "predictors", "trials"]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("next/", wrap(BehaviourView.as_view(model_admin=self)), name="analytics_behaviour"),
            path(
                "back-test/",
                wrap(BackTestView.as_view(model_admin=self)),
                name="analytics_behaviour_backtest",
            ),
            path("run/", wrap(require_POST(self.run_now)), name="analytics_behaviour_run"),
            *super().get_urls(),
        ]

    def run_now(self, request: HttpRequest) -> HttpResponse:
        """Queue the predictions as of today, with a back-test where one was asked for."""
        if not request.user.has_perm("analytics.run_behaviourmodel"):
            raise PermissionDenied
        choose = "choose" in request.POST
        try:
            queue_behaviour(as_of=timezone.localdate(), choose=choose, owner=request.user)
        except FidelioError as error:
            messages.warning(request, error.message)
        else:
            messages.success(request, _("It is on its way; this page shows when it is done."))
        return redirect("admin:analytics_behaviour_backtest" if choose else "admin:analytics_behaviour")


@admin.register(BehaviourRun)
class BehaviourRunAdmin(ReadOnlyAdmin):
    list_display = ["as_of", "model", "people", "read_anew", "carried_on", "changed_rows", "took"]
    list_select_related = ["model"]
    fields = [("as_of", "model"), ("population", "changed_rows"), ("read_anew", "carried_on"), "duration_ms"]

    @admin.display(description=gettext_lazy("people"), ordering="population")
    def people(self, run: BehaviourRun) -> str:
        return formats.number(run.population)

    @admin.display(description=gettext_lazy("took"), ordering="duration_ms")
    def took(self, run: BehaviourRun) -> str:
        return formats.number(run.duration_ms / 1000, 1) + " s"
