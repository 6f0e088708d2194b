"""A model over time: how large its segments were, what a score took, and its runs."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.admin.rfm.page import RfmModelPage
from analytics.choices import ChosenPeriod, Preset
from analytics.periods import Grain, shift
from analytics.rfm_history import MONTHS_SHOWN, history_of


class RfmHistoryView(RfmModelPage):
    title = _("History of the model")
    template_name = "analytics/rfm_history.html"
    tab = "analytics_rfm_history"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        period = self._period()
        history = history_of(self.model, start=period.start, end=period.end) if self.model else None
        return super().get_context_data(
            **kwargs, **(vars(history) if history else {}), history=history, period=period
        )

    def _period(self) -> ChosenPeriod:
        """Return the months that were asked for: the last two years, unless both days or one are given."""
        today, query = timezone.localdate(), self.request.GET.copy()
        if not query.get("from"):
            query["from"] = f"{shift(today.replace(day=1), Grain.MONTH, 1 - MONTHS_SHOWN):%Y-%m-%d}"
        query["period"] = Preset.OWN
        return ChosenPeriod.from_query(query, until=today)
