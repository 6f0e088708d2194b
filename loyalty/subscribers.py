"""What loyalty does when it hears of an event; each is called at least once and works once."""

from django.utils import timezone

from customers.models import Event, Order
from customers.services.events import only_if
from loyalty import services
from loyalty.models import Milestone
from loyalty.rules import ORDER
from loyalty.services.challenge_progress import count_event, count_order
from loyalty.services.counted_events import is_counted
from loyalty.services.listening import is_rewarded
from loyalty.services.milestones import follow_milestones
from loyalty.services.tiers import follow_tier

Metric = Milestone.Metric


def earn_on_order(event: Event) -> None:
    """A paid order earns points."""
    services.earn_points(_order(event), event=event, at=event.occurred_at)


def rise_on_order(event: Event) -> None:
    """Who has reached a higher tier with an order stands on it at once."""
    order = _order(event)
    if order.customer:
        # What counts is what there is now, however late the order was told.
        follow_tier(order.customer, at=timezone.now())


@only_if(lambda event: "order" not in event.payload and event.payload.get("points", 0) > 0)
def rise_on_points(event: Event) -> None:
    """Points that no order earned may lead to a higher tier as well."""
    if event.customer:
        follow_tier(event.customer, at=timezone.now())


def _is_rewarded(event: Event) -> bool:
    return event.customer_id is not None and event.type != ORDER and is_rewarded(event.type)


@only_if(_is_rewarded)
def earn_on_event(event: Event) -> None:
    """Something that a rule rewards happened: a review, a visit, a birthday."""
    services.earn_on_event(event, at=event.occurred_at)


def claw_back_on_return(event: Event) -> None:
    """What came back, or an order that was cancelled, loses the points it had earned."""
    services.claw_back_points(_order(event), at=event.occurred_at)


def count_order_in_challenges(event: Event) -> None:
    """An order counts in challenges as it stands now; told of a return, it is corrected."""
    count_order(_order(event), at=timezone.now())


def _is_counted(event: Event) -> bool:
    return event.customer_id is not None and is_counted(event.type)


@only_if(_is_counted)
def count_event_in_challenges(event: Event) -> None:
    """What somebody did counts in the challenges that ask for it."""
    count_event(event, at=timezone.now())


def _order(event: Event) -> Order:
    return Order.objects.select_related("customer", "sales_channel", "store").get(pk=event.payload["order"])


def reach_on_order(event: Event) -> None:
    """An order may reach milestones of orders, of what was spent, and of what it earned."""
    order = _order(event)
    if order.customer:
        follow_milestones(order.customer, [Metric.ORDERS, Metric.AMOUNT, Metric.POINTS], at=timezone.now())


@only_if(lambda event: "order" not in event.payload and event.payload.get("points", 0) > 0)
def reach_on_points(event: Event) -> None:
    """Points that no order earned may reach a milestone as well."""
    if event.customer:
        follow_milestones(event.customer, [Metric.POINTS], at=timezone.now())


@only_if(lambda event: event.store_id is not None)
def reach_on_visit(event: Event) -> None:
    """A visit to a store may reach a milestone."""
    if event.customer:
        follow_milestones(event.customer, [Metric.VISITS], at=timezone.now())
