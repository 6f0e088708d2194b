from celery import shared_task
from django.utils import timezone

from coupons import services
from coupons.services import alerts


@shared_task(name="coupons.tasks.keep_promotions")
def keep_promotions() -> None:
    """Write down which promotions the clock started and ended."""
    services.move_promotions(at=timezone.now())


@shared_task(name="coupons.tasks.expire_lots")
def expire_lots() -> None:
    """Book the expiry of points; they cannot be spent from their expiry on, booked or not."""
    services.expire_lots(at=timezone.now())


@shared_task(name="coupons.tasks.anchor_ledger")
def anchor_ledger() -> None:
    """Fix the ledger in the digest of yesterday, once a day, and tell it to the world."""
    services.anchor_ledger(at=timezone.now())


@shared_task(name="coupons.tasks.wipe_codes")
def wipe_codes() -> None:
    """Forget the codes of gift cards that were on their way for a day: none is told after that anyway."""
    services.wipe_codes(at=timezone.now())


@shared_task(name="coupons.tasks.forget_reservations")
def forget_reservations() -> None:
    """Delete reservations that expired long ago; they hold nothing from their expiry on, deleted or not."""
    services.forget_reservations(at=timezone.now())
    services.forget_attempts(at=timezone.now())


@shared_task(name="coupons.tasks.refresh_apology_report")
def refresh_apology_report() -> None:
    """Look once a night at what apologies did, so that the page does not have to."""
    services.refresh_apology_report(at=timezone.now())


@shared_task(name="coupons.tasks.watch_promotions")
def watch_promotions() -> None:
    """Tell of budgets that run out and of codes that are used far more than usual."""
    alerts.watch_promotions(at=timezone.now())
