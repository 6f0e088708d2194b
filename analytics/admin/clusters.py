"""Cluster models in the console: written down, run by a button, compared, and named."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from unfold.admin import ModelAdmin
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from analytics.cluster_pages import comparison
from analytics.clusters.grouping import is_installed
from analytics.models import ClusterModel
from analytics.services.clusters import (
    create_cluster_model,
    edit_cluster_model,
    name_cluster,
    queue_cluster_run,
)
from operations.errors import FidelioError
from operations.figure_files import ChartsPage

RUNS_SHOWN = 10


class ClustersView(UnfoldModelAdminViewMixin, ChartsPage, TemplateView):
    """The clusters of one model's last run; without a number in the address, of the first model."""

    title = gettext_lazy("Clusters")
    permission_required = "analytics.view_clustermodel"
    template_name = "analytics/clusters.html"

    @cached_property
    def models(self) -> list[ClusterModel]:
        return list(ClusterModel.objects.all())

    @cached_property
    def model(self) -> ClusterModel | None:
        if "pk" in self.kwargs:
            return get_object_or_404(ClusterModel, pk=self.kwargs["pk"])
        return self.models[0] if self.models else None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = {"models": self.models, "model": self.model, "installed": is_installed()}
        if self.model:
            runs = list(self.model.runs.select_related("job")[:RUNS_SHOWN])
            run = self.model.last_run()
            context |= {
                "runs": runs,
                "run": run,
                "waiting": self.model.runs.under_way().select_related("job").first(),
                "failed": runs[0] if runs and runs[0].status == "FAILED" else None,
            }
            if run:
                run.model = self.model
                context |= comparison(run, user=self.request.user)
        return super().get_context_data(**kwargs, **context)


class ClusterModelForm(forms.ModelForm):
    features = forms.MultipleChoiceField(
        label=gettext_lazy("Compared by"),
        choices=ClusterModel.Feature.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy(
            "At least two. What was not measured of most customers yet is left out of a run."
        ),
    )

    class Meta:
        model = ClusterModel
        fields = ["name", "code", "features", "method", "clusters", "schedule"]


@admin.register(ClusterModel)
class ClusterModelAdmin(ModelAdmin):
    """Any number of models; each has its page and its run."""

    form = ClusterModelForm
    list_display = ["name", "code", "method", "clusters", "schedule"]
    fieldsets = [
        (None, {"fields": [("name", "code")]}),
        (gettext_lazy("How customers are compared"), {"fields": ["features", "method", "clusters"]}),
        (gettext_lazy("When"), {"fields": ["schedule"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        view = wrap(ClustersView.as_view(model_admin=self))
        return [
            path("map/", view, name="analytics_clusters"),
            path("<int:pk>/map/", view, name="analytics_cluster_map"),
            path("<int:pk>/run/", wrap(require_POST(self.run_now)), name="analytics_cluster_run"),
            path(
                "<int:pk>/names/<slug:cluster>/", wrap(require_POST(self.name)), name="analytics_cluster_name"
            ),
            *super().get_urls(),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: ClusterModel | None = None) -> list[str]:
        return ["code"] if obj else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: ClusterModel | None = None) -> dict:
        return {} if obj else {"code": ["name"]}

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        features = ClusterModel.Feature
        return {"features": [features.RECENCY, features.FREQUENCY, features.MONETARY]}

    def has_delete_permission(self, request: HttpRequest, obj: ClusterModel | None = None) -> bool:
        return False  # Its segments may stand in campaigns; a model nobody needs is taken off the clock.

    def save_model(
        self, request: HttpRequest, obj: ClusterModel, form: ClusterModelForm, change: bool
    ) -> None:
        if change:
            edit_cluster_model(obj)
        else:
            obj.pk = create_cluster_model(**form.cleaned_data).pk
            obj._state.adding = False

    def response_add(self, request: HttpRequest, obj: ClusterModel, post_url_continue: Any = None) -> Any:
        return redirect(reverse("admin:analytics_cluster_map", args=[obj.pk]))

    def response_change(self, request: HttpRequest, obj: ClusterModel) -> HttpResponse:
        return redirect(reverse("admin:analytics_cluster_map", args=[obj.pk]))

    def run_now(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Queue a run as of today and go back to the page, which shows how it goes."""
        if not request.user.has_perm("analytics.run_clustermodel"):
            raise PermissionDenied
        model = get_object_or_404(ClusterModel, pk=pk)
        try:
            queue_cluster_run(model, as_of=timezone.localdate(), owner=request.user)
        except FidelioError as error:
            messages.warning(request, error.message)
        else:
            messages.success(request, _("The run is on its way; this page shows when it is done."))
        return redirect(reverse("admin:analytics_cluster_map", args=[pk]))

    def name(self, request: HttpRequest, pk: int, cluster: str) -> HttpResponse:
        """Give a cluster a name of one's own."""
        if not request.user.has_perm("analytics.change_clustermodel"):
            raise PermissionDenied
        model = get_object_or_404(ClusterModel, pk=pk)
        try:
            name_cluster(model, cluster, name=request.POST.get("name", ""))
        except FidelioError as error:
            messages.warning(request, error.message)
        return redirect(reverse("admin:analytics_cluster_map", args=[pk]))
