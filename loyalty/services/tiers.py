"""Who stands on which step: reads, and the one way in which that changes.

Whoever changes somebody's tier has locked their row, so that it changes once; then the segments, by their
keys. What the lock waited for is read after it.
"""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction

from customers.models import Customer, Segment
from customers.services import record_event
from customers.services.locks import lock_customer
from customers.services.memberships import place_members
from loyalty.models import Tier, TierLadder, TierPeriod
from loyalty.services.tier_values import Standing, local_day, standings_of
from loyalty.tiers import Ladder
from operations.models import User

Cause = TierPeriod.Cause


def tier_of(customer: Customer, *, at: datetime) -> Tier | None:
    """Return the step on which a customer stands at an instant, None without one."""
    return tiers_at([customer.pk], at=at).get(customer.pk)


def tiers_at(customer_ids: Iterable[int], *, at: datetime) -> dict[int, Tier]:
    """Return the tier of each of these customers who has one at an instant, in one statement."""
    periods = TierPeriod.objects.at(at).filter(customer__in=list(customer_ids)).select_related("tier")
    return {period.customer_id: period.tier for period in periods}


def open_period(customer: Customer) -> TierPeriod | None:
    """Return the period in which a customer stands now, as it was last written."""
    return TierPeriod.objects.open().filter(customer=customer).select_related("tier__segment").first()


def the_ladder() -> TierLadder:
    """Return the programme's ladder, as it is from the start where nobody set it."""
    return TierLadder.objects.filter(pk=1).first() or TierLadder(pk=1)


def follow_tier(customer: Customer, *, at: datetime) -> TierPeriod | None:
    """Let a customer rise to the step they have reached, at once; return the new period, None for no rise.

    Nobody falls here: a period's end is looked at by `review_tiers`. Locks the customer.
    """
    steps = list(Tier.objects.ladder())
    if not steps:
        return None
    ladder = the_ladder().rules(steps)
    if _risen(customer.pk, ladder, at=at) is None:
        return None
    with transaction.atomic():
        customer = lock_customer(customer)
        standing = _risen(customer.pk, ladder, at=at)
        if standing is None:
            return None
        rank = ladder.rank_for(standing.value, standing.years, newcomer=standing.newcomer)
        return move_customer(
            customer,
            {step.pk: step for step in steps}[ladder.steps[rank].tier],
            cause=Cause.REACHED,
            kept_until=ladder.kept_until(local_day(at)),
            value=standing.value,
            at=at,
        )


def _risen(customer_id: int, ladder: Ladder, *, at: datetime) -> Standing | None:
    """Return what somebody has reached, if it is above the step on which they stand."""
    standing = standings_of([customer_id], ladder, on=local_day(at)).get(customer_id)
    if standing is None or not standing.live:
        return None
    rank = ladder.rank_for(standing.value, standing.years, newcomer=standing.newcomer)
    return standing if rank > ladder.rank_of(standing.tier) else None


def move_customer(
    customer: Customer,
    to: Tier | None,
    *,
    cause: str,
    at: datetime,
    kept_until: date | None = None,
    value: int | None = None,
    reason: str = "",
    by: User | None = None,
    announce: bool = True,
) -> TierPeriod | None:
    """End the period of a customer, whom the caller has locked, and begin one in another tier, or in none.

    The segments of both tiers follow. Told as `tier.changed`, unless it is no news.
    """
    before = open_period(customer)
    # Two changes of one instant leave a period without length, and never one that ends before it began.
    at = max(at, before.started_at) if before else at
    if before:
        before.ended_at = at
        before.save(update_fields=["ended_at"])
    after = None
    if to is not None:
        after = TierPeriod.objects.create(
            customer=customer,
            tier=to,
            started_at=at,
            cause=cause,
            kept_until=kept_until,
            value=value,
            reason=reason,
            given_by=by,
        )
    place_in_segments({customer.pk: to}, at=at, announce=announce)
    if announce and (before is None or before.tier_id != (to.pk if to else None)):
        _tell(customer, before, after, at=at)
    return after


def place_in_segments(tiers: dict[int, Tier | None], *, at: datetime, announce: bool) -> None:
    """Let the segments of all tiers have of these customers exactly those who stand in them."""
    owners = Segment.objects.filter(pk__in=Tier.objects.values("segment")).order_by("pk")
    for segment in owners:
        members = [pk for pk, tier in tiers.items() if tier is not None and tier.segment_id == segment.pk]
        place_members(segment, members, among=tiers, at=at, announce=announce)


def change_payload(
    before: Tier | None, after: Tier | None, *, cause: str, kept_until: date | None
) -> dict[str, object]:
    """Return what `tier.changed` says: names as members read them, codes for programs."""
    rises = after is not None and (before is None or after.threshold > before.threshold)
    return {
        "tier": after.name if after else None,
        "tier_code": after.code if after else None,
        "previous": before.name if before else None,
        "previous_code": before.code if before else None,
        "direction": "UP" if rises else "DOWN",
        "cause": cause,
        "kept_until": kept_until.isoformat() if kept_until else None,
    }


def _tell(customer: Customer, before: TierPeriod | None, after: TierPeriod | None, *, at: datetime) -> None:
    key = f"tier:{after.pk}" if after else f"tier:{before.pk}:left"
    record_event(
        "tier.changed",
        external_id=key,
        customer=customer,
        occurred_at=at,
        payload=change_payload(
            before.tier if before else None,
            after.tier if after else None,
            cause=after.cause if after else Cause.LOWERED,
            kept_until=after.kept_until if after else None,
        ),
    )
