"""Messages about the member's page. What writes them is above us (settings.MEMBER_MAILER)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.utils.module_loading import import_string

from customers.models import Channel, Customer, Identity, Namespace, Source
from customers.services.references import survivor
from loyalty.services.member_links import link_generation

# What was asked for in one such stretch of time is one message, however often it is asked for.
ONE_PER = timedelta(minutes=10)
GOOD_FOR = timedelta(days=1)


class MemberMail(StrEnum):
    """What a message brings: the link to the page, or the button that completes joining."""

    LINK = "member_link"
    JOIN = "member_join"


@dataclass(frozen=True)
class Letter:
    """A message to one person at one address; `reference` is what it is about, once for each kind."""

    kind: MemberMail
    customer: Customer
    channel: str
    address: str
    reference: str
    expires_at: datetime


def send_member_link(customer: Customer, *, at: datetime) -> bool:
    """Send somebody the link to their page, by e-mail or else by SMS; return whether there is an address.

    Asked for again within ten minutes it is the same message, unless links were revoked meanwhile.
    """
    customer = survivor(customer)
    for channel, namespace in ((Channel.EMAIL, Namespace.EMAIL), (Channel.SMS, Namespace.PHONE)):
        known = Identity.objects.filter(customer=customer, namespace=namespace)
        known = known.exclude(source__kind__in=Source.STRANGERS)
        if channel == Channel.SMS and not settings.SMS_URL:
            continue
        address = known.order_by("shared", "-pk").values_list("value", flat=True).first()
        if address:
            _send_link(customer, channel, address, at=at)
            return True
    return False


def identity_of_address(address: str) -> int | None:
    """Return the key under which one customer alone has this e-mail address (normalised); None for none."""
    held = Identity.objects.filter(namespace=Namespace.EMAIL, value=address, shared=False)
    return held.values_list("pk", flat=True).first()


def send_link_to(identity_id: int, *, at: datetime) -> bool:
    """Send the link to the customer who has this address, to it; return whether there still is one.

    Whoever asked must not be told.
    """
    held = Identity.objects.filter(pk=identity_id, namespace=Namespace.EMAIL, shared=False)
    identity = held.select_related("customer__merged_into").first()
    if identity is None:
        return False
    customer = survivor(identity.customer)
    if customer.status == Customer.Status.ERASED or customer.restricted_at is not None:
        return False
    _send_link(customer, Channel.EMAIL, identity.value, at=at)
    return True


def _send_link(customer: Customer, channel: str, address: str, *, at: datetime) -> None:
    stretch = int(at.timestamp() // ONE_PER.total_seconds())
    # What was sent before links were revoked brings one of those: it does not stand for a new one.
    reference = f"{customer.pk}:{link_generation(customer.pk)}:{stretch}"
    send(Letter(MemberMail.LINK, customer, channel, address, reference, expires_at=at + GOOD_FOR), at=at)


def send(letter: Letter, *, at: datetime) -> None:
    """Hand a letter to what writes messages, in the caller's transaction."""
    import_string(settings.MEMBER_MAILER)(letter, at=at)
