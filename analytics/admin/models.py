"""RFM models in the console: the list, and every model's pages."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from analytics import services
from analytics.admin.figures import figure_urls
from analytics.admin.rfm.cut_off import ChooseCutOffView, MeasureOutcomesView, RfmCutOffView
from analytics.admin.rfm.editing import (
    EditRfmModelView,
    NewRfmModelView,
    PreviewView,
    SuggestView,
    ThresholdsView,
)
from analytics.admin.rfm.engagement import RfmEngagementView
from analytics.admin.rfm.history import RfmHistoryView
from analytics.admin.rfm.listing import RfmModelsView
from analytics.admin.rfm.making import MakeSegmentView
from analytics.admin.rfm.map import RfmMapView
from analytics.admin.rfm.moves import RfmMovesView
from analytics.models import RfmModel
from operations.errors import FidelioError

PAGES: list[tuple[str, type, str]] = [
    ("", RfmModelsView, "rfmmodel_changelist"),
    ("add/", NewRfmModelView, "rfmmodel_add"),
    ("preview/", PreviewView, "rfm_preview"),
    ("thresholds/", ThresholdsView, "rfm_thresholds"),
    ("suggest/<str:kind>/", SuggestView, "rfm_suggest"),
    ("map/", RfmMapView, "rfm_map"),
    ("<int:pk>/change/", EditRfmModelView, "rfmmodel_change"),
    ("<int:pk>/map/", RfmMapView, "rfm_model_map"),
    ("<int:pk>/moves/", RfmMovesView, "rfm_moves"),
    ("<int:pk>/over-time/", RfmHistoryView, "rfm_history"),
    ("<int:pk>/cut-off/", RfmCutOffView, "rfm_cut_off"),
    ("<int:pk>/cut-off/measure/", MeasureOutcomesView, "rfm_measure"),
    ("<int:pk>/cut-off/choose/", ChooseCutOffView, "rfm_choose"),
    ("<int:pk>/engagement/", RfmEngagementView, "rfm_engagement"),
    ("<int:pk>/segment/", MakeSegmentView, "rfm_make_segment"),
]


@admin.register(RfmModel)
class RfmModelAdmin(ModelAdmin):
    """Any number of models; each has its pages and its nightly run."""

    search_fields = ["name", "code"]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            *figure_urls(self),
            *(
                path(address, wrap(view.as_view(model_admin=self)), name=f"analytics_{name}")
                for address, view, name in PAGES
            ),
            path("<int:pk>/run/", wrap(require_POST(self.run_now)), name="analytics_rfm_run"),
            *super().get_urls(),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: RfmModel | None = None) -> bool:
        return False  # Its segments may stand in campaigns; a model nobody needs is taken off the clock.

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
