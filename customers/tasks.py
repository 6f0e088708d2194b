from dataclasses import asdict
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from customers import services
from customers.api.events import read_event
from customers.models import QuarantinedEvent
from customers.services import (
    confirmations,
    erasure,
    imports,
    live_segments,
    merges,
    prices,
    profiling,
    purchase_changes,
    retention,
    scopes,
)
from customers.services.quarantine import Replay
from operations.models import JobRun
from operations.services import advance_job


@shared_task(name="customers.tasks.dispatch_events")
def dispatch_events(limit: int = 200) -> None:
    """Hand waiting events to their subscribers; beat repeats it, so that a lost bell only delays."""
    if services.dispatch_events(limit=limit) == limit:
        dispatch_events.delay()


@shared_task(name="customers.tasks.maintain_partitions")
def maintain_partitions() -> None:
    """Make the months of events ahead, and drop those that retention is over for."""
    services.maintain_partitions(at=timezone.now(), keep_months=settings.EVENT_RETENTION_MONTHS)


@shared_task(name="customers.tasks.tell_abandoned_carts")
def tell_abandoned_carts() -> None:
    """Tell of the carts that were left behind; those that a run leaves over are told by the next."""
    after = timedelta(hours=settings.CART_ABANDONED_HOURS)
    services.tell_abandoned_carts(after=after, at=timezone.now())


@shared_task(name="customers.tasks.keep_scopes")
def keep_scopes() -> None:
    """Have the totals counted again that a change of the catalogue has made stale."""
    scopes.keep_scopes()


@shared_task(name="customers.tasks.move_leads")
def move_leads() -> None:
    """Prospects who did something are engaged now."""
    services.engage_leads(at=timezone.now())


def replay_quarantine(job: JobRun) -> dict[str, int]:
    """Replay all quarantined events of one reason, a batch at a time; the job says which reason."""
    waiting = QuarantinedEvent.objects.filter(reason=job.parameters["reason"])
    replay, last = Replay(), 0
    while True:
        batch, key = services.replay_events(waiting, read=read_event, at=timezone.now(), after=last)
        if key == last:
            return asdict(replay)
        replay, last = replay + batch, key
        advance_job(job, done=replay.total)


@shared_task(name="customers.tasks.sweep_merges")
def sweep_merges() -> None:
    """Give late rows of merged customers to whom they became; drop late profiles of who refused them."""
    merges.sweep_merges(at=timezone.now())
    profiling.sweep_profiles(at=timezone.now())


@shared_task(name="customers.tasks.refresh_segments")
def refresh_segments() -> None:
    """Bring every rule segment up to date; who entered and left is told to campaigns."""
    live_segments.follow_changes()
    services.refresh_segments(at=timezone.now())


@shared_task(name="customers.tasks.follow_changes")
def follow_changes() -> None:
    """Let the live segments follow what has happened."""
    while live_segments.follow_changes():
        pass


@shared_task(name="customers.tasks.sweep_segments")
def sweep_segments() -> None:
    """Refresh the live segments that only time has changed."""
    live_segments.sweep_segments(at=timezone.now())


@shared_task(name="customers.tasks.expire_consents")
def expire_consents() -> None:
    """Let consents expire that nobody confirmed in time."""
    confirmations.expire_waiting_consents(at=timezone.now())


@shared_task(name="customers.tasks.apply_retention")
def apply_retention() -> None:
    """End profiling and marketing of whom nothing was heard for as long as the programme has set.

    What a source told goes when it is kept no longer.
    """
    retention.apply_programme_retention(at=timezone.now())
    services.forget_unheard_profiles(at=timezone.now())


@shared_task(name="customers.tasks.forget_purchase_changes")
def forget_purchase_changes() -> None:
    """Delete the notes of changed purchases that everybody who follows them has read."""
    purchase_changes.forget_purchase_changes(at=timezone.now())


@shared_task(name="customers.tasks.sweep_rights")
def sweep_rights() -> None:
    """Every night: erase once more what was on its way in while somebody was erased."""
    erasure.sweep_erasures(at=timezone.now())


@shared_task(name="customers.tasks.forget_imports")
def forget_imports() -> None:
    """Delete the uploads of imports that can no longer be undone."""
    imports.forget_imports(at=timezone.now())


@shared_task(name="customers.tasks.find_duplicates")
def find_duplicates() -> None:
    """Compare who changed lately with everybody."""
    services.find_duplicates(at=timezone.now())


@shared_task(name="customers.tasks.compare_everybody")
def compare_everybody() -> None:
    """Compare everybody with everybody, and count how rare each last name is."""
    services.find_duplicates(at=timezone.now(), whole=True)


@shared_task(name="customers.tasks.form_households")
def form_households() -> None:
    """Put people who share an address or a landline into households."""
    services.form_households(at=timezone.now())


@shared_task(name="customers.tasks.collect_prices")
def collect_prices(days: int = 2) -> None:
    """Write down what articles were sold for in the last days."""
    at = timezone.now()
    prices.collect_sold_prices(since=at - timedelta(days=days), until=at)
    prices.collect_last_prices()
