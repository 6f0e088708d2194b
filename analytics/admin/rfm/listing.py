"""The list of models: what each scores, how large its segments are, when it ran and runs next."""

from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from analytics.admin.rfm.page import SEES
from analytics.model_words import binning_in_words, orders_in_words, recency_in_words
from analytics.models import RfmModel, RfmRun
from analytics.rules import RfmSegment


@dataclass(frozen=True)
class ModelRow:
    """A model in the list; `stripe` are its segments with their share of the customers."""

    model: RfmModel
    words: str
    run: RfmRun | None
    stripe: list[tuple[RfmSegment, int, float]]
    next_run: str
    url: str
    edit_url: str


class RfmModelsView(UnfoldModelAdminViewMixin, TemplateView):
    title = gettext_lazy("RFM models")
    permission_required = SEES
    template_name = "analytics/rfm_models.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        last = RfmRun.objects.done().filter(model=OuterRef("pk")).values("pk")[:1]
        models = RfmModel.objects.select_related("segment_map", "season").prefetch_related(
            "segment_map__parts__map"
        )
        models = list(models.annotate(last_run_id=Subquery(last)))
        runs = RfmRun.objects.in_bulk([model.last_run_id for model in models if model.last_run_id])
        rows = [_row(model, runs.get(model.last_run_id)) for model in models]
        return super().get_context_data(**kwargs, rows=rows)


def _row(model: RfmModel, run: RfmRun | None) -> ModelRow:
    sizes = run.segment_sizes if run else {}
    total = sum(sizes.values())
    return ModelRow(
        model=model,
        words=" ".join(
            [
                _("Counts %(orders)s.") % {"orders": orders_in_words(model)},
                recency_in_words(model),
                binning_in_words(model),
            ]
        ),
        run=run,
        stripe=[
            (segment, sizes.get(segment.code, 0), sizes.get(segment.code, 0) / total)
            for segment in model.segments.segments
            if sizes.get(segment.code)
        ],
        next_run=_next_run(model),
        url=reverse("admin:analytics_rfm_model_map", args=[model.pk]),
        edit_url=reverse("admin:analytics_rfmmodel_change", args=[model.pk]),
    )


def _next_run(model: RfmModel) -> str:
    return {
        RfmModel.Schedule.NIGHTLY: _("tonight"),
        RfmModel.Schedule.WEEKLY: _("in the night to Monday"),
        RfmModel.Schedule.MANUAL: _("when somebody starts it"),
    }[RfmModel.Schedule(model.schedule)]
