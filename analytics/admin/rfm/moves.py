"""Who moved from which segment to which between two days."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from analytics.admin.rfm.page import RfmModelPage
from analytics.choices import ChosenPeriod, Preset
from analytics.rfm_moves import moves_between


class RfmMovesView(RfmModelPage):
    """The migration between the first and the last day of a period, as a chart, a matrix and a list."""

    title = _("Moves between segments")
    template_name = "analytics/rfm_moves.html"
    tab = "analytics_rfm_moves"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = {"moves": None}
        if self.last_run:
            until = self.last_run.as_of
            period = ChosenPeriod.from_query(self.request.GET, until=until, usual=Preset.DAYS_90)
            moves = moves_between(self.model, period.start, period.end)
            context |= {"period": period, "moves": moves, "matrix": moves.matrix, "table": moves.table}
        return super().get_context_data(**kwargs, **context)
