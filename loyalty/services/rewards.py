"""Giving rewards: once per cause, never more than there are, for points or without.

Locks, in this order: the customer (shared), the reward (its row is the lock of stock, partner codes and
`per_customer`), then what is given takes its own: promotion, coupons, accounts. Who gives several rewards in
one transaction gives them in the order of their keys.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from coupons.models import GiftCard, Reason
from coupons.rules import end_of_day_after
from coupons.services import issue_gift_card, publish_coupon
from customers.errors import CustomerNotLive
from customers.models import Customer, Purpose, SegmentMembership
from customers.services import record_event
from customers.services.locks import hold_customer
from loyalty.catalogue import Obstacle, Taker, term_broken
from loyalty.errors import OutOfStock, RewardNotAvailable
from loyalty.models import Reward, RewardGrant
from loyalty.services.adjustments import adjust_points
from loyalty.services.partner_codes import take_partner_code
from loyalty.services.tiers import tier_of
from operations.errors import Conflict

Kind = Reward.Kind
Status = RewardGrant.Status
LONGEST_CAUSE = 120
LIVE = (Customer.Status.ACTIVE, Customer.Status.PROSPECT)


@dataclass(frozen=True)
class _Gift:
    """What is being given: to whom, why and when."""

    reward: Reward
    customer: Customer
    source_key: str
    at: datetime

    @property
    def cause(self) -> str:
        return f"reward:{self.source_key}"

    @property
    def expires_at(self) -> datetime | None:
        if self.reward.valid_days is None:
            return None
        return end_of_day_after(self.at, days=self.reward.valid_days, zone=settings.PROGRAMME_TIME_ZONE)


def grant_reward(customer: Customer, reward: Reward, *, source_key: str, at: datetime) -> RewardGrant:
    """Give a customer a reward without taking points: a prize, a milestone, a thank you.

    The same `source_key` (at most 120 characters) gives once, whoever calls how often. The terms of the
    catalogue (dates, tier, segment, times a customer) do not hold here: they are the game's.

    Raises CustomerNotLive for somebody who was erased, is not known by name or may not be processed,
    RewardNotAvailable for a reward switched off, OutOfStock, Conflict when the cause gave something else,
    and what keeps a coupon from being given (PromotionStopped, CouponExpired, BudgetExceeded,
    CouponPoolEmpty, NoPersonalOffer). Then nothing was given.
    """
    with transaction.atomic():
        gift, known = _begin(customer, reward, source_key, at)
        if known:
            return known
        if not gift.reward.active:
            raise RewardNotAvailable(str(Obstacle.SWITCHED_OFF.label))
        return _write(gift, _give(gift))


def redeem_reward(customer: Customer, reward: Reward, *, source_key: str, at: datetime) -> RewardGrant:
    """Give a customer a reward of the catalogue for its points, both or neither; the same cause once.

    Raises CustomerNotLive, RewardNotAvailable, saying which term is not met, OutOfStock, PointsExceeded,
    Conflict, and what keeps a coupon from being given; then nothing was given or spent.
    """
    with transaction.atomic():
        gift, known = _begin(customer, reward, source_key, at)
        if known:
            return known
        if broken := term_broken(gift.reward, _taker(gift), at=at):
            raise RewardNotAvailable(str(broken.label))
        if gift.reward.kind == Kind.POINTS:  # Not to be paid with what is being given.
            spent = _spend(gift)
            given = _give(gift)
        else:  # Promotion and coupons are locked before the account.
            given = _give(gift)
            spent = _spend(gift)
        return _write(gift, given | spent)


def _begin(
    customer: Customer, reward: Reward, source_key: str, at: datetime
) -> tuple[_Gift, RewardGrant | None]:
    """Lock the customer and the reward; return them as they are now, and what this cause gave before."""
    if not source_key or len(source_key) > LONGEST_CAUSE:
        raise ValueError(f"A cause has 1 to {LONGEST_CAUSE} characters.")
    customer = hold_customer(customer)
    reward = Reward.objects.select_for_update(no_key=True).get(pk=reward.pk)
    known = RewardGrant.objects.whole().filter(source_key=source_key).first()
    if known:
        _refuse_something_else(known, customer, reward)
    elif customer.status not in LIVE or customer.restricted_at:
        raise CustomerNotLive
    return _Gift(reward, customer, source_key, at), known


def _refuse_something_else(known: RewardGrant, customer: Customer, reward: Reward) -> None:
    same_person = known.customer_id == customer.pk or known.customer.merged_into_id == customer.pk
    if known.reward_id != reward.pk or not same_person:
        raise Conflict


def _taker(gift: _Gift) -> Taker:
    """Return what of the customer decides about this one reward; the points are counted when spent."""
    memberships = SegmentMembership.objects.current().filter(customer=gift.customer)
    inside = memberships.filter(segment=gift.reward.segment_id).values_list("segment_id", flat=True)
    had = RewardGrant.objects.standing().filter(
        reward=gift.reward, customer=gift.customer, spent_points__gt=0
    )
    tier = tier_of(gift.customer, at=gift.at) if gift.reward.tier_from_id else None
    return Taker(
        tier=tier.threshold if tier else None,
        segments=frozenset(inside) if gift.reward.segment_id else frozenset(),
        had={gift.reward.pk: had.count()} if gift.reward.per_customer is not None else {},
    )


def _spend(gift: _Gift) -> dict[str, Any]:
    entry = adjust_points(
        gift.customer,
        points=-gift.reward.cost_points,
        reason=gift.reward.name,
        source_key=f"reward-cost:{gift.source_key}",
        at=gift.at,
    )
    return {"spent_entry": entry, "spent_points": gift.reward.cost_points}


def _give(gift: _Gift) -> dict[str, Any]:
    """Take one of the stock and give what it stands for; return the fields of the grant that tell so."""
    reward = gift.reward
    if reward.stock is not None and reward.taken >= reward.stock:
        raise OutOfStock
    Reward.objects.filter(pk=reward.pk).update(taken=F("taken") + 1)
    match reward.kind:
        case Kind.COUPON:
            return {"publication": _publish(gift)}
        case Kind.GIFT_CARD:
            return {"gift_card": _issue_card(gift), "amount": reward.amount, "currency": reward.currency}
        case Kind.POINTS:
            return {"entry": _credit(gift)}
        case Kind.PRODUCT:
            return {"status": Status.WAITING}
        case Kind.DONATION:
            return {"amount": reward.amount, "currency": reward.currency}
        case Kind.PARTNER_CODE:
            return {"partner_code": take_partner_code(reward, at=gift.at)}
    raise AssertionError(reward.kind)


def _publish(gift: _Gift) -> Any:
    # Owed to the person, not advertising: it is sent whatever they said about marketing.
    return publish_coupon(
        gift.reward.promotion,
        customer=gift.customer,
        source_id=gift.cause,
        channel=gift.reward.channel or None,
        reason=Reason.REWARD,
        purpose=Purpose.SERVICE,
        at=gift.at,
    )


def _issue_card(gift: _Gift) -> GiftCard:
    issued = issue_gift_card(
        amount=gift.reward.amount,
        currency=gift.reward.currency,
        holder=gift.customer,
        expires_at=gift.expires_at,
        reason=GiftCard.Reason.REWARD,
        note=gift.reward.name,
        channel=gift.reward.channel or None,
        source_key=gift.cause,
        at=gift.at,
    )
    return issued.card


def _credit(gift: _Gift) -> Any:
    return adjust_points(
        gift.customer,
        points=gift.reward.points_given,
        reason=gift.reward.name,
        expires_at=gift.expires_at,
        source_key=gift.cause,
        at=gift.at,
    )


def _write(gift: _Gift, fields: dict[str, Any]) -> RewardGrant:
    try:
        with transaction.atomic():
            grant = RewardGrant.objects.create(
                reward=gift.reward,
                customer=gift.customer,
                source_key=gift.source_key,
                granted_at=gift.at,
                **fields,
            )
    except IntegrityError as error:
        if "source_key" not in str(error):
            raise
        raise Conflict from error  # The same cause gave another reward at the same moment.
    tell_of_grant("reward.redeemed" if grant.spent_points else "reward.granted", grant, at=gift.at)
    return grant


def tell_of_grant(type: str, grant: RewardGrant, *, at: datetime, **more: Any) -> None:
    """Write the event of a grant; a code it gave is not in it."""
    record_event(
        type,
        external_id=f"grant:{grant.pk}:{type.partition('.')[2]}",
        customer=grant.customer,
        occurred_at=at,
        payload={
            "grant": grant.pk,
            "reward": grant.reward.name,
            "code": grant.reward.code,
            "kind": grant.reward.kind,
            "points": grant.spent_points,
            "source_key": grant.source_key,
        }
        | more,
    )
