"""What an import told of people, untold: profiles as they were, and nobody left whom only the file knew."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import ProtectedError, RestrictedError
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
    undone: set[int] = set()
    made: set[int] = set()
    for row in rows:
        profile = profiles.get(row.target)
        if profile is None or (run.finished_at and profile.observed_at > run.finished_at):
            continue
        customer = customers.get(profile.customer_id)
        if customer:
            _forget_attributes(customer, profile, row)
        if not row.before["new"]:
            _restore(profile, row)
        elif profile.pk in told_by_facts:
            continue  # Orders or events say that this customer is of that source.
        else:
            profile.delete()
            del profiles[row.target]
        _forget_identities(row)
        undone.add(row.pk)
        if row.before["customer_created"]:
            made.add(row.customer_id)
    refresh_golden_records({row.customer_id for row in rows if row.pk in undone}, at=at)
    _delete_without_history(made)
    return len(undone)


def _profiles_of_facts(profiles: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for model in (Order, Event):
        facts = model.objects.filter(source_profile__in=list(profiles))
        found.update(facts.values_list("source_profile", flat=True).distinct())
    return found


def _restore(profile: SourceProfile, row: ImportedRow) -> None:
    profile.data = row.before["data"]
    profile.observed = row.before["observed"]
    profile.observed_at = parse_datetime(row.before["observed_at"])
    profile.save(update_fields=["data", "observed", "observed_at"])


def _forget_attributes(customer: Customer, profile: SourceProfile, row: ImportedRow) -> None:
    """Drop what only this file said of the sender's own fields; the profiles that are left tell the rest."""
    before = (row.before["data"] or {}).get("attributes") or {}
    said = profile.data.get("attributes") or {}
    gone = [name for name in said if name not in before]
    if any(name in customer.attributes for name in gone):
        for name in gone:
            customer.attributes.pop(name, None)
        customer.save(update_fields=["attributes"])


def _forget_identities(row: ImportedRow) -> None:
    for identity in Identity.objects.filter(pk__in=row.before["identities"]):
        others = SourceProfile.objects.filter(
            customer=identity.customer_id, **{f"data__{identity.namespace}": identity.value}
        )
        if not others.exists():
            identity.delete()


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
    for customer in Customer.objects.filter(pk__in=ids):
        try:
            with transaction.atomic():
                customer.delete()
        except (ProtectedError, RestrictedError):
            continue
