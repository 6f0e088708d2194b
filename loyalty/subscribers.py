"""What loyalty does when it hears of an event; each is called at least once and works once."""

from customers.models import Event, Order
from loyalty import services


def earn_on_order(event: Event) -> None:
    """A paid order earns points."""
    services.earn_points(_order(event), event=event, at=event.occurred_at)


def claw_back_on_return(event: Event) -> None:
    """What came back, or an order that was cancelled, loses the points it had earned."""
    services.claw_back_points(_order(event), at=event.occurred_at)


def _order(event: Event) -> Order:
    return Order.objects.select_related("customer", "sales_channel", "store").get(pk=event.payload["order"])
