"""Records of one person become one customer, and are taken apart again, exactly."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.module_loading import import_string

from customers.errors import CustomerErased, KeptApart, NothingToMerge
from customers.models import Customer, DoNotMerge, MergeOperation, Order, Source, SourceProfile
from customers.registry import CustomerTable, OnMerge, customer_tables
from customers.services.events import new_event, record_events
from customers.services.journal import Merge, take_back
from customers.services.locks import lock_live_customers
from customers.services.merged_golden import golden_of, restore_golden, write_golden
from customers.services.profiling import drop_profile
from customers.services.references import survivor as survivor_of
from operations.locks import retry_deadlocks
from operations.models import ApiClient, User

LONGEST_CHAIN = 10
# Of several records the one that knows the person best decides.
STANDING = [Customer.Status.ANONYMOUS, Customer.Status.PROSPECT, Customer.Status.ACTIVE]


def merge_customers(
    survivor: Customer,
    losers: Iterable[Customer],
    *,
    reason: str,
    at: datetime,
    by: User | None = None,
    client: ApiClient | None = None,
) -> MergeOperation:
    """Make everything of `losers` the survivor's; their ids lead to the survivor from now on.

    One transaction, customers locked in the order of their keys; whoever was merged before counts as whom
    they became. Nothing is sent, rewarded or triggered. Repeated, it returns the first operation. Told as
    `customer.merged`.

    Raises NothingToMerge, KeptApart (the pair is not to be merged), CustomerErased.
    """
    asked = [survivor.pk, *(loser.pk for loser in losers)]

    def merge() -> MergeOperation:
        live = lock_live_customers(asked)
        target = live[survivor.pk]
        others = {live[pk].pk: live[pk] for pk in asked[1:] if live[pk].pk != target.pk}
        if not others:
            return _merged_before(asked)
        _check(target, others)
        operation = MergeOperation.objects.create(
            survivor=target, reason=reason.strip()[:300], user=by, client=client, merged_at=at
        )
        operation.losers.set(others)
        with _moving_allowed():
            _apply(operation, at=at)
            _settle([target.pk, *others], at=at)
        _tell("customer.merged", operation, [target], at=at)
        return operation

    return _retried(merge)


def undo_merge(
    operation: MergeOperation, *, at: datetime, by: User | None = None, client: ApiClient | None = None
) -> MergeOperation:
    """Take a merge back: every row is whose it was, and what came since goes with its source profile.

    Later merges of the same people are taken back first and made again without those who leave. The pair is
    kept apart from now on. Undone before, it stays as it is. Told as `customer.unmerged`.

    Raises CustomerErased: what was forgotten cannot be told apart.
    """

    def undo() -> MergeOperation:
        later = _locked_with_what_followed(operation)
        undone = MergeOperation.objects.select_for_update().get(pk=operation.pk)
        if undone.undone_at:
            return undone
        if survivor_of(undone.survivor).status == Customer.Status.ERASED:
            raise CustomerErased
        with _moving_allowed():
            for one in reversed(later):
                _revert(one, at=at)
            _revert(undone, at=at)
            undone.undone_at, undone.undone_by, undone.undone_client = at, by, client
            undone.save(update_fields=["undone_at", "undone_by", "undone_client"])
            _keep_apart(undone, at=at, by=by)
            for one in later:
                _apply(one, at=at)
            people = _people([undone, *later])
            _settle(people, at=at)
        # Read anew: a later merge that was made again has taken the survivor in.
        kept = survivor_of(Customer.objects.get(pk=undone.survivor_id))
        _tell("customer.unmerged", undone, [kept, *undone.losers.order_by("pk")], at=at)
        return undone

    return _retried(undo)


def sweep_merges(*, at: datetime) -> int:
    """Give what was written for somebody while they were being merged to whom they became; return how many.

    Whoever locks the customer first never writes such a row. This is for those that cannot, as a campaign's
    snapshot of a whole segment. What is given on stands in the merge's journal.
    """
    taken = 0
    for _ in range(LONGEST_CHAIN):
        late = _late_customers()
        if not late:
            break
        taken += sum(_take_late(customer_id, at=at) for customer_id in late)
    return taken


def _late_customers() -> list[int]:
    merged = Customer.objects.filter(status=Customer.Status.MERGED)
    late: set[int] = set()
    for table in customer_tables():
        if table.on_merge is not OnMerge.STAY:
            rows = table.model._base_manager.filter(**{f"{table.field}__in": merged.values("pk")})
            late |= set(rows.values_list(table.field, flat=True).distinct())
    return sorted(late)


def _take_late(customer_id: int, *, at: datetime) -> int:
    with transaction.atomic():
        target = lock_live_customers([customer_id])[customer_id]
        loser = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
        operations = MergeOperation.objects.standing().filter(losers=loser)
        operation = operations.order_by("-pk").first()
        if operation is None or loser.merged_into_id is None:
            return 0
        # Through everybody on the way, so that each merge can be taken back on its own.
        with _moving_allowed():
            _take_in(Merge(operation, operation.survivor, loser))
            _settle({loser.pk, operation.survivor_id, target.pk}, at=at)
    return 1


def keep_apart(one: Customer, other: Customer, *, reason: str, at: datetime, by: User | None = None) -> None:
    """Remember that these two are not one person; said again, it changes nothing."""
    first, second = sorted([one.pk, other.pk])
    DoNotMerge.objects.get_or_create(
        first_id=first, second_id=second, defaults={"reason": reason[:300], "user": by, "created_at": at}
    )


def allow_merge(one: Customer, other: Customer) -> bool:
    """Let two customers be merged after all; return whether they had been kept apart."""
    first, second = sorted([one.pk, other.pk])
    deleted, _ = DoNotMerge.objects.filter(first=first, second=second).delete()
    return bool(deleted)


def are_kept_apart(customer_ids: Iterable[int]) -> bool:
    """Return whether two of these customers are not to be merged."""
    ids = list(customer_ids)
    return DoNotMerge.objects.filter(first__in=ids, second__in=ids).exists()


def _retried(work: Callable[[], MergeOperation]) -> MergeOperation:
    """Do it in a transaction; a deadlock with somebody who took locks in another order is tried again."""

    def attempt() -> MergeOperation:
        with transaction.atomic():
            return work()

    return retry_deadlocks(attempt)


@contextmanager
def _moving_allowed() -> Iterator[None]:
    """Let rows of append-only tables change their customer (docs/decisions/0005)."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL fidelio.merging = 'on'")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL fidelio.merging = 'off'")


def _merged_before(asked: list[int]) -> MergeOperation:
    operation = MergeOperation.objects.standing().filter(losers__in=asked).order_by("-pk").first()
    if operation is None:
        raise NothingToMerge
    return operation


def _check(target: Customer, others: dict[int, Customer]) -> None:
    if any(one.status == Customer.Status.ERASED for one in [target, *others.values()]):
        raise CustomerErased
    if are_kept_apart([target.pk, *others]):
        raise KeptApart


def _apply(operation: MergeOperation, *, at: datetime) -> None:
    """Carry the operation out, all its customers locked; its snapshot tells of the moment before."""
    people = {one.pk: one for one in Customer.objects.filter(pk__in=_people([operation]))}
    target = people.pop(operation.survivor_id)
    losers = [people[pk] for pk in sorted(people)]
    operation.snapshot = {
        "golden": golden_of(target),
        "statuses": {str(one.pk): one.status for one in [target, *losers]},
    }
    operation.save(update_fields=["snapshot"])
    for loser in losers:
        _take_in(Merge(operation, target, loser))
        loser.status, loser.merged_into = Customer.Status.MERGED, target
        loser.save(update_fields=["status", "merged_into", "updated_at"])
    drop_profile(Merge(operation, target, losers[-1]))
    statuses = operation.snapshot["statuses"].values()
    target.status = max(statuses, key=STANDING.index)
    target = write_golden(target, at=at)
    operation.snapshot["golden_after"] = golden_of(target)
    operation.save(update_fields=["snapshot"])


def _take_in(merge: Merge) -> None:
    # The upper apps' tables first: a message is locked before its coupon, as when it is sent.
    for table in sorted(customer_tables(), key=_layer, reverse=True):
        if table.step:
            import_string(table.step)(merge, table)
        elif table.on_merge is not OnMerge.STAY:
            merge.absorb(table.rows(merge.loser.pk), table.field)


def _layer(table: CustomerTable) -> int:
    return [path.partition(".")[0] for path in settings.CUSTOMER_TABLES].index(table.label.partition(".")[0])


def _revert(operation: MergeOperation, *, at: datetime) -> None:
    status = Customer.objects.values_list("status", flat=True).get(pk=operation.survivor_id)
    take_back(operation)
    statuses = operation.snapshot["statuses"]
    for loser in operation.losers.order_by("pk"):
        loser.status, loser.merged_into = statuses[str(loser.pk)], None
        loser.save(update_fields=["status", "merged_into", "updated_at"])
    restore_golden(operation, at=at)
    _hand_over(operation)
    if status == Customer.Status.ACTIVE and Customer.Status.ACTIVE not in statuses.values():
        _tell_who_arrived(operation)


def _tell_who_arrived(operation: MergeOperation) -> None:
    """Of prospects who became a customer together, whoever bought or registered since is the customer."""
    people = Customer.objects.filter(pk__in=_people([operation]))
    bought = Q(Exists(Order.objects.filter(customer=OuterRef("pk"))))
    told = SourceProfile.objects.filter(customer=OuterRef("pk"), observed_at__gte=operation.merged_at)
    registered = Q(Exists(told.exclude(source__kind__in=Source.STRANGERS)))
    arrived = list(people.filter(bought | registered).values_list("pk", flat=True))
    Customer.objects.filter(pk__in=arrived or [operation.survivor_id]).update(status=Customer.Status.ACTIVE)


def _hand_over(operation: MergeOperation) -> None:
    """Give what was recorded since the merge to whom its source profile (or its order) belongs to now."""
    losers = list(operation.losers.values_list("pk", flat=True))
    for table in customer_tables():
        if not table.owner:
            continue
        rows = table.rows(operation.survivor_id)
        for loser in losers:
            ids = list(rows.filter(**{table.owner: loser}).values_list("pk", flat=True))
            table.model._base_manager.filter(pk__in=ids).update(**{table.field: loser})


def _settle(customer_ids: Iterable[int], *, at: datetime) -> None:
    ids = sorted(set(customer_ids))
    for table in customer_tables():
        if table.settle:
            import_string(table.settle)(ids, at=at)
    for path in settings.MERGE_SETTLEMENTS:
        import_string(path)(ids, at=at)


def _people(operations: Iterable[MergeOperation]) -> list[int]:
    people: set[int] = set()
    for operation in operations:
        people |= {operation.survivor_id, *operation.losers.values_list("pk", flat=True)}
    return sorted(people)


def _locked_with_what_followed(operation: MergeOperation) -> list[MergeOperation]:
    """Lock everybody concerned; return the standing merges that built on this one, the earliest first."""
    while True:
        followed = _followed(operation)
        ids = _people([operation, *followed])
        list(Customer.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values("pk"))
        if _followed(operation) == followed:
            return followed


def _followed(operation: MergeOperation) -> list[MergeOperation]:
    followed: list[MergeOperation] = []
    person: Customer | None = operation.survivor
    while person is not None:
        followed += MergeOperation.objects.standing().filter(survivor=person, pk__gt=operation.pk)
        person = Customer.objects.select_related("merged_into").get(pk=person.pk).merged_into
    return sorted(followed, key=lambda one: one.pk)


def _keep_apart(operation: MergeOperation, *, at: datetime, by: User | None) -> None:
    for loser in operation.losers.all():
        keep_apart(operation.survivor, loser, reason=f"merge {operation.pk} undone", at=at, by=by)


def _tell(type: str, operation: MergeOperation, customers: list[Customer], *, at: datetime) -> None:
    payload: dict[str, Any] = {
        "merge": operation.pk,
        "survivor": str(operation.survivor.public_id),
        "losers": [str(one.public_id) for one in operation.losers.order_by("pk")],
        "reason": operation.reason,
    }
    record_events(
        [
            new_event(
                type,
                external_id=f"merge:{operation.pk}:{type.partition('.')[2]}:{customer.pk}",
                customer=customer,
                occurred_at=at,
                payload=payload,
            )
            for customer in customers
        ]
    )
