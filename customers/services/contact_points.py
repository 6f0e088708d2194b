"""Where somebody is written to: contact points in their normal form, and a customer's own."""

from django.conf import settings

from customers.models import Channel, Customer, Namespace, Purpose
from customers.rules import normalise_address
from operations.errors import InvalidInput

NAMESPACES = {
    Channel.EMAIL: Namespace.EMAIL,
    Channel.SMS: Namespace.PHONE,
    Channel.PHONE: Namespace.PHONE,
    Channel.PUSH: Namespace.PUSH,
}


def address_of(customer: Customer, channel: str, address: str) -> str:
    """Return the address in its normal form; without one, the customer's own. Raises InvalidInput."""
    if address:
        return normal_address(channel, address, country=str(customer.country))
    return contact_point(customer, channel)


def contact_point(customer: Customer, channel: str) -> str:
    """Return the customer's own address of a channel; post has none here, push only once a
    browser or an app subscribed.

    Raises InvalidInput when the customer has none.
    """
    namespace = NAMESPACES.get(channel)
    if namespace is None:
        return ""
    identity = customer.identities.filter(namespace=namespace).order_by("-pk").first()
    if identity is None and channel == Channel.PUSH:
        return ""
    if identity is None:
        raise InvalidInput.at("/address", "The customer has no contact point of this channel.")
    return identity.value


def normal_address(channel: str, address: str, *, country: str) -> str:
    """Return a contact point in the normal form of its channel. Raises InvalidInput."""
    try:
        return normalise_address(channel, address, country or settings.PROGRAMME_COUNTRY)
    except ValueError as error:
        raise InvalidInput.at("/address", str(error)) from error


def reachable_address(customer: Customer, channel: str, *, purpose: str = Purpose.MARKETING) -> str | None:
    """Return where the customer may be written to on a channel now, or None."""
    return (
        Customer.objects.reachable(channel, purpose)
        .filter(pk=customer.pk)
        .values_list("address", flat=True)
        .first()
    )
