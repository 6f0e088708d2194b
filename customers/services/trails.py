"""How a person is recognised in texts that have no key to them, and what of theirs was set aside."""

from collections.abc import Iterable, Iterator
from typing import Any

import phonenumbers
from django.db import connection

from customers.models import (
    ConsentRecord,
    Customer,
    EventConflict,
    Identity,
    ImportRun,
    Namespace,
    PendingEvent,
    QuarantinedEvent,
    SourceProfile,
)
from operations.traces import (
    Trail,
    any_of,
    dialled_abroad,
    digits_of,
    exactly,
    is_common_number,
    redact,
    under_names,
)

SHORTEST_KEY = 5
ADDRESS = "address"
TOLD_KEYS = {"email", "phone", "loyalty_card", "tax_code"}
NOT_TELLING = {Namespace.EMAIL_SHA256}


def trail_of(customers: Iterable[Customer]) -> Trail:
    """Return what gives these records of one person away; ask before anything of them is erased."""
    customers = list(customers)
    ids = [customer.pk for customer in customers]
    profiles = list(SourceProfile.objects.filter(customer__in=ids).select_related("source"))
    return Trail(
        keys=any_of(_key_patterns(ids, profiles)),
        names=any_of(_name_patterns([*map(_names_of, customers), *(_names_in(p.data) for p in profiles)])),
        public_ids=tuple(str(customer.public_id) for customer in customers),
        source_ids=tuple((profile.source.code, profile.external_id) for profile in profiles),
    )


def _key_patterns(ids: list[int], profiles: list[SourceProfile]) -> Iterator[str]:
    identities = Identity.objects.filter(customer__in=ids).exclude(namespace__in=NOT_TELLING)
    named = set(identities.values_list("namespace", "value"))
    addresses = ConsentRecord.objects.filter(customer__in=ids)
    named.update((ADDRESS, address) for address in addresses.values_list("address", flat=True))
    for profile in profiles:
        named.update((name, str(profile.data[name])) for name in TOLD_KEYS if profile.data.get(name))
    names: dict[str, set[str]] = {}
    for name, value in named:
        if len(value) >= SHORTEST_KEY:
            names.setdefault(value, set()).add(name)
    for value, called in names.items():
        yield from _patterns_of(value, called)


def _patterns_of(value: str, names: set[str]) -> Iterator[str]:
    """A short number is everybody's: it is the person's where it stands under the name of their key."""
    number = _national(value) if value.startswith("+") else value
    if is_common_number(number):
        yield under_names(names, number)
        if number != value:
            yield dialled_abroad(value.lstrip("+"))
    else:
        yield digits_of(number) if number != value else exactly(value)


def _national(number: str) -> str:
    try:
        return phonenumbers.national_significant_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return number.lstrip("+")


def _names_of(customer: Customer) -> tuple[str, str, str]:
    return customer.first_name, customer.last_name, customer.street


def _names_in(data: dict[str, Any]) -> tuple[str, str, str]:
    return tuple(str(data.get(name) or "") for name in ("first_name", "last_name", "street"))


def _name_patterns(names: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """A first or a last name alone is anybody's; both together, in either order, or a street with them."""
    for first, last, street in names:
        if first and last:
            yield exactly(f"{first} {last}")
            yield exactly(f"{last} {first}")
        if len(street) >= SHORTEST_KEY and not is_common_number(street):
            yield exactly(street)


def erase_set_aside(trail: Trail) -> int:
    """Empty the quarantined events and the conflicts about the person; take their names out of all others."""
    return (
        _empty(QuarantinedEvent, trail)
        + _empty(EventConflict, trail)
        + redact(QuarantinedEvent, ["payload", "reason"], trail)
        + redact(EventConflict, ["payload"], trail)
        + redact(PendingEvent, ["last_error"], trail)
        + redact(ImportRun, ["file_name", "report", "checked"], trail)
    )


def _empty(model: type[QuarantinedEvent | EventConflict], trail: Trail) -> int:
    ids = any_of(exactly(each) for each in trail.public_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {connection.ops.quote_name(model._meta.db_table)} SET payload = '{{"erased": true}}'
            WHERE payload::text ~* %s OR payload::text ~* %s
               OR (payload #>> '{{customer,source}}', payload #>> '{{customer,source_id}}') IN (
                   SELECT * FROM unnest(%s::text[], %s::text[])
               )
            """,
            [
                trail.keys,
                ids,
                [source for source, _ in trail.source_ids],
                [name for _, name in trail.source_ids],
            ],
        )
        return cursor.rowcount
