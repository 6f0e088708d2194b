"""What the pages of one RFM model share: which model, the tabs between its pages, files of its figures."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from unfold.views import UnfoldModelAdminViewMixin

from analytics.models import RfmModel, RfmRun
from operations.figure_files import ChartsPage

SEES = "analytics.view_rfmmodel"


@dataclass(frozen=True)
class Tab:
    """One of a model's pages."""

    name: str
    label: str | Promise

    def url(self, model: RfmModel) -> str:
        return reverse(f"admin:{self.name}", args=[model.pk])


TABS = (
    Tab("analytics_rfm_model_map", _("Map")),
    Tab("analytics_rfm_moves", _("Moves")),
    Tab("analytics_rfm_history", _("History")),
    Tab("analytics_rfm_cut_off", _("Whom it pays to contact")),
    Tab("analytics_rfm_engagement", _("Engagement")),
    Tab("analytics_rfmmodel_change", _("Settings")),
)


class RfmModelPage(UnfoldModelAdminViewMixin, ChartsPage, TemplateView):
    """A page about one model; without a number in the address, about the main one."""

    permission_required = SEES
    # The tab that this page is.
    tab = ""

    @cached_property
    def models(self) -> list[RfmModel]:
        return list(RfmModel.objects.all())

    @cached_property
    def model(self) -> RfmModel | None:
        if "pk" in self.kwargs:
            return get_object_or_404(RfmModel, pk=self.kwargs["pk"])
        return self.models[0] if self.models else None

    @cached_property
    def last_run(self) -> RfmRun | None:
        run = self.model.last_run() if self.model else None
        if run:
            run.model = self.model
        return run

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            models=[(one, self._here(one), one == self.model) for one in self.models],
            model=self.model,
            run=self.last_run,
            tabs=[(tab.label, tab.url(self.model), tab.name == self.tab) for tab in TABS]
            if self.model
            else [],
            **kwargs,
        )

    def _here(self, model: RfmModel) -> str:
        return reverse(f"admin:{self.tab}", args=[model.pk])
