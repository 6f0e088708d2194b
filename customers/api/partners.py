"""What a partner of the coalition reaches: whom its own source knows, and what it told itself.

The merchant's own clients share everything; for a partner, all else does not exist.
"""

from typing import Any

from customers import services
from customers.errors import CustomerErased, CustomerNotFound
from customers.models import Customer, Source, SourceProfile
from customers.models.customer import CustomerQuerySet
from customers.services.leaving import LEFT
from customers.services.references import key_of, known_customers
from operations.errors import InvalidInput
from operations.models import ApiClient


def reachable(client: ApiClient, customers: CustomerQuerySet) -> CustomerQuerySet:
    """Return those of the customers whom this client may see."""
    if not client.partner_source:
        return customers
    known = SourceProfile.objects.filter(source__code=client.partner_source).exclude(
        external_id__startswith=LEFT
    )
    return customers.filter(pk__in=known.values("customer"))


def find_reachable(client: ApiClient, reference: dict[str, str]) -> Customer:
    """Return the customer under a reference, whom this client may see.

    Raises what find_customer does; CustomerNotFound for whoever is out of the client's reach.
    """
    if not client.partner_source:
        return services.find_customer(reference)
    key = key_of(reference)
    customer = known_customers([key]).get(key)
    if customer is None or not reachable(client, Customer.objects.filter(pk=customer.pk)).exists():
        raise CustomerNotFound
    if customer.status == Customer.Status.ERASED:
        raise CustomerErased
    return customer


def admit(client: ApiClient, item: dict[str, Any]) -> None:
    """Let a partner tell of its own source alone, and of people by its own numbers.

    Raises InvalidInput at the place that names anybody else's.
    """
    if not client.partner_source:
        return
    if item.get("source") != client.partner_source:
        raise InvalidInput.at("/source", "A partner tells of its own source alone.")
    code = client.partner_source
    Source.objects.get_or_create(code=code, defaults={"name": code, "kind": Source.Kind.PARTNER})
    for place in ("email", "identity", "visitor"):
        if "source_id" not in item and item.get(place):
            raise InvalidInput.at(f"/{place}", "A partner names people by its own numbers.")
    reference = item.get("customer") or {}
    if "id" in reference:
        find_reachable(client, reference)
    elif reference and reference.get("source") != client.partner_source:
        raise InvalidInput.at("/customer", "A partner names people by its own numbers.")
