"""The golden record: brought up to what the sources say and to what people locked."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext

from customers.errors import CustomerErased
from customers.models import Customer, GoldenValue, LockedValue, SourceProfile
from customers.services.locks import lock_customer
from customers.survivorship import (
    GOLDEN_FIELDS,
    Choice,
    Lock,
    Testimony,
    choose_values,
    golden_attributes,
)
from operations.errors import InvalidInput
from operations.models import User

Choices = dict[str, Choice]


def refresh_golden_records(customer_ids: Iterable[int], *, at: datetime) -> list[Customer]:
    """Derive the golden fields of these customers anew and return the live ones, locked.

    A pure function of their source profiles and locked fields. A field that no source speaks of stays as it
    is, unless a source that spoke of it before has gone: then it is cleared. Who was merged or erased keeps
    their fields and loses the provenance.
    """
    with transaction.atomic():
        locked = Customer.objects.filter(pk__in=set(customer_ids)).order_by("pk")
        customers = list(locked.select_for_update(no_key=True))
        gone = [customer.pk for customer in customers if not is_written_to(customer)]
        GoldenValue.objects.filter(customer__in=gone).delete()
        live = [customer for customer in customers if is_written_to(customer)]
        testimonies, locks = testimonies_of(live), locks_of(live)
        stale = stored_fields(live)
        chosen: dict[int, Choices] = {}
        changed = []
        for customer in live:
            told = testimonies.get(customer.pk, [])
            choices = choose_values(told, locks.get(customer.pk))
            if write_choices(customer, choices, named=stale.get(customer.pk, ()), testimonies=told):
                changed.append(customer)
            chosen[customer.pk] = choices
        _save(changed)
        write_golden_values(chosen)
    return live


def golden_values_of(customer: Customer) -> list[GoldenValue]:
    """Return the provenance of each golden field, in the order of the record; computed, not written."""
    testimonies = testimonies_of([customer]).get(customer.pk, [])
    profiles = {profile.pk: profile for profile in customer.profiles.select_related("source")}
    choices = choose_values(testimonies, locks_of([customer]).get(customer.pk))
    return [
        _golden_value(customer.pk, name, choice, profiles.get(_profile_id(choice)))
        for name, choice in choices.items()
    ]


def lock_golden_value(
    customer: Customer, field: str, value: Any, *, by: User | None, at: datetime, reason: str = ""
) -> Customer:
    """Decide what a golden field is, whatever the sources say, and return the customer (a rectification).

    An empty value is a decision too. Raises InvalidInput for a field that is none or a value it cannot take,
    CustomerErased.
    """
    text = checked_value(field, value)
    with transaction.atomic():
        customer = _writable(customer)
        LockedValue.objects.filter(customer=customer, field=field).delete()
        LockedValue.objects.create(
            customer=customer, field=field, value=text, reason=reason[:200], locked_at=at, locked_by=by
        )
        (customer,) = refresh_golden_records([customer.pk], at=at)
    return customer


def unlock_golden_value(customer: Customer, field: str, *, by: User | None, at: datetime) -> Customer:
    """Let the sources decide on a field again. Without any that speaks of it, it becomes empty.

    Raises InvalidInput for a field that is none, CustomerErased.
    """
    _check_field(field)
    with transaction.atomic():
        customer = _writable(customer)
        LockedValue.objects.filter(customer=customer, field=field).delete()
        (customer,) = refresh_golden_records([customer.pk], at=at)
    return customer


def checked_value(field: str, value: Any) -> str:
    """Return a value of a golden field as its text. Raises InvalidInput when the field cannot take it."""
    _check_field(field)
    text = value.isoformat() if isinstance(value, date) else str(value or "").strip()
    column = Customer._meta.get_field(field)
    if not text:
        return ""
    try:
        cleaned = column.clean(text, None)
        if field == "time_zone" and text not in available_timezones():
            raise ValidationError(gettext("This is no time zone."))
        if field == "birth_date" and not 1900 <= cleaned.year <= date.today().year:
            raise ValidationError(gettext("A birth date lies between 1900 and today."))
        if not text.isprintable():
            raise ValidationError(gettext("Control characters are not allowed here."))
    except ValidationError as error:
        raise InvalidInput.at(f"/{field}", " ".join(error.messages)) from error
    return cleaned.isoformat() if isinstance(cleaned, date) else str(cleaned)


def is_written_to(customer: Customer) -> bool:
    """Return whether this record still takes what sources say: it is neither merged away nor erased."""
    return customer.status not in (Customer.Status.MERGED, Customer.Status.ERASED)


def testimony_of(profile: SourceProfile) -> Testimony:
    """Return what a profile says, weighed by its source (`profile.source` is read)."""
    return Testimony(
        trust=profile.source.trust,
        observed_at=profile.observed_at,
        source=profile.source.code,
        external_id=profile.external_id,
        data=profile.data,
        observed=profile.observed,
        profile_id=profile.pk,
    )


def testimonies_of(customers: Iterable[Customer]) -> dict[int, list[Testimony]]:
    """Return what the profiles of each customer say, by the customer's pk."""
    told: dict[int, list[Testimony]] = {}
    profiles = SourceProfile.objects.filter(customer__in=[customer.pk for customer in customers])
    for profile in profiles.select_related("source"):
        told.setdefault(profile.customer_id, []).append(testimony_of(profile))
    return told


def locks_of(customers: Iterable[Customer]) -> dict[int, dict[str, Lock]]:
    """Return the locked fields of each customer, by the customer's pk; the latest lock of a field counts."""
    locks: dict[int, dict[str, Lock]] = {}
    rows = LockedValue.objects.filter(customer__in=[customer.pk for customer in customers])
    for row in rows.order_by("locked_at", "pk"):
        locks.setdefault(row.customer_id, {})[row.field] = Lock(row.value, row.locked_at)
    return locks


def stored_fields(customers: Iterable[Customer]) -> dict[int, set[str]]:
    """Return of which fields the provenance is kept, by the customer's pk."""
    fields: dict[int, set[str]] = {}
    rows = GoldenValue.objects.filter(customer__in=[customer.pk for customer in customers])
    for pk, field in rows.values_list("customer_id", "field"):
        fields.setdefault(pk, set()).add(field)
    return fields


def write_choices(
    customer: Customer, choices: Choices, *, named: Iterable[str], testimonies: Iterable[Testimony]
) -> bool:
    """Set the golden fields and attributes on the instance and return whether anything changed.

    `named` are the fields that become empty when there is no choice for them.
    """
    before = {name: getattr(customer, name) for name in (*GOLDEN_FIELDS, "attributes")}
    values = dict.fromkeys(named, "") | {name: choice.value for name, choice in choices.items()}
    for name, value in values.items():
        setattr(customer, name, _typed(name, value))
    customer.attributes = golden_attributes(customer.attributes, testimonies)
    return before != {name: getattr(customer, name) for name in before}


def write_golden_values(chosen: Mapping[int, Choices]) -> None:
    """Bring the kept provenance of these customers (by pk) up to their choices; what is right stays."""
    stored = {(row.customer_id, row.field): row for row in GoldenValue.objects.filter(customer__in=chosen)}
    changed = []
    for pk, choices in chosen.items():
        for name, choice in choices.items():
            row, kept = _golden_value(pk, name, choice), stored.pop((pk, name), None)
            if kept is None or _content(kept) != _content(row):
                changed.append(row)
    GoldenValue.objects.filter(pk__in=[row.pk for row in stored.values()]).delete()
    GoldenValue.objects.bulk_create(
        sorted(changed, key=lambda row: (row.customer_id, row.field)),
        update_conflicts=True,
        unique_fields=["customer", "field"],
        update_fields=["value", "profile", "observed_at", "rule"],
    )


def _golden_value(
    customer_id: int, name: str, choice: Choice, profile: SourceProfile | None = None
) -> GoldenValue:
    row = GoldenValue(
        customer_id=customer_id,
        field=name,
        value=choice.value,
        profile_id=_profile_id(choice),
        observed_at=choice.observed_at,
        rule=choice.rule,
    )
    if profile is not None:
        row.profile = profile
    return row


def _profile_id(choice: Choice) -> int | None:
    return choice.testimony.profile_id if choice.testimony else None


def _content(row: GoldenValue) -> tuple:
    return (row.value, row.profile_id, row.observed_at, row.rule)


def _save(customers: list[Customer]) -> None:
    """Write many rows in one statement; an upsert by primary key, since CASE WHEN by bulk_update is slow."""
    Customer.objects.bulk_create(
        customers,
        update_conflicts=True,
        unique_fields=["pk"],
        update_fields=[*GOLDEN_FIELDS, "attributes", "updated_at"],
    )


def _typed(name: str, value: Any) -> Any:
    if name == "birth_date":
        return date.fromisoformat(value) if value else None
    return value or ""


def _check_field(field: str) -> None:
    if field not in GOLDEN_FIELDS:
        raise InvalidInput.at("/field", gettext("%(name)s is no golden field.") % {"name": field})


def _writable(customer: Customer) -> Customer:
    customer = lock_customer(customer)
    if customer.status == Customer.Status.ERASED:
        raise CustomerErased
    return customer
