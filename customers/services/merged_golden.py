"""The golden record of somebody who was known as several people, and each one's own when they part."""

from datetime import date
from typing import Any

from customers.models import Customer, MergeOperation, SourceProfile
from customers.rules import Told, golden_attributes, golden_fields

FIELDS = [
    "first_name", "last_name", "birth_date", "language", "time_zone", "country", "region", "city", "postcode",
    "street",
]  # fmt: skip
# What a record says that no source told ranks below every source; the survivor's own above the others'.
OWN, OTHERS = -1, -2


def golden_of(customer: Customer) -> dict[str, Any]:
    """Return the golden record as plain values that JSON can hold."""
    values = {name: getattr(customer, name) for name in FIELDS}
    plain = {
        name: value.isoformat() if isinstance(value, date) else str(value or "")
        for name, value in values.items()
    }
    return plain | {"attributes": customer.attributes}


def write_golden(customer: Customer) -> None:
    """Bring the golden record up to its source profiles, and to what only the merged records knew."""
    told = [*_told_by_sources(customer), *_told_by_records(customer, rank=OWN)]
    golden = golden_fields(told, FIELDS)
    _set(customer, golden | {"attributes": golden_attributes({}, told)})


def restore_golden(operation: MergeOperation) -> None:
    """Give the survivor what they had before the merge, but for what was changed since.

    What sources told since is taken in, on both sides.
    """
    survivor = Customer.objects.get(pk=operation.survivor_id)
    before, after = operation.snapshot["golden"], operation.snapshot["golden_after"]
    now = golden_of(survivor)
    survivor.status = operation.snapshot["statuses"][str(survivor.pk)]
    _set(survivor, {name: before[name] for name in before if now[name] == after[name]})
    for customer in [survivor, *operation.losers.all()]:
        news = SourceProfile.objects.filter(customer=customer, observed_at__gt=operation.merged_at)
        if news.exists():
            write_golden(customer)


def _told_by_sources(customer: Customer) -> list[Told]:
    profiles = SourceProfile.objects.filter(customer=customer).select_related("source")
    return [(p.source.trust, p.observed_at, p.source.code, p.external_id, p.data) for p in profiles]


def _told_by_records(customer: Customer, *, rank: int) -> list[Told]:
    """Return what each record said on its own, before any merge: the same in whatever order they merged."""
    merges = list(MergeOperation.objects.standing().filter(survivor=customer).order_by("pk"))
    own = merges[0].snapshot["golden"] if merges else golden_of(customer)
    told: list[Told] = [(rank, customer.created_at, "", str(customer.public_id), own)]
    for operation in merges:
        for loser in operation.losers.all():
            told += _told_by_records(loser, rank=OTHERS)
    return told


def _set(customer: Customer, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name == "birth_date":
            value = date.fromisoformat(value) if value else None
        setattr(customer, name, value)
    customer.save(update_fields=[*FIELDS, "attributes", "status", "updated_at"])
