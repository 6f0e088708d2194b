"""A friend's order decides their referral; an order that comes back undoes what it decided."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce

from customers.models import Order
from customers.services.locks import lock_live_customers
from customers.services.orders import lock_order
from referrals.conversion import Article, Bought, Condition, converts
from referrals.fraud import assess, needs_review
from referrals.models import Referral
from referrals.services.evidence import evidence_about
from referrals.services.journal import tell
from referrals.services.leaderboard import lock_codes, recount_codes
from referrals.services.rewarding import reward_locked
from referrals.services.taking_back import take_back_locked

# Shops tell of an order and of the code used with it in either order; what is older was no friend's.
TOLD_LATE = timedelta(days=30)
Status, Reason, Review = Referral.Status, Referral.Reason, Referral.Review


def qualify_referral(order: Order, *, at: datetime) -> Referral | None:
    """Qualify the friend's referral by a paid order that counts; reward both sides when due.

    An order from long before the referral shows that the friend was a customer already. What looks like
    fraud waits for a person. Returns the referral when this order decided it. Locks the order, then the
    referral, so that two orders at once decide it once.
    """
    if order.customer_id is None or order.status != Order.Status.PAID:
        return None
    with transaction.atomic():
        if not _hold_both(Referral.objects.filter(referee__orders=order, status=Status.PENDING)):
            return None
        # A cancellation waits, or is seen: nobody qualifies by an order cancelled meanwhile.
        order = lock_order(order)
        if order.status != Order.Status.PAID:
            return None
        referral = _lock(Referral.objects.filter(referee=order.customer_id, status=Status.PENDING))
        if referral is None or not _decides(order, referral):
            return None
        lock_codes(referral.code)
        if obstacle := _obstacle(referral, order, at):
            return _reject(referral, obstacle, at)
        referral.status, referral.order, referral.qualified_at = Status.QUALIFIED, order, at
        referral.reward_due_at = at + timedelta(days=referral.programme.after_days)
        referral.save()
        recount_codes([referral.code_id])
        tell("referral.qualified", referral, referral.referee, at=at, order=order.pk)
        if referral.programme.after_days == 0 and referral.review != Review.WAITING:
            reward_locked(referral, at)
    return referral


def lose_referral(order: Order, *, at: datetime) -> Referral | None:
    """Undo what an order decided that does not count any more: cancelled, or too much of it came back.

    Before the reward is out the friend may still qualify by another order. Afterwards the rewards of both
    are taken back as far as they can be, when the programme says so; then the referral is over.
    """
    with transaction.atomic():
        if not _hold_both(Referral.objects.filter(order=order)):
            return None
        order = lock_order(order)
        referral = _lock(Referral.objects.filter(order=order, status__in=[Status.QUALIFIED, Status.REWARDED]))
        if referral is None or counts(order, referral):
            return None
        lock_codes(referral.code)
        if referral.status == Status.REWARDED:
            return take_back_locked(referral, at) if referral.programme.take_back else None
        referral.status, referral.order = Status.PENDING, None
        referral.qualified_at = referral.reward_due_at = None
        referral.save()
        recount_codes([referral.code_id])
    return referral


def counts(order: Order, referral: Referral) -> bool:
    """Return whether what the friend bought, and kept, is what the programme asks for."""
    programme = referral.programme
    condition = Condition(programme.minimum_amount, settings.PROGRAMME_CURRENCY, programme.items)
    return order.status == Order.Status.PAID and converts(
        Bought(order.net_amount, order.currency, _kept(order) if any(programme.items.values()) else ()),
        condition,
    )


def _kept(order: Order) -> tuple[Article, ...]:
    returned = Coalesce(Sum("returned__quantity"), Decimal(0))
    lines = order.lines.select_related("product").annotate(came_back=returned)
    return tuple(
        Article(line.product.sku, line.product.category, line.product.brand)
        for line in lines
        if line.quantity > line.came_back
    )


def _decides(order: Order, referral: Referral) -> bool:
    return _is_old(order, referral) or counts(order, referral)


def _is_old(order: Order, referral: Referral) -> bool:
    return order.ordered_at < referral.registered_at - TOLD_LATE


def _obstacle(referral: Referral, order: Order, at: datetime) -> str:
    """Return why the referral does not count; and note what looks like fraud."""
    if not referral.programme.active:
        return Reason.PROGRAMME_STOPPED
    if _is_old(order, referral):
        return Reason.EXISTING_CUSTOMER
    # A merge may have shown meanwhile that the two are one, and a payment that they share a card.
    assessment = assess(evidence_about(referral.code, referral.referee, at=at))
    if assessment.is_certain:
        return Reason.SELF_REFERRAL
    cleared = referral.risk_signals if referral.review == Review.CLEARED else []
    if needs_review(
        assessment,
        from_score=referral.programme.review_score,
        cleared=cleared,
        was_cleared=referral.review == Review.CLEARED,
    ):
        referral.review = Review.WAITING
    # The rush of that day stays a sign, though it is over.
    signals = sorted({*assessment.codes, *referral.risk_signals})
    referral.risk_signals = signals
    referral.risk_score = max(referral.risk_score, assessment.score)
    return ""


def _reject(referral: Referral, reason: str, at: datetime) -> Referral:
    referral.status, referral.reason = Status.REJECTED, reason
    referral.save(update_fields=["status", "reason"])
    recount_codes([referral.code_id])
    tell("referral.rejected", referral, referral.referee, at=at, reason=str(reason))
    return referral


def _hold_both(referrals: Any) -> bool:
    """Lock both sides before anything else of theirs, in the order in which a merge takes them.

    Returns False where nobody was referred, as with most orders.
    """
    people = {pk for pair in referrals.values_list("referrer", "referee") for pk in pair}
    lock_live_customers(people)
    return bool(people)


def _lock(referrals: Any) -> Referral | None:
    locked = referrals.select_for_update(of=["self"], no_key=True)
    return locked.select_related(
        "programme", "code__programme", "code__variant", "code__customer", "referrer", "referee"
    ).first()
