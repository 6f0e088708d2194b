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
from operations.traces import Trail, any_of, digits_of, exactly, redact

SHORTEST_KEY = 5
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
    values: set[str] = set()
    identities = Identity.objects.filter(customer__in=ids).exclude(namespace__in=NOT_TELLING)
    values.update(identities.values_list("value", flat=True))
    values.update(ConsentRecord.objects.filter(customer__in=ids).values_list("address", flat=True))
    for profile in profiles:
        values.update(str(profile.data[name]) for name in TOLD_KEYS if profile.data.get(name))
    for value in values:
        if len(value) >= SHORTEST_KEY:
            yield digits_of(_national(value)) if value.startswith("+") else exactly(value)


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
        if len(street) >= SHORTEST_KEY:
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
