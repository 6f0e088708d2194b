"""What incentives do when orders are told of; each is idempotent."""

from coupons import services
from customers.models import Event, Order


def link_order(event: Event) -> None:
    """Tie the redemptions spent on an order to it."""
    services.link_order(_order(event))


def roll_back_order(event: Event) -> None:
    """Undo what was spent on an order that was cancelled."""
    services.roll_back_order(_order(event), reason="order cancelled", at=event.occurred_at)


def _order(event: Event) -> Order:
    return Order.objects.select_related("source").get(pk=event.payload["order"])
