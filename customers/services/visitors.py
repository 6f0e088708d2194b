"""Visitors who turn out to be somebody: the history of their browser or device joins the person."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from customers.errors import BlockedIdentity, CustomerErased, KeptApart, NothingToMerge
from customers.models import Customer, Identity, Namespace
from customers.services.merges import merge_customers
from customers.services.references import Key, key_of, known_customers, lock_customer_keys
from operations.errors import InvalidInput

NOBODY_YET = frozenset({Namespace.DEVICE, Namespace.COOKIE})


def visitor_key(reference: dict[str, Any] | None) -> Key | None:
    """Return the key of a browser or device, `{"namespace", "value"}`; None for none or anything else."""
    if not reference or reference.get("namespace") not in NOBODY_YET:
        return None
    try:
        return key_of(reference)
    except (BlockedIdentity, InvalidInput):
        return None


def join_visitors(identified: Iterable[tuple[Key | None, Customer | None]], *, at: datetime) -> int:
    """Let each browser or device belong to the person who used it; return how many histories joined.

    A key that nobody had becomes the person's. One of an anonymous visitor is merged into the person, as any
    two records are: with a journal, and nothing sent or rewarded for it. One of somebody known stays theirs,
    since a tablet may have several users.
    """
    wanted: dict[Key, Customer] = {}
    for key, person in identified:
        if key and person:
            wanted.setdefault(key, person)
    if not wanted:
        return 0
    holders = known_customers(wanted)
    visitors: dict[Customer, dict[int, Customer]] = {}
    for key in sorted(wanted):
        person, holder = wanted[key], holders.get(key)
        if holder is None:
            _attach(key, person)
        elif holder.status == Customer.Status.ANONYMOUS and holder.pk != person.pk:
            visitors.setdefault(person, {})[holder.pk] = holder
    return sum(_join(person, list(theirs.values()), at=at) for person, theirs in visitors.items())


def _attach(key: Key, person: Customer) -> None:
    with transaction.atomic():
        lock_customer_keys([key])
        if known_customers([key]) or Identity.objects.filter(namespace=key.space, value=key.value).exists():
            return
        Identity.objects.create(namespace=key.space, value=key.value, customer=person)


def _join(person: Customer, visitors: list[Customer], *, at: datetime) -> int:
    """Merge them all at once; where one of them may not be merged, each of the others by itself."""
    try:
        merge_customers(person, visitors, reason="identified visitor", at=at)
    except (KeptApart, NothingToMerge, CustomerErased):
        return sum(_join(person, [each], at=at) for each in visitors) if len(visitors) > 1 else 0
    return len(visitors)
