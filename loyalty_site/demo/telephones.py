"""Telephones of the demo: some people's apps take notifications, which go no further than the inbox."""

from datetime import datetime

from campaigns.models import PushSubscription
from campaigns.services import subscribe_push
from customers.models import Channel, Consent, Customer

HOW_MANY = 60
PROOF = {"demo": "Allowed notifications in the app"}


def write_telephones(*, at: datetime) -> int:
    """Let the apps of some people who allow offers by e-mail be notified; return how many new ones did."""
    kind = PushSubscription.Kind.INBOX
    if PushSubscription.objects.filter(kind=kind).exists():
        return 0
    allowing = Consent.objects.granted(Channel.EMAIL).values("customer")
    people = Customer.objects.live().filter(pk__in=allowing).order_by("pk")[:HOW_MANY]
    for customer in people:
        subscribe_push(customer, kind=kind, endpoint=f"demo {customer.public_id}", proof=PROOF, at=at)
    return len(people)
