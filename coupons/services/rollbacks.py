"""Undoing what was spent, exactly once, whoever else does so at the same moment.

A rollback takes the locks of a redemption in the same order and gives back just what the redemption wrote
down that it took, less what returns gave back before.
"""

from datetime import datetime

from django.db import transaction

from coupons.errors import AlreadyRolledBack
from coupons.models import Redemption, RedemptionStack
from coupons.services.givebacks import Owed, give_back, lock_stack, payments
from coupons.services.redemption_events import redemption_event
from customers.models import Order
from customers.services import record_events
from customers.services.orders import lock_order
from operations.models import User

Status = Redemption.Status


def roll_back_redemption(
    stack: RedemptionStack, *, reason: str = "", by: User | None = None, at: datetime
) -> RedemptionStack:
    """Undo a stack whole, exactly once, at any age: uses, counters, budgets, gift money and points.

    What returns gave back before is not given back again. Raises AlreadyRolledBack.
    """
    with transaction.atomic():
        stack = lock_stack(stack)
        if stack.status == Status.ROLLED_BACK:
            raise AlreadyRolledBack
        redemptions = list(stack.redemptions.select_related("promotion", "coupon").order_by("position"))
        used = stack.status == Status.REDEEMED
        owed = [Owed(one, paid.left, paid.units - paid.returned_units) for one, paid in payments(stack)]
        stack.status, stack.rolled_back_at, stack.rollback_reason = Status.ROLLED_BACK, at, reason
        stack.save(update_fields=["status", "rolled_back_at", "rollback_reason"])
        stack.redemptions.update(status=Status.ROLLED_BACK)
        if used:
            told = {"reason": reason, "by": by.pk if by else None}
            record_events([redemption_event(one, stack, "rolled_back", at, **told) for one in redemptions])
        give_back(redemptions, uses=used, owed=owed, cause="rollback", at=at)
    return stack


def find_stack(reference: str) -> RedemptionStack | None:
    """Return the stack under its id, or under the id of one redemption in it (`17-1`)."""
    number = reference.partition("-")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    return RedemptionStack.objects.select_related("customer").filter(pk=int(number)).first()


def link_order(order: Order) -> int:
    """Tie the stacks that were spent on this order to it, now that it is recorded; return how many."""
    with transaction.atomic():
        lock_order(order)
        return RedemptionStack.objects.filter(
            source_code=order.source.code, external_id=order.external_id, order=None
        ).update(order=order)


def roll_back_order(order: Order, *, reason: str, at: datetime) -> int:
    """Undo every stack spent on an order that was cancelled; return how many there were."""
    link_order(order)
    count = 0
    for stack in order.redemption_stacks.exclude(status=Status.ROLLED_BACK).order_by("pk"):
        try:
            roll_back_redemption(stack, reason=reason, at=at)
        except AlreadyRolledBack:
            continue
        count += 1
    return count
