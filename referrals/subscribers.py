"""What referrals do when they hear of an event; each is called at least once and works once."""

import structlog
from django.utils import timezone

from customers.models import Event, Order, Store
from customers.services.events import only_if
from loyalty.models import Employee
from operations.errors import Refusal
from referrals import services

log = structlog.get_logger(__name__)


def qualify_on_order(event: Event) -> None:
    """A friend's paid order qualifies their referral."""
    services.qualify_referral(_order(event), at=timezone.now())


@only_if(lambda event: bool(event.payload.get("invited_with")))
def come_on_joining(event: Event) -> None:
    """Whoever joined by the page of an invitation came with its code, once their address is confirmed."""
    told = event.payload
    try:
        services.register_referral(
            told["invited_with"],
            referee={"id": str(event.customer.public_id)},
            employee=Employee.objects.filter(code=told.get("employee", "")).first(),
            store=Store.objects.filter(code=told.get("store", "")).first(),
            at=timezone.now(),
        )
    except Refusal as refusal:  # A customer already, oneself, a code that is over: nobody is told.
        log.info("joined_without_referral", key=refusal.key, event_id=event.pk)


def lose_on_return(event: Event) -> None:
    """An order that was cancelled or came back whole qualifies nobody any more."""
    services.lose_referral(_order(event), at=timezone.now())


def _order(event: Event) -> Order:
    return Order.objects.get(pk=event.payload["order"])
