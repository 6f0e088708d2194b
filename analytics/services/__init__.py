from analytics.services.cohorts import monthly_cohorts
from analytics.services.kpis import compare_days, kpis, revenue_series
from analytics.services.migration import segment_migration
from analytics.services.rfm import (
    create_rfm_model,
    edit_rfm_model,
    ensure_main_model,
    queue_rfm_run,
    run_rfm,
    start_rfm_run,
)

__all__ = [
    "compare_days",
    "create_rfm_model",
    "edit_rfm_model",
    "ensure_main_model",
    "kpis",
    "monthly_cohorts",
    "queue_rfm_run",
    "revenue_series",
    "run_rfm",
    "segment_migration",
    "start_rfm_run",
]
