"""Undoing what was spent, exactly once, whoever else does so at the same moment.

A rollback takes the locks of a redemption in the same order (`coupons.services.locks`) and gives back just
what the redemption wrote down that it took.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction
from django.db.models import F

from coupons.errors import AlreadyRolledBack
from coupons.models import BudgetPeriod, Coupon, LimitCounter, Redemption, RedemptionStack
from coupons.services.keys import BudgetKey, CounterKey
from coupons.services.locks import lock_coupons
from coupons.services.redemption_events import redemption_event
from customers.models import Order
from customers.services import record_events
from customers.services.locks import lock_live_customers
from customers.services.orders import lock_order

Status = Redemption.Status


def roll_back_redemption(stack: RedemptionStack, *, reason: str = "", at: datetime) -> RedemptionStack:
    """Undo a stack whole, exactly once, at any age: uses, counters and budgets are as if it never was.

    Raises AlreadyRolledBack.
    """
    with transaction.atomic():
        stack = _locked_stack(stack)
        if stack.status == Status.ROLLED_BACK:
            raise AlreadyRolledBack
        redemptions = list(stack.redemptions.select_related("coupon").order_by("position"))
        used = Counter(one.coupon_id for one in redemptions if one.coupon_id)
        for coupon in lock_coupons(used):
            Coupon.objects.filter(pk=coupon.pk).update(uses=F("uses") - used[coupon.pk])
        stack.status, stack.rolled_back_at, stack.rollback_reason = Status.ROLLED_BACK, at, reason
        stack.save(update_fields=["status", "rolled_back_at", "rollback_reason"])
        stack.redemptions.update(status=Status.ROLLED_BACK)
        record_events([redemption_event(one, stack, "coupon.rolled_back", at) for one in redemptions])
        _give_back_counters(redemptions)
        _give_back_budgets(redemptions)
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
    for stack in order.redemption_stacks.filter(status=Status.REDEEMED).order_by("pk"):
        try:
            roll_back_redemption(stack, reason=reason, at=at)
        except AlreadyRolledBack:
            continue
        count += 1
    return count


def _locked_stack(stack: RedemptionStack) -> RedemptionStack:
    customer_id = RedemptionStack.objects.values_list("customer", flat=True).get(pk=stack.pk)
    lock_live_customers([customer_id], shared=True)
    return RedemptionStack.objects.select_for_update().get(pk=stack.pk)


def _give_back_counters(redemptions: Iterable[Redemption]) -> None:
    """A person's counter is that of who they are now: a merge adds counters up."""
    taken: Counter = Counter()
    for one in redemptions:
        for coupon, personal, email_hash, period, starts_on in one.consumed.get("counters", ()):
            customer = one.customer_id if personal else 0
            day = date.fromisoformat(starts_on)
            taken[CounterKey(one.promotion_id, coupon, customer, email_hash, period, day)] += 1
    for key in sorted(taken):
        LimitCounter.objects.filter(**key.columns).update(used=F("used") - taken[key])


def _give_back_budgets(redemptions: Iterable[Redemption]) -> None:
    taken: Counter = Counter()
    for one in redemptions:
        for budget, starts_on, units in one.consumed.get("budgets", ()):
            taken[BudgetKey(budget, date.fromisoformat(starts_on))] += units
    for key in sorted(taken):
        BudgetPeriod.objects.filter(budget=key.budget, starts_on=key.starts_on).update(
            used=F("used") - taken[key]
        )
