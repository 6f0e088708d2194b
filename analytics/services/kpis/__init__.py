"""Key figures: purchases, answers and coupons counted by spans of time, and what is made of them."""

from analytics.services.kpis.comparison import Comparison, compare_days, compare_windows, revenue_series
from analytics.services.kpis.ratios import average, rate
from analytics.services.kpis.table import Kpi, kpis

__all__ = [
    "Comparison",
    "Kpi",
    "average",
    "compare_days",
    "compare_windows",
    "kpis",
    "rate",
    "revenue_series",
]
