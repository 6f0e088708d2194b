"""The order in which everything that spends takes its locks, so that nothing ever waits in a circle.

Promotions, then coupons by id, counters by key, accounts by id, budgets last: the hottest row is held
shortest.
"""

from collections.abc import Iterable

from django.db import connection

from coupons.models import BudgetPeriod, Coupon, Promotion
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
    with connection.cursor() as cursor:
        for key in sorted(set(keys)):
            cursor.execute(_LOCK_COUNTER, key.columns)


# An update that changes nothing locks the row, and the insert before it makes sure that there is one.
_LOCK_COUNTER = """
INSERT INTO coupons_limitcounter AS counter
    (promotion_id, coupon_id, customer_id, email_hash, period, starts_on, used)
VALUES (%(promotion_id)s, %(coupon_id)s, %(customer_id)s, %(email_hash)s, %(period)s, %(starts_on)s, 0)
ON CONFLICT (promotion_id, coupon_id, customer_id, email_hash, period, starts_on)
DO UPDATE SET used = counter.used
"""


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
