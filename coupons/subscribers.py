"""What incentives do when orders are told of; each is idempotent."""

from coupons import services
from customers.models import Event, Order, Return


def link_order(event: Event) -> None:
    """Tie the redemptions spent on an order to it."""
    services.link_order(_order(event))


def roll_back_order(event: Event) -> None:
    """Undo what was spent on an order that was cancelled."""
    services.roll_back_order(_order(event), reason="order cancelled", at=event.occurred_at)


def link_return(event: Event) -> None:
    """Tie what was returned of redemptions to the order's return of the same id, unless that was undone."""
    told = Return.objects.select_related("order__source").filter(pk=event.payload.get("return")).first()
    if told is not None:
        services.link_return(told)


def take_back_gift_cards(event: Event) -> None:
    """Switch off the gift cards that were sold in an order whose money went back."""
    services.take_back_gift_cards(_order(event), at=event.occurred_at)


def _order(event: Event) -> Order:
    return Order.objects.select_related("source").get(pk=event.payload["order"])
