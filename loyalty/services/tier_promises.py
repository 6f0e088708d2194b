"""What people were promised before the step on which they stand, and still are: reads only."""

from collections.abc import Iterable
from datetime import date

from django.db.models import Q

from customers.models import Customer, MergeOperation
from loyalty.models import TierPeriod
from loyalty.tiers import Ladder, Promise

Cause = TierPeriod.Cause


def promises_of(customer_ids: Iterable[int], ladder: Ladder, *, on: date) -> dict[int, list[Promise]]:
    """Return, of each of these customers and of whoever was merged into them, the promises that still hold.

    Their periods may be over: left by rising, or with a merge. What a merge gave is promised while it stands.
    """
    now = {pk: pk for pk in customer_ids}
    generation = dict(now)
    while generation:
        merged = Customer.objects.filter(merged_into__in=generation).values_list("pk", "merged_into")
        generation = {pk: now[into] for pk, into in merged if pk not in now}
        now |= generation
    merges = MergeOperation.objects.standing().filter(survivor__in=now).values("merged_at")
    periods = TierPeriod.objects.filter(customer__in=now).exclude(
        ~Q(started_at__in=merges), cause=Cause.MERGED
    )
    found: dict[int, list[Promise]] = {pk: [] for pk in customer_ids}
    for period in periods.only("customer", "tier", "kept_until", "cause"):
        rank = ladder.rank_of(period.tier_id)
        if rank >= 0 and not ladder.is_due(period.kept_until, on, by_hand=period.cause == Cause.BY_HAND):
            found[now[period.customer_id]].append(Promise(rank, period.kept_until))
    return found
