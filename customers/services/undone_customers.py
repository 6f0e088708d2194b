"""What an import told of people, untold: profiles as they were, and nobody left whom only the file knew."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import ProtectedError, QuerySet, RestrictedError
from django.utils.dateparse import parse_datetime

from customers.models import Customer, Event, Identity, Order, SourceProfile
from customers.models.imports import ImportedRow, ImportRun
from customers.registry import OnErase, customer_tables
from customers.services.golden import refresh_golden_records

# Rows that are there because the customer is: they do not make a history.
OF_THEMSELVES = {"customers.SourceProfile", "customers.ImportedRow", "customers.Customer"}
OWN_EVENTS = ["customer.created", "customer.updated"]


def undo_customers(run: ImportRun, rows: Sequence[ImportedRow], *, at: datetime) -> int:
    """Take back what these journal rows (the latest first) did; return how many of them that was."""
    ids = {row.customer_id for row in rows if row.customer_id}
    customers = {
        one.pk: one for one in Customer.objects.filter(pk__in=ids).order_by("pk").select_for_update()
    }
    locked = SourceProfile.objects.filter(pk__in=[row.target for row in rows]).order_by("pk")
    profiles = {profile.pk: profile for profile in locked.select_for_update(of=("self",))}
    told_by_facts = _profiles_of_facts(profiles)
    undone: list[ImportedRow] = []
    restored: dict[int, SourceProfile] = {}
    deleted: set[int] = set()
    bare: set[int] = set()
    for row in rows:
        profile = profiles.get(row.target)
        if profile is None or row.target in deleted:
            continue
        if run.finished_at and profile.observed_at > run.finished_at:
            continue
        if _forget_attributes(customers.get(profile.customer_id), profile, row):
            bare.add(profile.customer_id)
        if row.before["new"] and row.target in told_by_facts:
            continue  # Orders or events say that this customer is of that source.
        undone.append(row)
        if row.before["new"]:
            deleted.add(row.target)
        else:
            restored[row.target] = _as_before(profile, row)
    SourceProfile.objects.bulk_update(
        [profile for pk, profile in restored.items() if pk not in deleted],
        ["data", "observed", "observed_at"],
    )
    SourceProfile.objects.filter(pk__in=deleted).delete()
    Customer.objects.bulk_update([customers[pk] for pk in sorted(bare)], ["attributes"])
    _forget_identities(undone)
    refresh_golden_records({row.customer_id for row in undone}, at=at)
    _delete_without_history({row.customer_id for row in undone if row.before["customer_created"]})
    return len(undone)


def _profiles_of_facts(profiles: Mapping[int, SourceProfile]) -> set[int]:
    """Return the profiles that orders or events name; their facts are their customer's."""
    customers = {profile.customer_id for profile in profiles.values()}
    found: set[int] = set()
    for model in (Order, Event):
        facts = model.objects.filter(customer__in=customers, source_profile__in=list(profiles)).order_by()
        found.update(facts.values_list("source_profile", flat=True).distinct())
    return found


def _as_before(profile: SourceProfile, row: ImportedRow) -> SourceProfile:
    profile.data = row.before["data"]
    profile.observed = row.before["observed"]
    profile.observed_at = parse_datetime(row.before["observed_at"])
    return profile


def _forget_attributes(customer: Customer | None, profile: SourceProfile, row: ImportedRow) -> bool:
    """Drop what only this file said of the sender's own fields; the profiles that are left tell the rest.

    Returns whether the customer lost any.
    """
    before = (row.before["data"] or {}).get("attributes") or {}
    said = profile.data.get("attributes") or {}
    gone = [name for name in said if customer and name not in before and name in customer.attributes]
    for name in gone:
        del customer.attributes[name]
    return bool(gone)


def _forget_identities(rows: Iterable[ImportedRow]) -> None:
    """Drop the keys that this file brought and that no profile tells any more."""
    brought = {pk for row in rows for pk in row.before["identities"]}
    identities = list(Identity.objects.filter(pk__in=brought))
    told: dict[int, set[tuple[str, str]]] = {}
    profiles = SourceProfile.objects.filter(customer__in={each.customer_id for each in identities})
    for customer_id, data in profiles.values_list("customer", "data"):
        keys = {(name, value) for name, value in data.items() if isinstance(value, str)}
        told.setdefault(customer_id, set()).update(keys)
    gone = [
        each.pk
        for each in identities
        if (each.namespace, each.value) not in told.get(each.customer_id, set())
    ]
    Identity.objects.filter(pk__in=gone).delete()


def _delete_without_history(ids: set[int]) -> None:
    """Delete the customers of whom nothing else is known; the others stay with what is."""
    ids = ids - set(SourceProfile.objects.filter(customer__in=ids).values_list("customer", flat=True))
    for table in customer_tables():
        if table.derived or table.label in OF_THEMSELVES or not ids:
            continue
        rows = table.model._default_manager.filter(**{f"{table.field}__in": ids})
        if table.label == "customers.Event":
            rows = rows.exclude(type__in=OWN_EVENTS)
        ids = ids - set(rows.values_list(table.field, flat=True))
    if ids:
        _delete(ids)


def _delete(ids: set[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL fidelio.merging = 'on'")
        Event.objects.filter(customer__in=ids, type__in=OWN_EVENTS).update(customer=None)
        cursor.execute("SET LOCAL fidelio.merging = 'off'")
    for table in customer_tables():
        if table.on_erase == OnErase.DELETE and table.label != "customers.ImportedRow":
            table.model._default_manager.filter(**{f"{table.field}__in": ids}).delete()
    merged = Customer.objects.filter(merged_into__in=ids).values_list("merged_into", flat=True)
    delete_unless_needed(Customer.objects.filter(pk__in=ids - set(merged)))


def delete_unless_needed(rows: QuerySet) -> int:
    """Delete these rows but those that something refers to which must stay; return how many went."""
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    if not ids:
        return 0
    try:
        with transaction.atomic():
            rows.model._default_manager.filter(pk__in=ids).delete()
    except (ProtectedError, RestrictedError):
        if len(ids) == 1:
            return 0
        half = len(ids) // 2
        parts = (rows.model._default_manager.filter(pk__in=part) for part in (ids[:half], ids[half:]))
        return sum(map(delete_unless_needed, parts))
    return len(ids)
