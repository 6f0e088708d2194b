"""How the tables of customers are merged whose rows cannot simply move. Named in customer_tables.py."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from customers.merge_rules import Statement, settled_consents
from customers.models import (
    Because,
    CompanyContact,
    Consent,
    ConsentRecord,
    Customer,
    DoNotMerge,
    Identity,
    Lead,
    LeadStage,
    MergedRow,
    MergeOperation,
    Segment,
    SegmentMembership,
    SegmentOverride,
    Trait,
)
from customers.registry import CustomerTable
from customers.services.journal import Merge
from customers.services.rollups import refresh_rollups


def merge_identities(merge: Merge, table: CustomerTable) -> None:
    """One key of both is one key; what only these two shared is shared no more."""
    own = {(one.namespace, one.value): one for one in Identity.objects.filter(customer=merge.survivor)}
    for identity in Identity.objects.filter(customer=merge.loser).order_by("pk"):
        twin = own.get((identity.namespace, identity.value))
        if twin is None:
            merge.move(Identity.objects.filter(pk=identity.pk))
            continue
        merge.remove(Identity.objects.filter(pk=identity.pk))
        holders = Identity.objects.filter(namespace=twin.namespace, value=twin.value)
        changes = {}
        if twin.shared and holders.count() == 1:
            changes["shared"] = False
        if twin.verified_at is None and identity.verified_at:
            changes["verified_at"] = identity.verified_at
        if changes:
            merge.change(twin, **changes)


def merge_consents(merge: Merge, table: CustomerTable) -> None:
    """Settle every contact point anew from the ledger, whose entries have moved already (I8)."""
    own = set(_points(Consent.objects.filter(customer=merge.survivor)).values())
    for pk, point in _points(Consent.objects.filter(customer=merge.loser)).items():
        row = Consent.objects.filter(pk=pk)
        merge.remove(row) if point in own else merge.move(row)
    settled = settled_points(merge.survivor.pk)
    for consent in Consent.objects.filter(customer=merge.survivor).order_by("pk"):
        decided = settled.get((consent.channel, consent.purpose, consent.address))
        if decided and (consent.record_id, consent.state) != (decided.id, decided.state):
            foreign = decided.address != consent.address
            merge.change(
                consent,
                state=decided.state,
                record_id=decided.id,
                changed_at=merge.operation.merged_at if foreign else decided.occurred_at,
            )


def _points(consents: QuerySet[Consent]) -> dict[int, tuple[str, str, str]]:
    rows = consents.order_by("pk").values_list("pk", "channel", "purpose", "address")
    return {row[0]: row[1:] for row in rows}


def settled_points(customer_id: int) -> dict[tuple[str, str, str], Statement]:
    """Return the statement that decides each contact point of a customer and of whom they once were."""
    records = list(ConsentRecord.objects.filter(customer=customer_id).order_by("pk"))
    origins = _origins([record.pk for record in records])
    statements = [
        Statement(
            id=record.pk,
            channel=record.channel,
            purpose=record.purpose,
            address=record.address,
            state=record.state,
            occurred_at=record.occurred_at,
            origin=origins.get(record.pk, customer_id),
        )
        for record in records
    ]
    return settled_consents(statements, joined_at=_Genealogy(customer_id).joined_at)


def _origins(record_ids: list[int]) -> dict[int, int]:
    """Return under whom each ledger entry stood before any merge that still stands."""
    rows = MergedRow.objects.filter(
        label=ConsentRecord._meta.label, row_id__in=record_ids, operation__undone_at__isnull=True
    )
    return dict(rows.order_by("-operation_id").values_list("row_id", "from_customer_id"))


class _Genealogy:
    """Who was merged into whom, up to one customer."""

    def __init__(self, customer_id: int) -> None:
        self.into: dict[int, MergeOperation] = {}
        generation = [customer_id]
        while generation:
            operations = MergeOperation.objects.standing().filter(survivor__in=generation)
            generation = []
            for operation in operations.prefetch_related("losers"):
                for loser in operation.losers.all():
                    self.into[loser.pk] = operation
                    generation.append(loser.pk)

    def joined_at(self, one: int, other: int) -> datetime | None:
        """Return when these two became one; None for one and the same."""
        first, second = self._path(one), self._path(other)
        common = next((pk for pk in first if pk in second), None)
        merges = [path[common] for path in (first, second) if common is not None and path[common]]
        return max((merge.merged_at for merge in merges), default=None)

    def _path(self, customer_id: int) -> dict[int, MergeOperation | None]:
        """Return whom this customer became, each with the merge that led there."""
        path: dict[int, MergeOperation | None] = {customer_id: None}
        while customer_id in self.into:
            operation = self.into[customer_id]
            customer_id = operation.survivor_id
            path[customer_id] = operation
        return path


def merge_rollups(merge: Merge, table: CustomerTable) -> None:
    """Totals follow from the orders; `settle_rollups` counts them again."""
    table.rows(merge.loser.pk).delete()


def settle_rollups(customer_ids: Iterable[int], *, at: datetime) -> None:
    """Count the orders of these customers again."""
    refresh_rollups(customer_ids)


def merge_memberships(merge: Merge, table: CustomerTable) -> None:
    """Who was in a segment stays in it, without entering it; who both were in it counts once from now on."""
    rows = SegmentMembership.objects.filter(customer=merge.loser)
    # A refresh takes the segment before its memberships, and so must we.
    segments = Segment.objects.filter(pk__in=rows.values("segment")).order_by("pk")
    list(segments.select_for_update(no_key=True))
    shared = SegmentMembership.objects.current().filter(customer=merge.survivor).values("segment")
    for membership in rows.current().filter(segment__in=shared).select_related("segment").order_by("pk"):
        left_at = max(membership.entered_at, merge.operation.merged_at)
        merge.change(membership, left_at=left_at, left_because=Because.MERGED)
        if membership.segment.size:
            merge.add(membership.segment, size=-1)
    merge.move(rows)


def merge_decisions(merge: Merge, table: CustomerTable) -> None:
    """Who was to be kept out of a segment is kept out; else the survivor's decision holds."""
    own = {one.segment_id: one for one in SegmentOverride.objects.filter(customer=merge.survivor)}
    for decision in SegmentOverride.objects.filter(customer=merge.loser).order_by("pk"):
        twin = own.get(decision.segment_id)
        if twin is None:
            merge.move(SegmentOverride.objects.filter(pk=decision.pk))
            continue
        if decision.kind == SegmentOverride.Kind.EXCLUDE and twin.kind != decision.kind:
            merge.change(twin, kind=decision.kind)
        merge.remove(SegmentOverride.objects.filter(pk=decision.pk))


def merge_traits(merge: Merge, table: CustomerTable) -> None:
    """Of two values of one trait the one computed last holds."""
    own = {trait.code: trait for trait in Trait.objects.filter(customer=merge.survivor)}
    for trait in Trait.objects.filter(customer=merge.loser).order_by("pk"):
        twin = own.get(trait.code)
        if twin and (twin.computed_at, -twin.pk) >= (trait.computed_at, -trait.pk):
            merge.remove(Trait.objects.filter(pk=trait.pk))
            continue
        if twin:
            merge.remove(Trait.objects.filter(pk=twin.pk))
        merge.move(Trait.objects.filter(pk=trait.pk))


def merge_leads(merge: Merge, table: CustomerTable) -> None:
    """Of two ways the survivor's is kept; who is a customer with the other has arrived, told to nobody."""
    theirs = Lead.objects.filter(customer=merge.loser)
    arrived_at = theirs.values_list("converted_at", flat=True).first() or merge.operation.merged_at
    merge.absorb(table.rows(merge.loser.pk))
    statuses = {merge.survivor.status, *merge.operation.snapshot.get("statuses", {}).values()}
    if Customer.Status.ACTIVE not in statuses:
        return
    for lead in Lead.objects.filter(customer=merge.survivor).exclude(stage=LeadStage.CONVERTED):
        merge.change(lead, stage=LeadStage.CONVERTED, converted_at=arrived_at, moved_at=arrived_at, reason="")


def merge_contacts(merge: Merge, table: CustomerTable) -> None:
    """A contact moves with either side; where both sides are one now, or it stands already, it goes."""
    other = "person" if table.field == "company" else "company"
    theirs = table.rows(merge.loser.pk)
    own = CompanyContact.objects.filter(**{table.field: merge.survivor}).values(other)
    merge.remove(theirs.filter(Q(**{other: merge.survivor}) | Q(**{f"{other}__in": own})))
    merge.move(table.rows(merge.loser.pk), table.field)


def merge_pairs(merge: Merge, table: CustomerTable) -> None:
    """Whoever was not to be merged with the loser is not to be merged with the survivor."""
    for pair in DoNotMerge.objects.filter(Q(first=merge.loser) | Q(second=merge.loser)).order_by("pk"):
        other = pair.second_id if pair.first_id == merge.loser.pk else pair.first_id
        first, second = sorted([other, merge.survivor.pk])
        twins = DoNotMerge.objects.filter(first=first, second=second).exclude(pk=pair.pk)
        if first == second or twins.exists():
            merge.remove(DoNotMerge.objects.filter(pk=pair.pk))
        else:
            merge.change(pair, first_id=first, second_id=second)
