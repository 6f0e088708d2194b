"""What became of campaigns: figures that follow from the rows, never counted along the way."""

from campaigns.results.funnel import BUYING_WINDOW, Figures, campaign_figures, run_figures

__all__ = ["BUYING_WINDOW", "Figures", "campaign_figures", "run_figures"]
