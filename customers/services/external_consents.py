"""What sources tell of people's consents."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from customers.errors import BlockedIdentity, SourceLeft
from customers.models import (
    Channel,
    Customer,
    Identity,
    Source,
)
from customers.services.consents import StatedConsent, check_consent, enter_consents
from customers.services.contact_points import NAMESPACES, address_of
from customers.services.references import (
    PROFILE,
    Key,
    ensure_customers,
    ensure_sources,
    find_customer,
    key_of,
    told_by_left_sources,
)
from operations.errors import FidelioError, InvalidInput
from operations.outcomes import Outcome


def record_external_consents(items: list[dict[str, Any]], *, at: datetime) -> list[Outcome]:
    """Enter what sources tell of people's consents; return for each item the state that holds now.

    An item has `customer` (a reference) or `email`, `channel, purpose, state` and may have `address, source,
    text_version, occurred_at, proof`. Somebody unknown named by e-mail becomes a prospect.
    """
    outcomes: list[Outcome | None] = []
    statements: list[StatedConsent] = []
    with transaction.atomic():
        named = [(item.get("source") or "", _person_named(item)) for item in items]
        left = told_by_left_sources(named)
        taken = [each for each, gone in zip(named, left, strict=True) if not gone]
        keys = {key for _, key in taken if key}
        sources = ensure_sources(
            {source for source, _ in taken if source} | {key.space for key in keys if key.kind == PROFILE}
        )
        # All at once, in one order: calls that name the same people in another order would deadlock.
        people = ensure_customers(keys, status=Customer.Status.PROSPECT, at=at).customers
        points = _own_points(people.values())
        for item, gone in zip(items, left, strict=True):
            try:
                if gone:
                    raise SourceLeft
                statements.append(_statement(item, sources, people, points, at=at))
                outcomes.append(None)
            except FidelioError as error:
                outcomes.append(Outcome(error=error))
        entered = iter(enter_consents(statements, at=at))
    return [outcome or next(entered) for outcome in outcomes]


def _person_named(item: dict[str, Any]) -> Key | None:
    try:
        return key_of(_reference(item))
    except (InvalidInput, BlockedIdentity):
        return None  # Said to the sender when the item's turn comes.


def _reference(item: dict[str, Any]) -> dict[str, str]:
    return item.get("customer") or {"email": item["email"]}


def _own_points(customers: Iterable[Customer]) -> dict[tuple[int, str], str]:
    """Return the latest address of each kind that customers have, by the customer's pk and the kind."""
    identities = Identity.objects.filter(
        customer__in={customer.pk for customer in customers}, namespace__in=set(NAMESPACES.values())
    )
    rows = identities.order_by("pk").values_list("customer", "namespace", "value")
    return {(pk, namespace): value for pk, namespace, value in rows}


def _statement(
    item: dict[str, Any],
    sources: dict[str, Source],
    people: dict[Key, Customer],
    points: dict[tuple[int, str], str],
    *,
    at: datetime,
) -> StatedConsent:
    try:
        customer = people.get(key_of(_reference(item)))
        if customer is None or customer.status == Customer.Status.ERASED:
            customer = find_customer(_reference(item), create_prospect=True, at=at)
    except InvalidInput as error:
        raise (error.under("/customer") if item.get("customer") else error) from error
    address = item.get("address") or (item.get("email") if item["channel"] == Channel.EMAIL else "")
    own = points.get((customer.pk, NAMESPACES.get(item["channel"])), "")
    stated = StatedConsent(
        customer=customer,
        channel=item["channel"],
        purpose=item["purpose"],
        state=item["state"],
        address=address_of(customer, item["channel"], address or own),
        occurred_at=item.get("occurred_at"),
        source=sources.get(item.get("source")),
        text_version=item.get("text_version") or "",
        proof=item.get("proof"),
    )
    check_consent(stated, at=at)
    return stated
