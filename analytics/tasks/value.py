from celery import shared_task
from django.utils import timezone

from analytics.services.clusters import queue_due_cluster_runs
from analytics.services.value import ensure_value_model, queue_due_value_runs


@shared_task(name="analytics.tasks.predict_value")
def predict_value() -> None:
    """Queue tonight's run of the value model, as of today in the programme's time zone."""
    ensure_value_model()
    queue_due_value_runs(day=timezone.localdate())


@shared_task(name="analytics.tasks.find_clusters")
def find_clusters() -> None:
    """Queue tonight's runs of the cluster models on the clock."""
    queue_due_cluster_runs(day=timezone.localdate())
