from celery import shared_task
from django.utils import timezone

from operations import services


@shared_task(name="operations.tasks.forget_answers")
def forget_answers() -> None:
    """Delete the answers under Idempotency-Keys that nobody will repeat any more."""
    services.forget_answers(at=timezone.now())
