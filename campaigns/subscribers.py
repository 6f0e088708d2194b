"""What campaigns does when something happens elsewhere; named in settings.EVENT_SUBSCRIBERS."""

from django.utils import timezone

from campaigns.models import Message
from campaigns.services import hear_event, send_confirmation, send_gift_card, send_publication
from campaigns.services.breaker import watch_run
from campaigns.services.journey_events import hear_on_the_way
from campaigns.services.listening import is_listened_to
from coupons.models import GiftCard, Publication
from customers.models import ConsentRecord, Event, Purpose
from customers.models.consent import ConsentState
from customers.services.events import only_if


def _goes_through_a_channel(event: Event) -> bool:
    return bool(event.payload.get("channel"))


# A campaign publishes a coupon with each of its mails, without a channel: those are nothing to be delivered.
@only_if(_goes_through_a_channel)
def deliver_published_coupon(event: Event) -> None:
    """Send a coupon that was published through a channel to its holder, at once."""
    found = Publication.objects.select_related("coupon", "customer")
    publication = found.get(pk=event.payload["publication"])
    purpose = event.payload.get("purpose", Purpose.MARKETING)
    send_publication(publication, purpose=purpose, at=event.occurred_at)


@only_if(_goes_through_a_channel)
def deliver_gift_card(event: Event) -> None:
    """Send the code of a gift card to its holder, at once."""
    card = GiftCard.objects.whole().filter(pk=event.payload["gift_card"]).first()
    if card is not None:
        send_gift_card(card, at=event.occurred_at)


def _waits_for_confirmation(event: Event) -> bool:
    return event.payload.get("state") == ConsentState.PENDING


@only_if(_waits_for_confirmation)
def ask_for_confirmation(event: Event) -> None:
    """Send the owner of an address the link that confirms a consent (double opt-in)."""
    record = ConsentRecord.objects.select_related("customer").get(pk=event.external_id.partition(":")[2])
    send_confirmation(record, at=event.occurred_at)


def _is_waited_for(event: Event) -> bool:
    return event.customer_id is not None and is_listened_to(event.type)


@only_if(_is_waited_for)
def start_on_event(event: Event) -> None:
    """Let the campaigns that wait for this kind of event have the person's turn; end waits and journeys."""
    at = timezone.now()
    hear_on_the_way(event, at=at)
    hear_event(event, at=at)


def watch_harm(event: Event) -> None:
    """Look at the run of a message that bounced or was complained about: it may have to pause."""
    message = Message.objects.select_related("run").filter(pk=event.payload["message"]).first()
    if message is not None and message.run is not None:
        watch_run(message.run, at=timezone.now())
