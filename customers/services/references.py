"""From how others name a customer to the customer."""

import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from customers.errors import BlockedIdentity, CustomerErased, CustomerNotFound, SourceLeft
from customers.models import (
    BlockedValue,
    Customer,
    Event,
    Identity,
    Lead,
    Namespace,
    Source,
    SourceProfile,
)
from customers.models.customer import CustomerQuerySet
from customers.rules import (
    is_blocked_email,
    is_blocked_key,
    is_blocked_phone,
    normalise_email,
    normalise_key,
    normalise_phone,
    normalise_tax_code,
)
from customers.services.events import new_event, record_events
from customers.services.namespaces import blocked_values
from operations.errors import InvalidInput
from operations.inserts import insert_missing
from operations.locks import lock_keys

PUBLIC_ID, PROFILE = "id", "profile"


@dataclass(frozen=True, order=True)
class Key:
    """One way of naming a customer: public id, id in a source, or identity, in its normal form."""

    kind: str
    space: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.space}:{self.value}"


IDENTITY = "identity"


def key_of(reference: dict[str, str]) -> Key:
    """Return the key of a reference as the API takes it, or of `{"namespace", "value"}`.

    Raises InvalidInput for a malformed value, BlockedIdentity for one that identifies nobody.
    """
    if "id" in reference:
        return Key(PUBLIC_ID, "", _public_id(reference["id"]))
    if "source_id" in reference:
        return Key(PROFILE, reference["source"], reference["source_id"])
    if "email" in reference:
        return identity_key(Namespace.EMAIL, reference["email"], pointer="/email")
    return identity_key(reference["namespace"], reference["value"], pointer="/value")


def key_in(item: dict[str, Any], field: str) -> Key | None:
    """Return the key of the reference in an item's field, None for none; errors point into the item."""
    try:
        return key_of(item[field]) if item.get(field) else None
    except InvalidInput as error:
        raise error.under(f"/{field}") from error


def identity_key(namespace: str, value: str, *, country: str = "", pointer: str = "") -> Key:
    """Return the key of an identity in its normal form.

    `country` is where a phone number without prefix is dialled. Raises InvalidInput, BlockedIdentity.
    """
    if _BLOCKED.get(namespace, lambda text: not text.strip())(value):
        raise BlockedIdentity
    try:
        if namespace == Namespace.EMAIL:
            value = normalise_email(value)
        elif namespace == Namespace.PHONE:
            value = normalise_phone(value, country or settings.PROGRAMME_COUNTRY)
        elif namespace == Namespace.LOYALTY_CARD:
            value = normalise_key(value)
        elif namespace == Namespace.TAX_CODE:
            value = normalise_tax_code(value)
        else:
            value = value.strip()
    except ValueError as error:
        raise InvalidInput.at(pointer, str(error)) from error
    return Key(IDENTITY, namespace, value)


_BLOCKED = {
    Namespace.EMAIL: is_blocked_email,
    Namespace.PHONE: is_blocked_phone,
    Namespace.LOYALTY_CARD: is_blocked_key,
    Namespace.TAX_CODE: is_blocked_key,
}


def _public_id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return ""


def find_customer(
    reference: dict[str, str] | None, *, create_prospect: bool = False, at: datetime | None = None
) -> Customer | None:
    """Return the customer under a reference, a merged one's survivor; None for no reference.

    With `create_prospect` somebody unknown named by e-mail or by a source's id becomes a prospect.

    Raises CustomerNotFound, CustomerErased, InvalidInput (no address), BlockedIdentity.
    """
    if reference is None:
        return None
    key = key_of(reference)
    customer = known_customers([key]).get(key)
    if customer is None and create_prospect and key.kind != PUBLIC_ID:
        made = ensure_customers([key], status=Customer.Status.PROSPECT, at=at or timezone.now())
        customer = made.customers.get(key)
    if customer is None:
        raise CustomerNotFound
    if customer.status == Customer.Status.ERASED:
        raise CustomerErased
    return customer


def known_customers(keys: Iterable[Key]) -> dict[Key, Customer]:
    """Return the customer under each known key, merged ones replaced by their survivors."""
    owners = known_keys(keys).owners
    live = _survivors(owners.values())
    return {key: live[owner] for key, owner in owners.items()}


@dataclass(frozen=True)
class KnownKeys:
    """The id of the customer under each known key, who may have been merged since; and of the profile."""

    owners: dict[Key, int]
    profiles: dict[Key, int]


def known_keys(keys: Iterable[Key]) -> KnownKeys:
    """Return who is known under these keys, without reading their customers."""
    keys = set(keys)
    by_kind = {kind: [key for key in keys if key.kind == kind] for kind in (PUBLIC_ID, PROFILE, IDENTITY)}
    owners: dict[Key, int] = {}
    ids = [key.value for key in by_kind[PUBLIC_ID] if key.value]
    if ids:
        customers = Customer.objects.filter(public_id__in=ids).values_list("public_id", "pk")
        owners |= {Key(PUBLIC_ID, "", str(public_id)): pk for public_id, pk in customers}
    profiles = SourceProfile.objects.ids_by_key((key.space, key.value) for key in by_kind[PROFILE])
    owners |= {Key(PROFILE, *names): customer for names, (_, customer) in profiles.items()}
    if by_kind[IDENTITY]:
        identities = Identity.objects.filter(
            namespace__in={key.space for key in by_kind[IDENTITY]},
            value__in={key.value for key in by_kind[IDENTITY]},
            shared=False,
        ).values_list("namespace", "value", "customer_id")
        owners |= {Key(IDENTITY, namespace, value): customer for namespace, value, customer in identities}
    return KnownKeys(
        {key: owner for key, owner in owners.items() if key in keys},
        {Key(PROFILE, *names): profile for names, (profile, _) in profiles.items()},
    )


def _survivors(ids: Iterable[int]) -> dict[int, Customer]:
    """Return the customers with these ids, each merged one replaced by who they are now."""
    rows = Customer.objects.in_bulk(set(ids))
    moved = {pk: row.merged_into_id for pk, row in rows.items() if row.merged_into_id}
    if moved:
        live = _survivors(moved.values())
        rows |= {pk: live[target] for pk, target in moved.items()}
    return rows


def survivor(customer: Customer) -> Customer:
    """Return who a merged customer is now; anybody else is themselves."""
    while customer.merged_into is not None:
        customer = customer.merged_into
    return customer


@dataclass(frozen=True)
class EnsuredCustomers:
    """The customer under each key, and which of the keys were unknown before."""

    customers: dict[Key, Customer]
    created: frozenset[Key]


def ensure_customers(keys: Iterable[Key], *, status: str, at: datetime) -> EnsuredCustomers:
    """Return everybody under these keys; who is unknown by a source's id or an identity is created.

    Locks the unknown keys, so that two callers create one customer. Unknown public ids are left out, and
    identities that several customers share or that somebody blocked.
    """
    keys = set(keys)
    known = known_customers(keys)
    unknown = {key for key in keys - known.keys() if key.kind != PUBLIC_ID}
    if not unknown:
        return EnsuredCustomers(known, frozenset())
    with transaction.atomic():
        lock_customer_keys(unknown)
        known |= known_customers(unknown)
        missing = sorted(unknown - known.keys() - _ambiguous(unknown))
        created = create_customers([Customer(status=status) for _ in missing], at=at)
        made = dict(zip(missing, created, strict=True))
        _attach(made, at=at)
    return EnsuredCustomers(known | made, frozenset(made))


def _ambiguous(keys: Iterable[Key]) -> set[Key]:
    """Return the identities that name nobody alone: shared by several customers, or blocked by somebody."""
    values = {(key.space, key.value) for key in keys if key.kind == IDENTITY}
    if not values:
        return set()
    held = Identity.objects.filter(namespace__in={space for space, _ in values}, shared=True)
    shared = set(held.filter(value__in={value for _, value in values}).values_list("namespace", "value"))
    return {Key(IDENTITY, *value) for value in (shared & values) | blocked_values(values)}


def lock_customer_keys(keys: Iterable[Key]) -> None:
    """Make other writers of these profiles and identities wait for the end of this transaction."""
    lock_keys("customer", [str(key) for key in keys])


def create_customers(customers: list[Customer], *, at: datetime) -> list[Customer]:
    """Write new customers and tell of each (`customer.created`)."""
    customers = Customer.objects.bulk_create(customers)
    record_events([_created(customer, at) for customer in customers])
    create_leads(customers, at=at)
    return customers


def create_leads(customers: Iterable[Customer], *, at: datetime) -> None:
    """Begin the way of those of them who are prospects."""
    prospects = [customer for customer in customers if customer.status == Customer.Status.PROSPECT]
    if prospects:
        leads = [Lead(customer=prospect, became_at=at, moved_at=at) for prospect in prospects]
        Lead.objects.bulk_create(leads, ignore_conflicts=True)


def _created(customer: Customer, at: datetime) -> Event:
    return new_event(
        "customer.created", external_id=f"customer:{customer.pk}:created", customer=customer, occurred_at=at
    )


def _attach(made: dict[Key, Customer], *, at: datetime) -> None:
    sources = ensure_sources({key.space for key in made if key.kind == PROFILE})
    SourceProfile.objects.bulk_create(
        SourceProfile(source=sources[key.space], external_id=key.value, customer=customer, observed_at=at)
        for key, customer in made.items()
        if key.kind == PROFILE
    )
    Identity.objects.bulk_create(
        Identity(namespace=key.space, value=key.value, customer=customer)
        for key, customer in made.items()
        if key.kind == IDENTITY
    )


def ensure_sources(codes: Iterable[str]) -> dict[str, Source]:
    """Return the sources under these codes; unknown ones are created, with the code as their name.

    Raises SourceLeft for one of which nothing is taken any more.
    """
    codes = set(codes)
    sources = {source.code: source for source in Source.objects.filter(code__in=codes)}
    if any(source.left_at for source in sources.values()):
        raise SourceLeft
    missing = codes - sources.keys()
    if missing:
        insert_missing([Source(code=code, name=code) for code in sorted(missing)], unique=["code"])
        sources |= {source.code: source for source in Source.objects.filter(code__in=missing)}
    return sources


def told_by_left_sources(named: Sequence[tuple[str, Key | None]]) -> list[bool]:
    """Return for each item, given as the code of its source and its customer's key, whether one has left."""
    codes = [{source} | _spaces(key) for source, key in named]
    left = Source.objects.filter(code__in=set().union(*codes), left_at__isnull=False)
    gone = set(left.values_list("code", flat=True))
    return [bool(each & gone) for each in codes]


def _spaces(key: Key | None) -> set[str]:
    return {key.space} if key and key.kind == PROFILE else set()


def search_customers(
    *, source: str = "", source_id: str = "", country: str = "", **identity: str
) -> CustomerQuerySet:
    """Return the live customers with a source's id, or with one identity (`email="..."`), shared ones too.

    A filler finds nobody. Raises InvalidInput for a value that is no such key.
    """
    if source_id:
        profiles = SourceProfile.objects.filter(source__code=source, external_id=source_id)
        return Customer.objects.present().filter(profiles__in=profiles)
    ((namespace, value),) = identity.items()
    try:
        key = identity_key(namespace, value, country=country, pointer=f"/{namespace}")
    except BlockedIdentity:
        return Customer.objects.none()
    holders = Identity.objects.filter(namespace=key.space, value=key.value)
    return Customer.objects.present().filter(identities__in=holders).order_by("pk")


def found_customers(text: str) -> CustomerQuerySet:
    """Return the live customers one of whose keys is exactly the text: address, number, card, any id."""
    compact = normalise_key(text)
    values = {text, text.lower(), compact}
    with suppress(ValueError):
        values.add(normalise_phone(text, settings.PROGRAMME_COUNTRY))
    return customers_known_as(values, source_id=text, public_id=_public_id(text)).order_by("pk")


def blocked_values_of(namespace: Any, value: Any) -> QuerySet[BlockedValue]:
    """Return what blocks a key."""
    return BlockedValue.objects.filter(namespace=namespace, value=value).order_by()


def customers_known_as(
    values: Iterable[str], *, source_id: str, public_id: str | uuid.UUID | None = None
) -> CustomerQuerySet:
    """Return the live customers with one of these identities, a source's id, or a public id.

    One union of ids: PostgreSQL answers an OR of the three by reading every customer.
    """
    # All namespaces and sources, because the indexes begin with them.
    identities = Identity.objects.filter(namespace__in=Namespace.values, value__in=set(values))
    # A card that was blocked, or a value typed to leave no field empty, identifies nobody any more.
    identities = identities.exclude(Exists(blocked_values_of(OuterRef("namespace"), OuterRef("value"))))
    profiles = SourceProfile.objects.filter(source__in=Source.objects.order_by(), external_id=source_id)
    ids = [identities.order_by().values("customer"), profiles.order_by().values("customer")]
    if public_id:
        ids.append(Customer.objects.filter(public_id=public_id).values("pk"))
    return Customer.objects.present().filter(pk__in=ids[0].union(*ids[1:], all=True))
