"""What happens to customers and to everything else, told to the webhooks of API clients."""

from django.utils import timezone

from customers.models import Event
from customers.services.events import only_if
from operations.services import webhooks


@only_if(lambda event: webhooks.is_subscribed(event.type))
def tell_webhooks(event: Event) -> None:
    """Write down who is to be told of an event; the clock makes the calls (settings.EVENT_SUBSCRIBERS)."""
    from customers.api.events import EventOut

    known = Event.objects.timeline().select_related("customer").get(pk=event.pk)
    webhooks.queue_deliveries(
        event.type,
        EventOut(known).data,
        event_id=event.pk,
        subject=str(event.customer.public_id) if event.customer else "",
        occurred_at=event.occurred_at,
        at=timezone.now(),
    )
