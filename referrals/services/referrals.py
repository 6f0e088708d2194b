"""A referral's life: registered, qualified by the friend's order, rewarded on both sides exactly once."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction

from coupons.models import Publication, Reason
from coupons.services import publish_coupon
from customers.models import Channel, Customer, Identity, Namespace, Order, Purpose
from customers.rules import normalise_email, normalise_phone
from customers.services import find_customer, record_event
from customers.services.locks import hold_customer, lock_live_customers
from customers.services.orders import lock_order
from loyalty.services import adjust_points
from operations.errors import InvalidInput, Refusal
from referrals.errors import (
    AlreadyReferred,
    ExistingCustomer,
    ProgrammeStopped,
    ReferralCodeNotFound,
    SelfReferral,
)
from referrals.models import Referral, ReferralCode, ReferralReward
from referrals.rules import canonical_code, is_same_person

log = structlog.get_logger(__name__)

# Shops tell of an order and of the code used with it in either order; what is older was no friend's.
TOLD_LATE = timedelta(days=30)
Status, Side = Referral.Status, ReferralReward.Side


def register_referral(
    code: str, *, referee: dict[str, str], phone: str = "", at: datetime
) -> tuple[Referral, bool]:
    """Record that a friend came with a code; return the referral and whether it is new.

    `referee` names the friend as everywhere ({id}, {source, source_id} or {email}); somebody unknown becomes
    a prospect. `phone` helps to see that the friend is the same person.

    Raises ReferralCodeNotFound, ProgrammeStopped, SelfReferral, ExistingCustomer, AlreadyReferred; then
    nothing was written.
    """
    shared = ReferralCode.objects.select_related("programme", "customer")
    shared = shared.filter(code=canonical_code(code)).first()
    if shared is None:
        raise ReferralCodeNotFound
    if not shared.programme.active:
        raise ProgrammeStopped
    with transaction.atomic():
        shared = _held(shared)
        if _is_self(shared.customer, None, email=referee.get("email", ""), phone=phone):
            raise SelfReferral
        friend = hold_customer(find_customer(referee, create_prospect=True, at=at))
        if friend.pk == shared.customer_id or _is_self(shared.customer, friend):
            raise SelfReferral
        if known := Referral.objects.filter(referee=friend).exclude(status=Status.REJECTED).first():
            if known.code_id != shared.pk:
                raise AlreadyReferred
            return known, False
        if _bought(friend).exists():
            raise ExistingCustomer
        return _register(shared, friend, at), True


def qualify_referral(order: Order, *, at: datetime) -> Referral | None:
    """Qualify the friend's referral by a paid order that reaches the minimum; reward both sides when due.

    An order from long before the referral shows that the friend was a customer already. Returns the referral
    when this order decided it. Locks the order, then the referral, so that two orders at once decide it once.
    """
    if order.customer_id is None or order.status != Order.Status.PAID:
        return None
    with transaction.atomic():
        _hold_both(Referral.objects.filter(referee=order.customer_id, status=Status.PENDING))
        # A cancellation waits, or is seen: nobody qualifies by an order cancelled meanwhile.
        order = lock_order(order)
        if order.status != Order.Status.PAID:
            return None
        referral = _lock_pending(order.customer_id)
        if referral is None or not _counts(order, referral):
            return None
        obstacle = _obstacle(referral, order)
        if obstacle:
            return _reject(referral, obstacle)
        referral.status, referral.order, referral.qualified_at = Status.QUALIFIED, order, at
        referral.reward_due_at = at + timedelta(days=referral.programme.after_days)
        referral.save()
        _tell("referral.qualified", referral, referral.referee, at=at, order=order.pk)
        if referral.programme.after_days == 0:
            _reward(referral, at)
    return referral


def reward_referral(referral: Referral, *, at: datetime) -> Referral:
    """Give both sides what they are owed, each exactly once; called again, it gives nothing more.

    A reward that cannot be given (its promotion was stopped) leaves the referral QUALIFIED with its reason,
    and is tried again. Locks the referral and the referrer's code.
    """
    with transaction.atomic():
        _hold_both(Referral.objects.filter(pk=referral.pk))
        locked = _lock(Referral.objects.filter(pk=referral.pk))
        if locked.status == Status.QUALIFIED:
            _reward(locked, at)
    return locked


def reward_referrals(*, at: datetime, batch: int = 1000) -> int:
    """Reward the referrals whose waiting time is over, all of them; return how many were rewarded."""
    rewarded, last = 0, 0
    # Past those that cannot be rewarded now: they stay due, and must not hold up the ones after them.
    while due := list(Referral.objects.to_reward(at).filter(pk__gt=last).order_by("pk")[:batch]):
        rewarded += sum(reward_referral(referral, at=at).status == Status.REWARDED for referral in due)
        last = due[-1].pk
    return rewarded


def lose_referral(order: Order, *, at: datetime) -> Referral | None:
    """Take back a qualification whose order was cancelled or came back whole, before its reward is out.

    The friend may still qualify by another order. What was rewarded already stays.
    """
    order.refresh_from_db(fields=["status"])
    if order.status == Order.Status.PAID:
        return None
    with transaction.atomic():
        referral = _lock(Referral.objects.filter(order=order, status=Status.QUALIFIED))
        if referral is None:
            return None
        referral.status, referral.order = Status.PENDING, None
        referral.qualified_at = referral.reward_due_at = None
        referral.save()
    return referral


def _register(shared: ReferralCode, friend: Customer, at: datetime) -> Referral:
    try:
        with transaction.atomic():
            referral = Referral.objects.create(
                programme=shared.programme,
                code=shared,
                referrer=shared.customer,
                referee=friend,
                registered_at=at,
            )
    except IntegrityError as error:
        raise AlreadyReferred from error
    _tell("referral.registered", referral, friend, at=at)
    return referral


def _held(code: ReferralCode) -> ReferralCode:
    """Return the code with its owner as they are now, kept from being merged."""
    code.customer = hold_customer(code.customer)
    return code


def _hold_both(referrals: Any) -> None:
    """Lock both sides before anything else of theirs, in the order in which a merge takes them."""
    lock_live_customers(pk for pair in referrals.values_list("referrer", "referee") for pk in pair)


def _lock_pending(customer_id: int) -> Referral | None:
    return _lock(Referral.objects.filter(referee=customer_id, status=Status.PENDING))


def _lock(referrals: Any) -> Referral | None:
    locked = referrals.select_for_update(of=["self"], no_key=True)
    return locked.select_related("programme", "code", "referrer", "referee").first()


def _counts(order: Order, referral: Referral) -> bool:
    """Return whether the order is one that decides: large enough, or from long before the referral."""
    if _is_old(order, referral):
        return True
    in_currency = order.currency == settings.PROGRAMME_CURRENCY
    return in_currency and order.total_amount >= referral.programme.minimum_amount


def _obstacle(referral: Referral, order: Order) -> str:
    if not referral.programme.active:
        return Referral.Reason.PROGRAMME_STOPPED
    if _is_old(order, referral):
        return Referral.Reason.EXISTING_CUSTOMER
    # A merge may have shown meanwhile that the two are one.
    same = referral.referrer_id == referral.referee_id or _is_self(referral.referrer, referral.referee)
    return Referral.Reason.SELF_REFERRAL if same else ""


def _is_old(order: Order, referral: Referral) -> bool:
    return order.ordered_at < referral.registered_at - TOLD_LATE


def _reject(referral: Referral, reason: str) -> Referral:
    referral.status, referral.reason = Status.REJECTED, reason
    referral.save(update_fields=["status", "reason"])
    return referral


def _reward(referral: Referral, at: datetime) -> None:
    # The code's row makes the rewards of one referrer take turns, so that the limit is counted right.
    ReferralCode.objects.select_for_update(no_key=True).get(pk=referral.code_id)
    missing = _missing_for_referrer(referral)
    sides = [Side.REFEREE] if missing else [Side.REFERRER, Side.REFEREE]
    try:
        with transaction.atomic():
            for side in sides:
                _give(referral, side, at)
    except Refusal as refusal:
        log.warning("referral_reward_refused", referral_id=referral.pk, key=refusal.key)
        referral.reason = Referral.Reason.REWARD_NOT_POSSIBLE
        referral.save(update_fields=["reason"])
        return
    referral.status, referral.rewarded_at, referral.reason = Status.REWARDED, at, missing
    referral.save(update_fields=["status", "rewarded_at", "reason"])


def _missing_for_referrer(referral: Referral) -> str:
    if referral.referrer not in Customer.objects.live().filter(pk=referral.referrer_id):
        return Referral.Reason.REFERRER_GONE
    maximum = referral.programme.maximum_per_referrer
    given = ReferralReward.objects.filter(referral__code=referral.code, side=Side.REFERRER).count()
    return Referral.Reason.REFERRER_AT_LIMIT if maximum is not None and given >= maximum else ""


def _give(referral: Referral, side: str, at: datetime) -> None:
    programme = referral.programme
    if side == Side.REFERRER:
        customer, promotion, points = (
            referral.referrer,
            programme.referrer_promotion,
            programme.referrer_points,
        )
    else:
        customer, promotion, points = referral.referee, programme.referee_promotion, programme.referee_points
    cause = f"referral:{referral.pk}:{side.lower()}"
    given: dict[str, Any] = {}
    if promotion:
        given["publication"] = _publish(promotion, customer, cause, at)
    else:
        given["entry"] = adjust_points(
            customer, points=points, reason=programme.name, source_key=cause, at=at
        )
    ReferralReward.objects.create(referral=referral, side=side, customer=customer, rewarded_at=at, **given)
    _tell("referral.rewarded", referral, customer, at=at, side=side)


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


def _tell(type: str, referral: Referral, customer: Customer, *, at: datetime, **more: Any) -> None:
    key = [type, referral.pk, more.get("side"), more.get("order")]
    record_event(
        type,
        external_id=":".join(str(part).lower() for part in key if part),
        customer=customer,
        occurred_at=at,
        payload={
            "referral": referral.pk,
            "programme": referral.programme.code,
            "referrer": str(referral.referrer.public_id),
            "referee": str(referral.referee.public_id),
        }
        | more,
    )


def _bought(customer: Customer) -> Any:
    paid = [Order.Status.PAID, Order.Status.REFUNDED]
    return Order.objects.filter(customer=customer, status__in=paid)


def _is_self(referrer: Customer, friend: Customer | None, *, email: str = "", phone: str = "") -> bool:
    """Return whether the friend, as known or as given, shares a mailbox or phone with the referrer."""
    theirs = _contacts(referrer)
    known = _contacts(friend) if friend else {Namespace.EMAIL: [], Namespace.PHONE: []}
    emails = known[Namespace.EMAIL] + ([_normal(normalise_email, email, "/referee/email")] if email else [])
    number = _normal(normalise_phone, phone, "/referee/phone", settings.PROGRAMME_COUNTRY) if phone else ""
    phones = known[Namespace.PHONE] + ([number] if number else [])
    return is_same_person(
        theirs[Namespace.EMAIL], theirs[Namespace.PHONE], as_emails=emails, as_phones=phones
    )


def _normal(normalise: Any, text: str, pointer: str, *more: str) -> str:
    try:
        return normalise(text, *more)
    except ValueError as error:
        raise InvalidInput.at(pointer, str(error)) from error


def _contacts(customer: Customer) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {Namespace.EMAIL: [], Namespace.PHONE: []}
    for identity in Identity.objects.filter(customer=customer, namespace__in=found):
        found[identity.namespace].append(identity.value)
    return found
