"""Keeping days of purchases for the key figures."""

from celery import shared_task
from django.utils import timezone

from analytics.services.days import refresh_days


@shared_task(name="analytics.tasks.keep_days")
def keep_days() -> int:
    """Keep what is over and count again what changed; beat asks every few minutes."""
    return refresh_days(at=timezone.now())
