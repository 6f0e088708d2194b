from analytics.services.cohorts import monthly_cohorts
from analytics.services.engagement import edit_engagement_rule, measure_engagement, score_engagement
from analytics.services.kpis import compare_days, kpis, revenue_series
from analytics.services.migration import segment_migration
from analytics.services.rfm import Preview, preview_rfm_model, run_rfm, run_rfm_models, shared_readings
from analytics.services.rfm_measures import (
    ContactTerms,
    choose_cut_off,
    cut_off_of,
    edit_cut_off,
    measure_outcomes,
    starting_thresholds,
)
from analytics.services.rfm_models import (
    create_rfm_model,
    draft_rfm_model,
    edit_rfm_model,
    ensure_main_model,
)
from analytics.services.rfm_queue import (
    queue_due_rfm_runs,
    queue_rfm_checks,
    queue_rfm_run,
    start_rfm_run,
    take_up_lost_runs,
)
from analytics.services.rfm_verification import verify_rfm_model
from analytics.services.segment_maps import (
    copy_segment_map,
    create_segment_map,
    delete_segment_map,
    edit_segment_map,
)

__all__ = [
    "ContactTerms",
    "Preview",
    "choose_cut_off",
    "compare_days",
    "copy_segment_map",
    "create_rfm_model",
    "create_segment_map",
    "cut_off_of",
    "delete_segment_map",
    "draft_rfm_model",
    "edit_cut_off",
    "edit_engagement_rule",
    "edit_rfm_model",
    "edit_segment_map",
    "ensure_main_model",
    "kpis",
    "measure_engagement",
    "measure_outcomes",
    "monthly_cohorts",
    "preview_rfm_model",
    "queue_due_rfm_runs",
    "queue_rfm_checks",
    "queue_rfm_run",
    "revenue_series",
    "run_rfm",
    "run_rfm_models",
    "score_engagement",
    "segment_migration",
    "shared_readings",
    "start_rfm_run",
    "starting_thresholds",
    "take_up_lost_runs",
    "verify_rfm_model",
]
