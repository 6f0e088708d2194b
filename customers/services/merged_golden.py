"""The golden record of somebody who was known as several people, and each one's own when they part."""

from datetime import date, datetime
from typing import Any

from customers.models import Customer, GoldenValue, MergeOperation
from customers.services.golden import locks_of, refresh_golden_records, testimonies_of
from customers.survivorship import GOLDEN_FIELDS

# A record's rank, when it was made, its id, and what it said before any merge.
Record = tuple[int, datetime, str, dict[str, Any]]
OWN, OTHERS = 1, 0


def golden_of(customer: Customer) -> dict[str, Any]:
    """Return the golden record as plain values that JSON can hold."""
    return {name: _plain(getattr(customer, name)) for name in GOLDEN_FIELDS} | {
        "attributes": customer.attributes
    }


def write_golden(customer: Customer, *, at: datetime) -> Customer:
    """Bring the golden record up to all source profiles; what no source says is as the records had it.

    The survivor's own record comes before the others, of these the younger before the older. Returns the
    customer as they are now.
    """
    records = sorted(_records(customer, rank=OWN), key=lambda record: record[:3])
    values: dict[str, Any] = {"attributes": {}}
    for *_, said in records:
        values |= {name: said[name] for name in GOLDEN_FIELDS if said[name]}
        values["attributes"] |= said["attributes"]
    _set(customer, values)
    return _derived([customer.pk], at=at)[0]


def restore_golden(operation: MergeOperation, *, at: datetime) -> None:
    """Give the survivor what they had before the merge, but for what was changed since.

    What sources told since is taken in, on both sides: what only a source of those who leave said goes with
    them.
    """
    survivor, losers = Customer.objects.get(pk=operation.survivor_id), list(operation.losers.all())
    before, after = operation.snapshot["golden"], operation.snapshot["golden_after"]
    now = golden_of(survivor)
    survivor.status = operation.snapshot["statuses"][str(survivor.pk)]
    theirs = _said(losers) - _said([survivor])
    back = {name for name in before if now[name] == after[name]}
    back |= {name for name in GOLDEN_FIELDS if (name, now[name]) in theirs}
    _set(survivor, {name: before[name] for name in back})
    _derived([survivor.pk, *(loser.pk for loser in losers)], at=at)


def _said(customers: list[Customer]) -> set[tuple[str, str]]:
    """Return the fields and values that the sources of these people tell, or that staff locked."""
    found = {
        (name, str(testimony.data[name]))
        for testimonies in testimonies_of(customers).values()
        for testimony in testimonies
        for name in GOLDEN_FIELDS
        if testimony.says(name)
    }
    return found | {
        (name, lock.value) for locks in locks_of(customers).values() for name, lock in locks.items()
    }


def _records(customer: Customer, *, rank: int) -> list[Record]:
    """Return what each record said on its own: the same in whatever order they were merged."""
    merges = list(MergeOperation.objects.standing().filter(survivor=customer).order_by("pk"))
    own = merges[0].snapshot["golden"] if merges else golden_of(customer)
    records: list[Record] = [(rank, customer.created_at, str(customer.public_id), own)]
    for operation in merges:
        for loser in operation.losers.all():
            records += _records(loser, rank=OTHERS)
    return records


def _derived(customer_ids: list[int], *, at: datetime) -> list[Customer]:
    # Without the provenance of before, nothing counts as told by a source that has gone.
    GoldenValue.objects.filter(customer__in=customer_ids).delete()
    return refresh_golden_records(customer_ids, at=at)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "")


def _set(customer: Customer, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name == "birth_date":
            value = date.fromisoformat(value) if value else None
        setattr(customer, name, value)
    customer.save(update_fields=[*GOLDEN_FIELDS, "attributes", "status", "updated_at"])
