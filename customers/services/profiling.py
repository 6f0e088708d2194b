"""Whether a person's data may be used at all, and for profiling: derived from what they said and asked.

Models that look at everybody at once lock nobody, so that somebody may refuse, or be erased, while one runs.
Whoever deletes a person's profile shares a lock; whoever wrote profiles sweeps them afterwards under the same
lock alone: a refusal is either seen by the sweep, or deletes what was written.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, F, Max, Q, QuerySet

from customers.models import (
    Consent,
    Customer,
    Purpose,
    RightsRequest,
    Segment,
    SegmentMembership,
)
from customers.models.consent import ConsentState
from customers.registry import customer_tables
from customers.services.journal import Merge
from operations.locks import lock_alone, lock_shared

Kind, Profiling = RightsRequest.Kind, Customer.Profiling
REFUSING = [ConsentState.DENIED, ConsentState.WITHDRAWN, ConsentState.OBJECTED]
PROFILE_KINDS = [Segment.Kind.RFM, Segment.Kind.CLUSTER]
LOCK = "customers.profiles"
# Longer than any transaction: whoever refused before has been seen by an earlier sweep.
SWEPT_BACK = timedelta(days=1)
# As the partial index `customer_not_profiled` has them.
NOT_PROFILED = Q(restricted_at__isnull=False) | ~Q(profiling=Profiling.ALLOWED) | Q(status="ERASED")


def settle_processing(customer_ids: Iterable[int], *, at: datetime) -> None:
    """Bring `profiling` and `restricted_at` of these customers up to their consents and requests.

    One refusal anywhere ends profiling, and so it is after a merge. A restriction stands until it is released
    as often as it was asked for. Where either begins, what was computed about the person is deleted.
    """
    ids = list(customer_ids)
    refused = _with_consent(ids, REFUSING)
    lapsed = _with_consent(ids, [ConsentState.EXPIRED])
    restricted = _restrictions(ids)
    for customer in Customer.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True):
        pk = customer.pk
        profiling = (
            Profiling.OBJECTED if pk in refused else Profiling.LAPSED if pk in lapsed else Profiling.ALLOWED
        )
        before = (customer.profiling, customer.restricted_at)
        customer.profiling, customer.restricted_at = profiling, restricted.get(pk)
        if (customer.profiling, customer.restricted_at) == before:
            continue
        customer.save(update_fields=["profiling", "restricted_at", "updated_at"])
        if profiling != Profiling.ALLOWED or customer.restricted_at:
            _delete_profile(customer, at=at)


def _with_consent(ids: list[int], states: list[str]) -> set[int]:
    consents = Consent.objects.filter(customer__in=ids, purpose=Purpose.PROFILING, state__in=states)
    return set(consents.values_list("customer_id", flat=True))


def _restrictions(ids: list[int]) -> dict[int, datetime]:
    """Return since when the processing is restricted, of those customers for whom it is."""
    asked = Q(kind=Kind.RESTRICTION)
    requests = RightsRequest.objects.filter(customer__in=ids, kind__in=[Kind.RESTRICTION, Kind.RELEASE])
    counted = (
        requests.order_by()
        .values("customer_id")
        .annotate(
            open=Count("pk", filter=asked) - Count("pk", filter=~asked),
            since=Max("completed_at", filter=asked),
        )
    )
    return {row["customer_id"]: row["since"] for row in counted if row["open"] > 0}


def drop_profile(merge: Merge) -> None:
    """End the survivor's profile when a refusal came with the loser; an undo of the merge returns it.

    What was computed goes through the journal; `settle_processing` then finds nothing left to delete.
    """
    pk = merge.survivor.pk
    if not (_with_consent([pk], [*REFUSING, ConsentState.EXPIRED]) or _restrictions([pk])):
        return
    scored = _scored(pk, at=merge.operation.merged_at)
    segments = Segment.objects.filter(pk__in=scored.values("segment")).order_by("pk")
    sizes = {segment.pk: segment for segment in segments.select_for_update(no_key=True)}
    for membership in scored.order_by("pk"):
        merge.change(membership, left_at=merge.operation.merged_at)
        if sizes[membership.segment_id].size:
            merge.add(sizes[membership.segment_id], size=-1)
    for table in reversed(customer_tables()):
        if table.profile:
            merge.remove(table.rows(pk))


def keep_sweeps_waiting() -> None:
    """Let sweeps wait for the end of this transaction, which deletes somebody's profile."""
    lock_shared(LOCK)


def sweep_profiles(*, at: datetime) -> int:
    """Delete what was computed about people who refused it, or were erased, meanwhile; return how many.

    To be called by whoever wrote profiles of many without locking them, after it was committed.
    """
    with transaction.atomic():
        lock_alone(LOCK)
        late = _late_profiles(at)
        for customer in Customer.objects.filter(pk__in=late).order_by("pk"):
            _remove_profile(customer, at=at)
    return len(late)


def _late_profiles(at: datetime) -> set[int]:
    refused = Customer.objects.filter(NOT_PROFILED, updated_at__gte=at - SWEPT_BACK).order_by().values("pk")
    if not refused.exists():
        return set()
    tables = [(table.model._base_manager.all(), table.field) for table in customer_tables() if table.profile]
    members = SegmentMembership.objects.current().filter(segment__kind__in=PROFILE_KINDS, entered_at__lte=at)
    tables.append((members, "customer"))
    late: set[int] = set()
    for rows, field in tables:
        late |= set(rows.filter(**{f"{field}__in": refused}).order_by().values_list(field, flat=True))
    return late


def _delete_profile(customer: Customer, *, at: datetime) -> None:
    keep_sweeps_waiting()
    _remove_profile(customer, at=at)


def _remove_profile(customer: Customer, *, at: datetime) -> None:
    scored = _scored(customer.pk, at=at)
    segments = Segment.objects.filter(pk__in=scored.values("segment"), size__gt=0).order_by("pk")
    left = list(segments.select_for_update(no_key=True).values_list("pk", flat=True))
    Segment.objects.filter(pk__in=left).update(size=F("size") - 1)
    scored.update(left_at=at)
    for table in reversed(customer_tables()):
        if table.profile:
            table.rows(customer.pk).delete()


def _scored(customer_id: int, *, at: datetime) -> QuerySet[SegmentMembership]:
    current = SegmentMembership.objects.current().filter(customer=customer_id, entered_at__lte=at)
    return current.filter(segment__kind__in=PROFILE_KINDS)
