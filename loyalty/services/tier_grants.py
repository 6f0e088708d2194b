"""Tiers given by hand, until a day."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.services.locks import lock_customer
from loyalty.errors import TierNotPossible
from loyalty.models import Tier, TierPeriod
from loyalty.services.tier_promises import promises_of
from loyalty.services.tier_values import LIVE, local_day, standings_of
from loyalty.services.tiers import Cause, move_customer, open_period, the_ladder
from operations.errors import InvalidInput
from operations.models import User


def grant_tier(
    customer: Customer,
    tier: Tier,
    *,
    until: date | None,
    reason: str,
    at: datetime,
    by: User | None = None,
) -> TierPeriod:
    """Put a customer on a step by hand, through a local day (None: for good), saying why.

    What they reach above it lifts them further; after the day they stand where they deserve. Given again, the
    day and the reason are the new ones. Locks the customer.

    Raises InvalidInput without a reason and for a day that is over; TierNotPossible for somebody erased, or
    restricted, for a tier that is no part of the ladder, and for one below where they stand.
    """
    if not reason.strip():
        raise InvalidInput.at("/reason", _("Say why."))
    if until is not None and until < local_day(at):
        raise InvalidInput.at("/until", _("This day is over."))
    with transaction.atomic():
        customer = lock_customer(customer)
        part_of_it = Tier.objects.steps().filter(pk=tier.pk).exists()
        if customer.status not in LIVE or customer.restricted_at or not part_of_it:
            raise TierNotPossible
        held = open_period(customer)
        if held and held.tier.threshold > tier.threshold:
            raise TierNotPossible(_("The customer stands higher already."))
        if held and held.tier_id == tier.pk and held.cause != Cause.BY_HAND:
            raise TierNotPossible(_("The customer has this tier already."))
        if held and held.tier_id == tier.pk:
            held.kept_until, held.reason, held.given_by = until, reason[:300], by
            held.save(update_fields=["kept_until", "reason", "given_by"])
            return held
        return move_customer(
            customer, tier, cause=Cause.BY_HAND, kept_until=until, reason=reason[:300], by=by, at=at
        )


def withdraw_tier(customer: Customer, *, at: datetime, by: User | None = None) -> TierPeriod | None:
    """Take back a tier that was given by hand; return where the customer stands now, None for nowhere.

    They stand where they deserve: by what they reached, or by what they had been promised before. Raises
    TierNotPossible where the tier was not given by hand.
    """
    with transaction.atomic():
        customer = lock_customer(customer)
        held = open_period(customer)
        if held is None or held.cause != Cause.BY_HAND:
            raise TierNotPossible(_("This tier was not given by hand."))
        today = local_day(at)
        steps = {step.pk: step for step in Tier.objects.ladder()}
        ladder = the_ladder().rules(steps.values())
        standing = standings_of([customer.pk], ladder, on=today)[customer.pk]
        reached = ladder.rank_for(standing.value, standing.years, newcomer=standing.newcomer)
        TierPeriod.objects.filter(pk=held.pk).update(kept_until=_day_before(today), given_by=by)
        promises = promises_of([customer.pk], ladder, on=today)[customer.pk]
        rank = max([reached, *(promise.rank for promise in promises)])
        days = [promise.kept_until for promise in promises if promise.rank == rank]
        days += [ladder.kept_until(today)] if rank == reached else []
        return move_customer(
            customer,
            steps[ladder.steps[rank].tier] if rank >= 0 else None,
            cause=Cause.LOWERED,
            kept_until=None if None in days else max(days, default=None),
            value=standing.value,
            at=at,
        )


def _day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)
