"""Whether a person's data may be used at all, and for profiling: derived from what they said and asked."""

from collections.abc import Iterable
from datetime import datetime

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

Kind, Profiling = RightsRequest.Kind, Customer.Profiling
REFUSING = [ConsentState.DENIED, ConsentState.WITHDRAWN, ConsentState.OBJECTED]


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


def _delete_profile(customer: Customer, *, at: datetime) -> None:
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
    return current.filter(segment__kind__in=[Segment.Kind.RFM, Segment.Kind.CLUSTER])
