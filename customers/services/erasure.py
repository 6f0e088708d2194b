"""The right to be forgotten: no personal data stays, the facts do, on a tombstone that names nobody."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import CharField, Field, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext_noop

from customers.models import (
    Customer,
    Event,
    EventKey,
    Identity,
    Order,
    RightsRequest,
    SourceProfile,
    Suppression,
)
from customers.models.consent import ConsentRecord
from customers.registry import CustomerTable, OnErase, customer_tables
from customers.rules import address_hash
from customers.services.events import record_event
from customers.services.locks import lock_customer
from customers.services.processing import CHANNELS
from customers.services.profiling import keep_sweeps_waiting
from customers.services.trails import trail_of
from operations.inserts import insert_missing
from operations.models import ApiClient, JobRun, User
from operations.services import promise_job
from operations.traces import erase_traces

KIND = "customers.erasure"
TITLE = gettext_noop("Erase a customer")
# What a tombstone keeps: nothing by which anybody could be told from somebody else.
KEPT = {"id", "public_id", "status", "merged_into", "kind", "created_at", "updated_at", "search_name"}
SWEPT_AGAIN_DAYS = 3


class _Moved(Exception):
    """Somebody was merged, or taken apart, between our reading and our lock."""


@transaction.atomic
def request_erasure(
    customer: Customer,
    *,
    at: datetime,
    reason: str = "",
    by: User | None = None,
    client: ApiClient | None = None,
) -> RightsRequest:
    """Promise the erasure of a customer and ring for it; asked again while it waits, the same request."""
    customer = lock_customer(customer)
    promised = customer.rights_requests.erasures().waiting()
    if waiting := promised.filter(job__status__in=[JobRun.Status.QUEUED, JobRun.Status.RUNNING]).first():
        return waiting
    job = promise_job(KIND, title=TITLE, owner=by, client=client, total=1)
    return RightsRequest.objects.create(
        kind=RightsRequest.Kind.ERASURE,
        customer=customer,
        requested_by=by,
        client=client,
        job=job,
        reason=reason,
        requested_at=at,
    )


def run_erasure(job: JobRun) -> dict[str, Any]:
    """Carry out the erasure that this job promised."""
    request = RightsRequest.objects.select_related("customer").get(job=job)
    return erase_customer(request.customer, at=timezone.now(), request=request).result


@transaction.atomic
def erase_customer(
    customer: Customer, *, at: datetime, request: RightsRequest | None = None
) -> RightsRequest:
    """Erase a customer, with everybody who was merged into them; return the audit record.

    What settings.CUSTOMER_TABLES marks DELETE goes, of the rest the personal columns are blanked; texts
    without a key to the person follow (settings.PERSONAL_TRACES). Orders, ledgers and totals stay as they
    were. The person's contact points join the suppression list, by hash. Tells of it (`customer.erased`).
    Repeating it is harmless. Locks the customers.
    """
    request = request or RightsRequest(
        kind=RightsRequest.Kind.ERASURE, customer=customer, requested_at=at, reason=""
    )
    records = _records_of(customer)
    request.result = erase_records(records, at=at)
    request.customer, request.completed_at, request.reason = _survivor_of(records), at, ""
    request.save()
    transaction.on_commit(lambda: write_to_ledger(records, at=at))
    return request


def erase_records(records: list[Customer], *, at: datetime, suppress: bool = True) -> dict[str, int]:
    """Erase these records and what belongs to them; return the counts. The caller has locked them.

    With `suppress` their contact points join the suppression list.
    """
    if not records:
        return {}
    counts = _take_out(records, suppress=suppress)
    for gone in records:
        if gone.merged_into_id is None:
            record_event(
                "customer.erased", external_id=f"customer:{gone.pk}:erased", customer=gone, occurred_at=at
            )
    return counts


def _take_out(records: list[Customer], *, suppress: bool) -> dict[str, int]:
    suppressed = _suppress_contact_points(records) if suppress else 0
    trail = trail_of(records)
    rows = _erase_rows([record.pk for record in records])
    _hide_telling_ids(records, trail.keys)
    _bury(records)
    traces = erase_traces(trail)
    return {"records": len(records), "rows": rows, "traces": traces, "suppressed": suppressed}


def _survivor_of(records: list[Customer]) -> Customer:
    return next(record for record in records if record.merged_into_id is None)


def _records_of(customer: Customer) -> list[Customer]:
    """Return the survivor and everybody who was merged into it, locked by ascending id."""
    while True:
        try:
            with transaction.atomic():
                ids = _ids_of(customer.pk)
                records = list(Customer.objects.filter(pk__in=ids).order_by("pk").select_for_update())
                if _ids_of(customer.pk) != ids:
                    # Locks are given back with the savepoint: all are taken again, in order.
                    raise _Moved
                return records
        except _Moved:
            continue


def _ids_of(customer_id: int) -> set[int]:
    while target := Customer.objects.values_list("merged_into", flat=True).get(pk=customer_id):
        customer_id = target
    ids = {customer_id}
    while found := set(Customer.objects.filter(merged_into__in=ids).values_list("pk", flat=True)) - ids:
        ids |= found
    return ids


def _suppress_contact_points(records: list[Customer]) -> int:
    ids = [record.pk for record in records]
    known = set(
        Identity.objects.filter(customer__in=ids, shared=False, namespace__in=CHANNELS).values_list(
            "namespace", "value"
        )
    )
    points = {(channel, value) for namespace, value in known for channel in CHANNELS[namespace]}
    consents = ConsentRecord.objects.filter(customer__in=ids).exclude(address="")
    points |= set(consents.values_list("channel", "address"))
    rows = [
        Suppression(channel=channel, address_hash=address_hash(value), reason=Suppression.Reason.ERASED)
        for channel, value in sorted(points)
    ]
    return len(insert_missing(rows, unique=["channel", "address_hash"]))


def _erase_rows(ids: list[int]) -> int:
    keep_sweeps_waiting()
    with _erasing():
        return sum(_erase_table(table, ids) for table in reversed(customer_tables()))


@contextmanager
def _erasing() -> Iterator[None]:
    """Let the append-only tables lose what is personal."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL fidelio.erasing = 'on'")
        yield
        cursor.execute("SET LOCAL fidelio.erasing = ''")


def _erase_table(table: CustomerTable, ids: list[int]) -> int:
    """Erase these customers' rows of one table; return how many rows were there."""
    rows = table.model._default_manager.filter(**{f"{table.field}__in": ids})
    for part in table.parts:
        if part.blank:
            parts = part.model._default_manager.filter(**{f"{part.field}__{table.field}__in": ids})
            parts.update(**part.blank)
    if table.on_erase == OnErase.DELETE:
        return rows.delete()[0]
    return rows.update(**table.blank) if table.blank else 0


def _bury(records: Iterable[Customer]) -> None:
    """Make tombstones of the golden records; who was merged stays merged, into the tombstone."""
    for record in records:
        for field in Customer._meta.concrete_fields:
            if field.name not in KEPT and not field.generated:
                setattr(record, field.attname, _nothing(field))
        if record.merged_into_id is None:
            record.status = Customer.Status.ERASED
        record.save()


def _nothing(field: Field):
    return None if field.null else field.get_default()


def _hide_telling_ids(records: Iterable[Customer], keys: str) -> None:
    """A source that names people, orders or events by an address or a number has told more than an id."""
    ids = [record.pk for record in records]
    nameless = Concat(Value("erased:"), Cast("pk", CharField()))
    telling = Q(external_id__regex=r"@|^\+") | Q(external_id__iregex=keys)
    SourceProfile.objects.filter(telling, customer__in=ids).update(external_id=nameless)
    Order.objects.filter(telling, customer__in=ids).update(external_id=nameless)
    events = list(Event.objects.filter(telling, customer__in=ids).values_list("pk", flat=True))
    if events:
        with _erasing():
            Event.objects.filter(pk__in=events, customer__in=ids).update(external_id=nameless)
        EventKey.objects.filter(pk__in=events).update(external_id=nameless)


def sweep_erasures(*, at: datetime) -> int:
    """Erase again who was erased these last days, for what was on its way in meanwhile; return how many."""
    recent = RightsRequest.objects.erasures().filter(completed_at__gte=at - timedelta(days=SWEPT_AGAIN_DAYS))
    for request in recent.select_related("customer"):
        with transaction.atomic():
            _take_out(_records_of(request.customer), suppress=True)
    return len(recent)


def write_to_ledger(records: Iterable[Customer], *, at: datetime) -> None:
    """Note who was erased in a file beside the database, so that a restored dump can forget them again.

    The line holds public ids alone. It is flushed to the disk before this returns.
    """
    path = Path(settings.ERASURE_LEDGER)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(
        {"erased_at": at.isoformat(), "customers": sorted(str(each.public_id) for each in records)}
    )
    with path.open("a") as ledger:
        ledger.write(f"{line}\n")
        ledger.flush()
        os.fsync(ledger.fileno())


def replay_ledger(path: Path, *, at: datetime) -> int:
    """Erase whoever a restored dump brought back of those the ledger names; return how many.

    Raises FileNotFoundError without a ledger.
    """
    ids = {each for line in path.read_text().splitlines() if line for each in json.loads(line)["customers"]}
    back = Customer.objects.filter(public_id__in=ids, merged_into=None).exclude(status=Customer.Status.ERASED)
    found = list(back.order_by("pk"))
    for customer in found:
        erase_customer(customer, at=at)
    return len(found)
