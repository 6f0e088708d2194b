"""What becomes of tiers and memberships when customers are merged and taken apart (customer_tables.py).

Periods of whoever went stay theirs and end with the merge; what the survivor has of it is worked out at the
end of a merge and of an unmerge alike, so that nothing is left of a merge that is taken back.
"""

from collections.abc import Iterable
from datetime import datetime

from customers.models import Customer
from customers.registry import CustomerTable
from customers.services.journal import Merge
from loyalty.models import Tier, TierPeriod
from loyalty.services.tier_promises import promises_of
from loyalty.services.tier_values import Standing, local_day, standings_of
from loyalty.services.tiers import Cause, move_customer, open_period, place_in_segments, the_ladder
from loyalty.tiers import Ladder


def merge_tiers(merge: Merge, table: CustomerTable) -> None:
    """End the period of whoever goes, in the journal; `settle_tiers` gives the survivor the better one."""
    for period in TierPeriod.objects.open().filter(customer=merge.loser):
        merge.change(period, ended_at=max(period.started_at, merge.operation.merged_at))


def settle_tiers(customer_ids: Iterable[int], *, at: datetime) -> None:
    """Put each of these customers on the step they deserve by what is theirs now.

    That is what they reach together, or what one of them was promised and still is. Nobody is told: a merge
    is no achievement. A step that only a merge gave goes with it. The callers hold the customers.
    """
    steps = list(Tier.objects.ladder())
    people = list(Customer.objects.filter(pk__in=list(customer_ids)).order_by("pk"))
    if not steps or not people:
        return
    ladder, today = the_ladder().rules(steps), local_day(at)
    standings = standings_of([one.pk for one in people], ladder, on=today)
    for customer in people:
        if standings[customer.pk].live:
            _settle(customer, standings[customer.pk], ladder, {step.pk: step for step in steps}, at=at)
    held = TierPeriod.objects.open().filter(customer__in=people).select_related("tier")
    places: dict[int, Tier | None] = {customer.pk: None for customer in people}
    place_in_segments(places | {one.customer_id: one.tier for one in held}, at=at, announce=False)


def _settle(
    customer: Customer, standing: Standing, ladder: Ladder, steps: dict[int, Tier], *, at: datetime
) -> None:
    today, held = local_day(at), open_period(customer)
    reached = ladder.rank_for(standing.value, standing.years, newcomer=standing.newcomer)
    promises = promises_of([customer.pk], ladder, on=today)[customer.pk]
    rank = max([reached, *(promise.rank for promise in promises)])
    current = ladder.rank_of(held.tier_id) if held else -1
    only_merged = held is not None and held.cause == Cause.MERGED
    if rank == current or (rank < current and not only_merged):
        return
    days = [promise.kept_until for promise in promises if promise.rank == rank]
    if reached == rank:
        days.append(ladder.kept_until(today))
    move_customer(
        customer,
        steps[ladder.steps[rank].tier] if rank >= 0 else None,
        cause=Cause.MERGED,
        kept_until=None if None in days else max(days, default=None),
        value=standing.value,
        at=at,
        announce=False,
    )
