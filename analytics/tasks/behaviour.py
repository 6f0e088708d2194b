"""The nightly predictions of what people do next."""

from celery import shared_task

from analytics.services.behaviour_jobs import queue_nightly_behaviour


@shared_task(name="analytics.tasks.predict_behaviour")
def predict_behaviour() -> None:
    """Promise tonight's predictions; once a week a back-test chooses the model before."""
    queue_nightly_behaviour()
