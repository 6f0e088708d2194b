"""Checking objectives, every morning after the night's figures are in."""

from celery import shared_task
from django.utils import timezone

from analytics.services import objectives


@shared_task(name="analytics.tasks.check_objectives")
def check_objectives() -> None:
    """Check every objective under way as of yesterday; what fell behind opens a corrective action."""
    objectives.check_objectives(at=timezone.now())
