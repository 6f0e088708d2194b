"""RFM models in the console: written down, run by a button, and shown as a map."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from analytics import services
from analytics.admin.figures import figure_urls
from analytics.admin.rfm.history import RfmHistoryView
from analytics.admin.rfm.map import RfmMapView
from analytics.admin.rfm.moves import RfmMovesView
from analytics.models import RfmModel, RfmRun
from operations import formats
from operations.errors import FidelioError


@admin.register(RfmModel)
class RfmModelAdmin(ModelAdmin):
    """Any number of models; each has its map and its nightly run."""

    list_display = ["name", "code", "window", "recency", "schedule", "last_scored", "customers", "map_link"]
    list_per_page = 25
    search_fields = ["name", "code"]
    fieldsets = [
        (None, {"fields": [("name", "code"), ("schedule", "minimum_population")]}),
        (
            gettext_lazy("What counts"),
            {"fields": [("scope", "scope_value"), ("window_days", "season"), "monetary"]},
        ),
        (
            gettext_lazy("How it is scored"),
            {
                "fields": [
                    ("recency", "cycle_days", "tolerance_days"),
                    "binning",
                    "thresholds",
                    "weights",
                    "segment_map",
                    ("commit_after_runs", "commit_jump"),
                ]
            },
        ),
    ]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        map_view = wrap(RfmMapView.as_view(model_admin=self))
        moves, history = (wrap(view.as_view(model_admin=self)) for view in (RfmMovesView, RfmHistoryView))
        return [
            *figure_urls(self),
            path("map/", map_view, name="analytics_rfm_map"),
            path("<int:pk>/map/", map_view, name="analytics_rfm_model_map"),
            path("<int:pk>/moves/", moves, name="analytics_rfm_moves"),
            path("<int:pk>/over-time/", history, name="analytics_rfm_history"),
            path("<int:pk>/run/", wrap(require_POST(self.run_now)), name="analytics_rfm_run"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RfmModel]:
        last = RfmRun.objects.done().filter(model=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                scored_on=Subquery(last.values("as_of")[:1]), scored=Subquery(last.values("population")[:1])
            )
        )

    def get_readonly_fields(self, request: HttpRequest, obj: RfmModel | None = None) -> list[str]:
        return ["code"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: RfmModel | None = None) -> bool:
        return False  # Its segments may stand in campaigns; a model nobody needs is taken off the clock.

    def get_prepopulated_fields(self, request: HttpRequest, obj: RfmModel | None = None) -> dict:
        return {} if obj else {"code": ["name"]}

    def save_model(self, request: HttpRequest, obj: RfmModel, form: ModelForm, change: bool) -> None:
        if change:
            services.edit_rfm_model(obj)
        else:
            obj.pk = services.create_rfm_model(**form.cleaned_data).pk
            obj._state.adding = False

    def run_now(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Queue a run as of today and go back to the map, which shows how it goes."""
        if not request.user.has_perm("analytics.run_rfmmodel"):
            raise PermissionDenied
        model = get_object_or_404(RfmModel, pk=pk)
        try:
            services.queue_rfm_run(model, as_of=timezone.localdate(), owner=request.user)
        except FidelioError as error:
            messages.warning(request, error.message)
        else:
            messages.success(request, _("The run is on its way; this page shows when it is done."))
        return redirect(reverse("admin:analytics_rfm_model_map", args=[pk]))

    @admin.display(description=gettext_lazy("window"))
    def window(self, model: RfmModel) -> str:
        if model.window_days is None:
            return _("all time")
        return _("%(days)s days") % {"days": formats.number(model.window_days)}

    @admin.display(description=gettext_lazy("last scored"))
    def last_scored(self, model: RfmModel) -> str:
        return formats.day(model.scored_on)

    @admin.display(description=gettext_lazy("customers"))
    def customers(self, model: RfmModel) -> str:
        return formats.number(model.scored)

    @admin.display(description=gettext_lazy("map"))
    def map_link(self, model: RfmModel) -> SafeString:
        url = reverse("admin:analytics_rfm_model_map", args=[model.pk])
        return format_html('<a class="fi-link" href="{}">{}</a>', url, _("Open the map"))
