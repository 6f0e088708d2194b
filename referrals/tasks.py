from celery import shared_task
from django.utils import timezone

from referrals import services


@shared_task(name="referrals.tasks.reward_referrals")
def reward_referrals() -> None:
    """Give the rewards whose waiting time is over, and try again those that could not be given."""
    services.reward_referrals(at=timezone.now())
