"""What referrals do when they hear of an event; each is called at least once and works once."""

from django.utils import timezone

from customers.models import Event, Order
from referrals import services


def qualify_on_order(event: Event) -> None:
    """A friend's paid order qualifies their referral."""
    services.qualify_referral(_order(event), at=timezone.now())


def lose_on_return(event: Event) -> None:
    """An order that was cancelled or came back whole qualifies nobody any more."""
    services.lose_referral(_order(event), at=timezone.now())


def _order(event: Event) -> Order:
    return Order.objects.get(pk=event.payload["order"])
