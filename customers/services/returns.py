"""Goods that come back."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from customers.errors import OrderNotPossible, ReturnConflict, ReturnNotPossible
from customers.models import Order, OrderLine, Return, ReturnLine
from customers.rules import refund_for
from customers.services.events import record_events
from customers.services.orders import lock_order, order_event
from customers.services.rollups import refresh_rollups
from operations.errors import InvalidInput
from operations.outcomes import Outcome


def record_return(
    order: Order, *, source_id: str, returned_at: datetime, quantities: Mapping[str, Decimal]
) -> Outcome:
    """Record that `quantities` (line id to units) of an order came back, and what that refunds.

    Each refund is taken from what the line cost after discounts, so that all units together refund exactly
    what was paid. The same `source_id` with the same lines is the same return. Everything back makes the
    order REFUNDED. Told as `order.returned`. Locks the order.

    Raises ReturnConflict, ReturnNotPossible (more than bought), OrderNotPossible (not paid), InvalidInput.
    """
    with transaction.atomic():
        order = lock_order(order)
        repeated = order.returns.filter(external_id=source_id).first()
        if repeated:
            return _repeat(repeated, quantities)
        if order.status not in (Order.Status.PAID, Order.Status.REFUNDED):
            raise OrderNotPossible("Only what was paid can come back.")
        lines = {line.line_id: line for line in order.lines.annotate(back=Sum("returned__quantity"))}
        returned = [_return_line(lines, line_id, quantity) for line_id, quantity in quantities.items()]
        row = Return.objects.create(
            order=order,
            external_id=source_id,
            returned_at=returned_at,
            refund_amount=sum(line.refund_amount for line in returned),
        )
        for line in returned:
            line.parent = row
        ReturnLine.objects.bulk_create(returned)
        _settle(order, row, lines.values(), quantities)
    return Outcome(row=row, created=True)


def _repeat(row: Return, quantities: Mapping[str, Decimal]) -> Outcome:
    recorded = dict(row.lines.values_list("line__line_id", "quantity"))
    if recorded != dict(quantities):
        raise ReturnConflict
    return Outcome(row=row)


def _return_line(lines: dict[str, OrderLine], line_id: str, quantity: Decimal) -> ReturnLine:
    line = lines.get(line_id)
    if line is None:
        raise InvalidInput.at("/lines", f"The order has no line {line_id}.")
    before = line.back or Decimal(0)
    if before + quantity > line.quantity:
        left = line.quantity - before
        raise ReturnNotPossible(f"Line {line_id}: {_plain(quantity)} would come back, {_plain(left)} can.")
    refund = refund_for(line.total_amount, line.quantity, returned=before, more=quantity)
    return ReturnLine(line=line, quantity=quantity, refund_amount=refund)


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _settle(order: Order, row: Return, lines, quantities: Mapping[str, Decimal]) -> None:
    order.refunded_amount += row.refund_amount
    everything = all((line.back or 0) + quantities.get(line.line_id, 0) == line.quantity for line in lines)
    if everything and order.refunded_amount == order.total_amount:
        order.status = Order.Status.REFUNDED
    order.save(update_fields=["refunded_amount", "status"])
    refresh_rollups([order.customer_id])
    record_events(
        [
            order_event(
                "order.returned",
                order,
                f"return:{row.pk}",
                occurred_at=row.returned_at,
                amount=row.refund_amount,
                payload={"return": row.pk},
            )
        ]
    )
