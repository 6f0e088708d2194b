"""The map of one model's last run."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from analytics.admin.rfm.page import RfmModelPage
from analytics.models import RfmRun
from analytics.rfm_map import RUNS_SHOWN, rfm_map


class RfmMapView(RfmModelPage):
    """The grid of recency by frequency, what a score takes, and the segments with what to do."""

    title = _("RFM map")
    template_name = "analytics/rfm_map.html"
    tab = "analytics_rfm_model_map"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        runs = list(self.model.runs.select_related("job")[:RUNS_SHOWN]) if self.model else []
        waiting = next((run for run in runs if run.status == RfmRun.Status.RUNNING), None)
        context = {"runs": runs, "waiting": waiting, "by_value": self.request.GET.get("colour") == "value"}
        if self.last_run:
            context |= rfm_map(self.model, self.last_run, user=self.request.user)
        return super().get_context_data(**kwargs, **context)
