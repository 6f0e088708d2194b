"""Taking an import back within a day: whatever it changed that nothing else has touched since.

The journal is read from its end, a portion per transaction; what was taken back leaves it, so that an undoing
that was killed goes on where it was.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from customers.models import (
    Consent,
    ConsentRecord,
    Event,
    EventKey,
    Order,
    OrderLine,
    PendingEvent,
    Product,
)
from customers.models.consent import ConsentState
from customers.models.imports import ImportedRow, ImportRun
from customers.services.consents import StatedConsent, enter_consents
from customers.services.events import record_events
from customers.services.imports import ImportNotPossible
from customers.services.locks import lock_live_customers
from customers.services.orders import order_event
from customers.services.rollups import refresh_rollups
from customers.services.undone_customers import delete_unless_needed, undo_customers
from operations.locks import retry_deadlocks
from operations.models import JobRun, User
from operations.services import advance_job, promise_job

PORTION = 500
Rows = Sequence[ImportedRow]


def start_undo(run: ImportRun, *, owner: User | None, at: datetime) -> ImportRun:
    """Promise that an import is taken back. Raises ImportNotPossible when its day is over."""
    with transaction.atomic():
        run = ImportRun.objects.select_for_update().get(pk=run.pk)
        if not run.can_be_undone(at=at):
            raise ImportNotPossible("An import can be undone within a day after it ended.")
        run.status = ImportRun.Status.UNDOING
        total = run.rows.count()
        run.job = promise_job(
            "import.undo", title=run.file_name, owner=owner, total=total, parameters={"import": run.pk}
        )
        run.save(update_fields=["status", "job"])
    return run


def undo_rows(job: JobRun) -> dict[str, Any]:
    """Carry an undoing out, or go on with one whose process was killed."""
    run = ImportRun.objects.select_related("source").get(pk=job.parameters["import"])
    undo = _UNDO[run.kind]
    while rows := list(run.rows.order_by("-pk")[:PORTION]):
        _take_back(run, rows, undo)
        advance_job(job, done=(job.total or 0) - run.rows.count())
    run.status, run.undone_at = ImportRun.Status.UNDONE, timezone.now()
    run.save(update_fields=["status", "undone_at"])
    return run.report.get("undone", {})


def _take_back(run: ImportRun, rows: Rows, undo: Callable[[ImportRun, Rows], int]) -> None:
    before = run.report.get("undone", {"taken_back": 0, "kept": 0})

    @transaction.atomic
    def take_back() -> None:
        taken_back = undo(run, rows)
        counted = {
            "taken_back": before["taken_back"] + taken_back,
            "kept": before["kept"] + len(rows) - taken_back,
        }
        run.report = run.report | {"undone": counted}
        run.save(update_fields=["report"])
        ImportedRow.objects.filter(pk__in=[row.pk for row in rows]).delete()

    # A merge of people on both sides of the portion may be in the way.
    retry_deadlocks(take_back)


def _undo_customers(run: ImportRun, rows: Rows) -> int:
    customers = {row.customer_id for row in rows}
    restore_consents(run, ConsentRecord.objects.filter(customer__in=customers, proof__import=run.pk))
    return undo_customers(run, rows, at=timezone.now())


def _undo_consents(run: ImportRun, rows: Rows) -> int:
    return restore_consents(run, ConsentRecord.objects.filter(pk__in=[row.target for row in rows]))


def restore_consents(run: ImportRun, records: Any) -> int:
    """Enter the states that held before these ledger entries, where they still hold; return how many."""
    told = {record.pk: record for record in records}
    current = Consent.objects.filter(record__in=told).select_related("customer", "record").order_by("pk")
    said_before = _said_before(told)
    statements = []
    for consent in current:
        record = consent.record
        before = said_before.get((consent.customer_id, consent.channel, consent.purpose, consent.address))
        if before and before.state == ConsentState.PENDING:
            before = None  # Nobody had confirmed it: nothing to go back to.
        # Without a state before, a grant is withdrawn; a refusal stays, since forgetting it would widen.
        state = before.state if before else ConsentState.WITHDRAWN
        if state == record.state or (before is None and record.state != ConsentState.GRANTED):
            continue
        statements.append(
            StatedConsent(
                customer=consent.customer,
                channel=consent.channel,
                purpose=consent.purpose,
                state=state,
                address=consent.address,
                source=run.source,
                text_version=before.text_version if before else "",
                proof=((before.proof if before else None) or {}) | {"undone_import": run.pk},
            )
        )
    return sum(outcome.created for outcome in enter_consents(statements, at=timezone.now()))


def _said_before(told: dict[int, ConsentRecord]) -> dict[tuple, ConsentRecord]:
    """Return what stood last in the ledger without these entries, by customer and contact point."""
    customers = {record.customer_id for record in told.values()}
    others = ConsentRecord.objects.filter(customer__in=customers).exclude(pk__in=told)
    return {
        (record.customer_id, record.channel, record.purpose, record.address): record
        for record in others.order_by("occurred_at", "pk")
    }


def _undo_orders(run: ImportRun, rows: Rows) -> int:
    """Cancel what was not refunded or cancelled since; its number is free for the file put right."""
    told = Order.objects.filter(pk__in=[row.target for row in rows])
    # Before their orders, as a merge, a return and a cancelling take them.
    lock_live_customers(told.values_list("customer", flat=True))
    orders = list(
        told.filter(refunded_amount=0, returns__isnull=True)
        .exclude(status__in=[Order.Status.CANCELLED, Order.Status.REFUNDED])
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
    )
    counted = [order for order in orders if order.status == Order.Status.PAID]
    for order in orders:
        order.status = Order.Status.CANCELLED
        order.external_id = f"{order.external_id[:100]}~{order.pk}"
    Order.objects.bulk_update(orders, ["status", "external_id"])
    refresh_rollups(order.customer_id for order in counted)
    at = timezone.now()
    cancelled = [
        order_event("order.cancelled", order, f"order:{order.pk}:cancelled", occurred_at=at)
        for order in counted
    ]
    record_events(cancelled, announce=run.announce)
    return len(orders)


def _undo_events(run: ImportRun, rows: Rows) -> int:
    """Take events from their customers and free their keys; the log itself keeps what it was told."""
    ids = [row.target for row in rows]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL fidelio.merging = 'on'")
    Event.objects.filter(pk__in=ids).update(customer=None)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL fidelio.merging = 'off'")
    PendingEvent.objects.filter(event__in=ids).delete()
    EventKey.objects.filter(pk__in=ids).delete()
    return len(ids)


def _undo_products(run: ImportRun, rows: Rows) -> int:
    """The journal has an article once or, where the file changed it again, with the latest state first."""
    locked = Product.objects.filter(pk__in=[row.target for row in rows]).order_by("pk")
    products = {product.pk: product for product in locked.select_for_update(no_key=True)}
    made, restored, taken_back = {}, {}, 0
    for row in rows:
        product = products.get(row.target)
        if product is None:
            continue
        if row.before is None:
            made[product.pk] = product
            continue
        for name, value in row.before.items():
            setattr(product, name, Product._meta.get_field(name).to_python(value))
            restored.setdefault(name, {})[product.pk] = product
        taken_back += 1
    for name, changed in restored.items():
        Product.objects.bulk_update(changed.values(), [name])
    return taken_back + delete_unless_needed(Product.objects.filter(pk__in=set(made) - _used(made)))


def _used(products: Iterable[int]) -> set[int]:
    """Return which of these articles an order or an event names."""
    found: set[int] = set()
    for model in (OrderLine, Event):
        named = model.objects.filter(product__in=list(products)).order_by()
        found.update(named.values_list("product", flat=True).distinct())
    return found


_UNDO: dict[str, Callable[[ImportRun, Rows], int]] = {
    "customers": _undo_customers,
    "orders": _undo_orders,
    "products": _undo_products,
    "events": _undo_events,
    "consents": _undo_consents,
}
