"""What campaigns does when something happens elsewhere; named in settings.EVENT_SUBSCRIBERS."""

from campaigns.services import send_publication
from coupons.models import Publication
from customers.models import Event, Purpose


def deliver_published_coupon(event: Event) -> None:
    """Send a coupon that was published through a channel to its holder, at once."""
    if not event.payload.get("channel"):
        return
    publication = Publication.objects.select_related("coupon", "customer").get(
        pk=event.payload["publication"]
    )
    purpose = event.payload.get("purpose", Purpose.MARKETING)
    send_publication(publication, purpose=purpose, at=event.occurred_at)
