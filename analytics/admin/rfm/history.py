"""A model over time: how large its segments were, what a score took, and its runs."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from analytics.admin.rfm.page import RfmModelPage
from analytics.rfm_history import history_of


class RfmHistoryView(RfmModelPage):
    title = _("History of the model")
    template_name = "analytics/rfm_history.html"
    tab = "analytics_rfm_history"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        history = history_of(self.model) if self.model else None
        return super().get_context_data(**kwargs, **(vars(history) if history else {}), history=history)
