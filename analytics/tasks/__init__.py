"""What workers and the clock do in analytics, one module per topic."""

from analytics.tasks.behaviour import predict_behaviour
from analytics.tasks.days import keep_days
from analytics.tasks.engagement import measure_cut_offs, measure_engagement
from analytics.tasks.objectives import check_objectives
from analytics.tasks.rfm import check_rfm_models, keep_rfm_runs, score_rfm_model, score_rfm_models
from analytics.tasks.value import find_clusters, predict_value

__all__ = [
    "check_objectives",
    "check_rfm_models",
    "find_clusters",
    "keep_days",
    "keep_rfm_runs",
    "measure_cut_offs",
    "measure_engagement",
    "predict_behaviour",
    "predict_value",
    "score_rfm_model",
    "score_rfm_models",
]
