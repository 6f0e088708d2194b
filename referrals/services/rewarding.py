"""What both sides get for a referral, each exactly once, and never while a suspicion is looked at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from coupons.models import Publication, Reason
from coupons.services import publish_coupon
from customers.models import Channel, Customer, Purpose
from customers.services.locks import lock_live_customers
from loyalty.models import Reward
from loyalty.services import adjust_points
from loyalty.services.rewards import grant_reward
from operations.errors import Refusal
from referrals.models import CashEntry, Referral, ReferralProgramme, ReferralReward, RewardStep
from referrals.models.offer import REFEREE_GETS, REFERRER_GETS
from referrals.rules import month_of
from referrals.services.journal import tell
from referrals.services.leaderboard import lock_codes, recount_codes
from referrals.services.steps import give_step, steps_reached

log = structlog.get_logger(__name__)
Status, Side, Review = Referral.Status, ReferralReward.Side, Referral.Review
# Coupons are locked before rewards and these before accounts (incentives.md, C4), whoever gets them.
COUPON, REWARD, POINTS, CASH = range(4)


@dataclass(frozen=True)
class Gift:
    """What somebody is owed: one side (a promotion, points, a reward or money), or a step (a reward)."""

    customer: Customer
    side: str = ""
    step: RewardStep | None = None
    promotion: Any = None
    points: int | None = None
    reward: Reward | None = None
    cash_amount: int | None = None

    @property
    def rank(self) -> tuple[int, int, int]:
        """Return the place in the order of locks."""
        if self.promotion:
            return COUPON, self.promotion.pk, self.customer.pk
        if self.reward:
            return REWARD, self.reward.pk, self.customer.pk
        return POINTS if self.points else CASH, 0, self.customer.pk


def reward_referral(referral: Referral, *, at: datetime) -> Referral:
    """Give both sides what they are owed, each exactly once; called again, it gives nothing more.

    A reward that cannot be given (its promotion was stopped) leaves the referral QUALIFIED with its reason,
    and is tried again. One that waits for a review gets nothing. Locks both customers, the referral and the
    referrer's codes.
    """
    with transaction.atomic():
        locked = lock_with_both_sides(referral)
        if locked.status == Status.QUALIFIED and locked.review != Review.WAITING:
            lock_codes(locked.code)
            reward_locked(locked, at)
    return locked


def reward_referrals(*, at: datetime, batch: int = 1000) -> int:
    """Reward the referrals whose waiting time is over, all of them; return how many were rewarded."""
    rewarded, last = 0, 0
    # Past those that cannot be rewarded now: they stay due, and must not hold up the ones after them.
    while due := list(Referral.objects.to_reward(at).filter(pk__gt=last).order_by("pk")[:batch]):
        rewarded += sum(reward_referral(referral, at=at).status == Status.REWARDED for referral in due)
        last = due[-1].pk
    return rewarded


def lock_with_both_sides(referral: Referral) -> Referral:
    """Lock both customers, in the order in which a merge takes them, and then the referral; return it."""
    rows = Referral.objects.filter(pk=referral.pk)
    lock_live_customers(pk for pair in rows.values_list("referrer", "referee") for pk in pair)
    locked = rows.select_for_update(of=["self"], no_key=True)
    return locked.select_related("programme", "code__programme", "code__variant", "referrer", "referee").get()


def reward_locked(referral: Referral, at: datetime) -> None:
    """Give what is owed for a referral whose row and code the caller has locked."""
    if _is_spent(referral.programme):
        referral.status, referral.reason = Status.REJECTED, Referral.Reason.PROGRAMME_AT_LIMIT
        referral.save(update_fields=["status", "reason"])
        recount_codes([referral.code_id])
        tell("referral.rejected", referral, referral.referee, at=at, reason=str(referral.reason))
        return
    missing = _missing_for_referrer(referral, at)
    gifts = _gifts(referral, with_referrer=not missing)
    try:
        with transaction.atomic():
            for gift in sorted(gifts, key=lambda gift: gift.rank):
                _give(referral, gift, at)
    except Refusal as refusal:
        log.warning("referral_reward_refused", referral_id=referral.pk, key=refusal.key)
        referral.reason = Referral.Reason.REWARD_NOT_POSSIBLE
        referral.save(update_fields=["reason"])
        return
    referral.status, referral.rewarded_at, referral.reason = Status.REWARDED, at, missing
    referral.save(update_fields=["status", "rewarded_at", "reason"])
    recount_codes([referral.code_id])


def _is_spent(programme: ReferralProgramme) -> bool:
    """Return whether the programme has rewarded all it may; who counts makes the others wait."""
    if programme.maximum_total is None:
        return False
    ReferralProgramme.objects.select_for_update(no_key=True).get(pk=programme.pk)
    return _rewarded(programme).count() >= programme.maximum_total


def _missing_for_referrer(referral: Referral, at: datetime) -> str:
    if referral.referrer not in Customer.objects.live().filter(pk=referral.referrer_id):
        return Referral.Reason.REFERRER_GONE
    programme = referral.programme
    # With all their codes: after a merge somebody has several.
    given = ReferralReward.objects.filter(
        customer=referral.referrer,
        referral__programme=programme,
        side=Side.REFERRER,
        taken_back_at__isnull=True,
    )
    if programme.maximum_per_referrer is not None and given.count() >= programme.maximum_per_referrer:
        return Referral.Reason.REFERRER_AT_LIMIT
    if programme.maximum_per_month is not None:
        start, end = month_of(at, settings.PROGRAMME_TIME_ZONE)
        if given.filter(rewarded_at__gte=start, rewarded_at__lt=end).count() >= programme.maximum_per_month:
            return Referral.Reason.REFERRER_AT_LIMIT
    return ""


def _rewarded(programme: ReferralProgramme) -> Any:
    return Referral.objects.filter(programme=programme, status=Status.REWARDED)


def _gifts(referral: Referral, *, with_referrer: bool) -> list[Gift]:
    gifts = [Gift(referral.referee, Side.REFEREE, **_promised(referral, Side.REFEREE))]
    if with_referrer:
        gifts.append(Gift(referral.referrer, Side.REFERRER, **_promised(referral, Side.REFERRER)))
        gifts += [
            Gift(referral.referrer, step=step, reward=step.reward)
            for step in steps_reached(referral.referrer, referral.programme, more=1)
        ]
    return gifts


def _promised(referral: Referral, side: str) -> dict[str, Any]:
    """Return what one side was promised: one of these is something."""
    offer, prefix = referral.code.offer, side.lower()
    names = REFERRER_GETS if side == Side.REFERRER else REFEREE_GETS
    return {name.removeprefix(f"{prefix}_"): getattr(offer, name) for name in names}


def _give(referral: Referral, gift: Gift, at: datetime) -> None:
    if gift.step:
        give_step(gift.step, gift.customer, at=at)
        return
    cause = f"referral:{referral.pk}:{gift.side.lower()}"
    given: dict[str, Any] = {}
    if gift.reward:
        given["grant"] = grant_reward(gift.customer, gift.reward, source_key=cause, at=at)
    elif gift.promotion:
        given["publication"] = _publish(gift.promotion, gift.customer, cause, at)
    elif gift.points:
        given["entry"] = adjust_points(
            gift.customer, points=gift.points, reason=referral.programme.name, source_key=cause, at=at
        )
    else:
        given["cash_amount"] = gift.cash_amount
    reward = ReferralReward.objects.create(
        referral=referral, side=gift.side, customer=gift.customer, rewarded_at=at, **given
    )
    if gift.cash_amount:
        CashEntry.objects.create(customer=gift.customer, reward=reward, amount=gift.cash_amount, booked_at=at)
    tell("referral.rewarded", referral, gift.customer, at=at, side=gift.side)


def _publish(promotion: Any, customer: Customer, cause: str, at: datetime) -> Publication:
    # Owed to the person, not advertising: it is sent whatever they said about marketing.
    return publish_coupon(
        promotion,
        customer=customer,
        source_id=cause,
        channel=Channel.EMAIL,
        reason=Reason.REFERRAL,
        purpose=Purpose.SERVICE,
        at=at,
    )
