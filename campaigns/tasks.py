"""The clock and the doorbells. Any of these may be lost, doubled or late: the rows say what is to be done."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from campaigns import services
from campaigns.bells import ring
from campaigns.models import Message
from campaigns.services import leaks


@shared_task(name="campaigns.tasks.plan_runs")
def plan_runs() -> None:
    """Create and plan the runs that are due, take messages from the dead, judge clicks, end what ended."""
    at = timezone.now()
    services.reap_leases(at=at)
    services.tend_runs(at=at)
    services.settle_engagements(at=at)


@shared_task(name="campaigns.tasks.plan_occasions")
def plan_occasions() -> None:
    """Turn what is due for single people into messages, as soon as it arises."""
    services.plan_due_occasions(at=timezone.now())


@shared_task(name="campaigns.tasks.move_journeys")
def move_journeys() -> None:
    """Move everybody on a journey whose step is due."""
    services.move_journeys(at=timezone.now())


@shared_task(name="campaigns.tasks.pump_bulk")
def pump_bulk() -> None:
    """Send bulk messages for at most twenty seconds; ring again while there is work."""
    if services.pump(Message.Lane.BULK, connections=settings.MESSAGE_CONNECTIONS):
        ring("pump_bulk")
    else:
        services.finish_runs(at=timezone.now())


@shared_task(name="campaigns.tasks.pump_fast")
def pump_fast() -> None:
    """Send fast messages for at most twenty seconds; ring again while there is work."""
    if services.pump(Message.Lane.FAST, connections=settings.MESSAGE_CONNECTIONS):
        ring("pump_fast")


@shared_task(name="campaigns.tasks.decide_winners")
def decide_winners() -> None:
    """Let the variant go on that won, where the time of the test is over."""
    services.decide_winners(at=timezone.now())


@shared_task(name="campaigns.tasks.watch_referrers")
def watch_referrers() -> None:
    """Tell of sites never seen before that send many people to landing pages."""
    leaks.watch_referrers(at=timezone.now())
