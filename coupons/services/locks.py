"""The order in which everything that spends takes its locks, so that nothing ever waits in a circle.

Promotions, then coupons by id, counters by key, accounts by id, budgets last: the hottest row is held
shortest.
"""

from collections.abc import Iterable

from django.db import connection

from coupons.models import BudgetPeriod, Coupon, LimitCounter, Promotion
from coupons.services.keys import BudgetKey, CounterKey
from operations.inserts import insert_missing


def lock_promotions(ids: Iterable[int]) -> list[Promotion]:
    """Return the promotions as they are now, and keep their status from changing until we are done.

    Shared among redemptions; only a stop, which takes the row FOR UPDATE, waits for us or we for it.
    """
    ids = sorted(set(ids))
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM coupons_promotion WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", [ids])
    return list(Promotion.objects.filter(pk__in=ids).order_by("pk"))


def lock_coupons(ids: Iterable[int]) -> list[Coupon]:
    """Return the coupons as they are now; whoever else wants to spend or switch them waits."""
    return list(Coupon.objects.select_for_update().filter(pk__in=set(ids)).order_by("pk"))


def lock_counters(keys: Iterable[CounterKey]) -> None:
    """Make sure that the counters exist and stay as they are."""
    keys = sorted(set(keys))
    insert_missing(
        [LimitCounter(used=0, **key.columns) for key in keys],
        unique=["promotion", "coupon", "customer", "email_hash", "period", "starts_on"],
    )
    for key in keys:
        LimitCounter.objects.select_for_update(no_key=True).get(**key.columns)


def lock_budgets(keys: Iterable[BudgetKey]) -> None:
    """Make sure that the budgets' periods exist and stay as they are."""
    keys = sorted(set(keys))
    open_periods(keys)
    for key in keys:
        BudgetPeriod.objects.select_for_update(no_key=True).get(budget_id=key.budget, starts_on=key.starts_on)


def open_periods(keys: Iterable[BudgetKey]) -> None:
    """Write the row that a budget counts in when its period begins."""
    insert_missing(
        [BudgetPeriod(budget_id=key.budget, starts_on=key.starts_on, cap=key.cap) for key in keys],
        unique=["budget", "starts_on"],
    )
