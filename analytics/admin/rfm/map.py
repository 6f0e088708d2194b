"""The map of one model's last run."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from analytics.admin.rfm.page import RfmModelPage
from analytics.model_words import orders_in_words
from analytics.models import RfmRun
from analytics.rfm_map import RUNS_SHOWN, rfm_map

# What the colour of a cell tells.
COLOURS = {
    "customers": _("Customers"),
    "segment": _("Segment"),
    "value": _("Average value"),
    "money": _("M score"),
}


class RfmMapView(RfmModelPage):
    """The grid of recency by frequency, what a score takes, and the segments with what to do."""

    title = _("RFM map")
    template_name = "analytics/rfm_map.html"
    tab = "analytics_rfm_model_map"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        runs = list(self.model.runs.select_related("job")[:RUNS_SHOWN]) if self.model else []
        waiting = next((run for run in runs if run.status == RfmRun.Status.RUNNING), None)
        asked = self.request.GET.get("colour", "")
        colour = asked if asked in COLOURS else "customers"
        context = {
            "runs": runs,
            "waiting": waiting,
            "colour": colour,
            "colours": [(code, label, code == colour) for code, label in COLOURS.items()],
            "orders_words": orders_in_words(self.model) if self.model else "",
        }
        if self.last_run:
            context |= rfm_map(self.model, self.last_run, user=self.request.user)
        return super().get_context_data(**kwargs, **context)
