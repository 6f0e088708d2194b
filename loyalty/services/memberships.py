"""Paid memberships: begun and kept by payments that the shop reports, cancelled, ended.

Locks, in this order: the customer, the membership, then segments by their keys and what a welcome gives.
Whether somebody belongs is decided by the clock when it is read; `end_memberships` only tidies.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Max, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.errors import CustomerNotLive
from customers.models import Customer
from customers.services import record_event
from customers.services.locks import lock_customer, lock_live_customers
from customers.services.memberships import place_members
from loyalty.errors import MemberAlready, MembershipEnded, PlanNotOffered
from loyalty.memberships import Covered, period_end, refund_of
from loyalty.models import Membership, MembershipPayment, MembershipPlan, Reward
from loyalty.services.rewards import grant_reward
from loyalty.services.tier_values import LIVE, local_day, start_of
from operations.errors import Conflict, FidelioError, InvalidInput
from operations.locks import lock_keys

log = structlog.get_logger(__name__)
Status = Membership.Status
MOST_PERIODS = 120


@dataclass(frozen=True)
class Payment:
    """What was paid: the shop's id of it, minor units of the plan's currency, for how many periods."""

    external_id: str
    amount: int
    paid_at: datetime
    periods: int = 1


def start_membership(
    customer: Customer, plan: MembershipPlan, *, payment: Payment, at: datetime
) -> Membership:
    """Begin a membership with its first payment; it runs from this instant, its first day is today.

    The same payment begins it once. The plan's welcome reward is given once per membership; one that cannot
    be given now is owed (`give_welcome`). Told as `membership.started`, with what is owed.

    Raises PlanNotOffered, MemberAlready, CustomerNotLive, InvalidInput, and Conflict for an id under which
    something else was paid; then nothing was done.
    """
    _check(payment)
    with transaction.atomic():
        customer = lock_customer(customer)
        _hold_payment(payment)
        if known := _known(payment):
            return _same(known, customer, plan).membership
        if customer.status not in LIVE or customer.restricted_at:
            raise CustomerNotLive
        plan = MembershipPlan.objects.select_related("segment", "welcome_reward").get(pk=plan.pk)
        if not plan.active:
            raise PlanNotOffered
        living = Membership.objects.filter(customer=customer, plan=plan).exclude(status=Status.ENDED)
        for one in living.select_for_update(no_key=True):
            if one.ends_at > at:
                raise MemberAlready
            _end(one, at=at)
        today = local_day(at)
        membership = Membership.objects.create(
            customer=customer, plan=plan, started_at=at, started_on=today, renews_on=today, ends_at=at
        )
        _cover(membership, payment)
        place_members(plan.segment, [customer.pk], among=[customer.pk], at=at)
        if plan.welcome_reward:
            _welcome(membership, plan.welcome_reward, at=at)
        _tell("membership.started", membership, at=at)
    return membership


def give_welcome(membership: Membership, *, at: datetime) -> Membership:
    """Give the welcome reward that a membership is still owed; nothing where none is.

    Raises what `grant_reward` raises; then it stays owed.
    """
    with transaction.atomic():
        membership = _locked(membership)
        if reward := membership.owed_reward:
            grant_reward(membership.customer, reward, source_key=_welcome_key(membership), at=at)
            membership.owed_reward, membership.owed_because = None, ""
            membership.save(update_fields=["owed_reward", "owed_because"])
    return membership


def pay_membership(membership: Membership, *, payment: Payment, at: datetime) -> Membership:
    """Renew a membership by a payment for the next periods; one that ran out goes on.

    Late within the grace, it goes on from the day it was due: there is no gap. The same payment counts once.
    Raises MembershipEnded, InvalidInput, and Conflict for an id under which something else was paid.
    """
    _check(payment)
    with transaction.atomic():
        membership = _locked(membership)
        _hold_payment(payment)
        if known := _known(payment):
            if known.membership_id != membership.pk or known.amount != payment.amount:
                raise Conflict
            return membership
        if membership.status == Status.ENDED or membership.ends_at <= at:
            raise MembershipEnded
        membership.status, membership.cancelled_at, membership.reason = Status.ACTIVE, None, ""
        _cover(membership, payment)
        _tell("membership.renewed", membership, at=at, key=payment.external_id)
    return membership


def cancel_membership(
    membership: Membership, *, at_once: bool = False, reason: str = "", at: datetime
) -> Membership:
    """Let a membership run out at the end of what is paid, or end it at once.

    At once, each payment's share of the whole days after today goes back: `refund_amount` of the payments
    says what the shop is to refund. Cancelled again it stays as it is. Raises MembershipEnded.
    """
    with transaction.atomic():
        membership = _locked(membership)
        if membership.status == Status.ENDED and membership.cancelled_at:
            return membership
        if membership.status == Status.ENDED or membership.ends_at <= at:
            raise MembershipEnded
        membership.cancelled_at = membership.cancelled_at or at
        membership.reason = reason[:300] or membership.reason
        if at_once:
            for payment in membership.payments.all():
                payment.refund_amount = refund_of(covered(payment), on=local_day(at))
                payment.save(update_fields=["refund_amount"])
            membership.ends_at = at
            _end(membership, at=at)
            return membership
        membership.status = Status.CANCELLED
        membership.ends_at = max(membership.started_at, start_of(membership.renews_on))
        if membership.ends_at <= at:  # In the grace: nothing is paid any more.
            _end(membership, at=at)
        else:
            membership.save()
    return membership


def end_memberships(*, at: datetime, limit: int = 5000) -> int:
    """Close the memberships that nobody paid for any more, or that ran out; return how many.

    Their benefits ended by the clock already; now their segments follow, and `membership.ended` is told.
    """
    due = Membership.objects.exclude(status=Status.ENDED).filter(ends_at__lte=at).order_by("ends_at", "pk")
    ended = 0
    for membership in due[:limit]:
        with transaction.atomic():
            membership = _locked(membership)
            if membership.status != Status.ENDED and membership.ends_at <= at:
                _end(membership, at=membership.ends_at)
                ended += 1
    return ended


def refund_amount(membership: Membership) -> int:
    """Return what the shop is to refund of a membership in all, in minor units."""
    return membership.payments.aggregate(amount=Sum("refund_amount"))["amount"] or 0


def refund_now(membership: Membership, *, on: date) -> int:
    """Return what would go back if the membership were cancelled at once on a day."""
    return sum(refund_of(covered(payment), on=on) for payment in membership.payments.all())


def covered(payment: MembershipPayment) -> Covered:
    """Return a payment as plain values."""
    return Covered(payment.amount, payment.covers_from, payment.covers_until)


def _welcome(membership: Membership, reward: Reward, *, at: datetime) -> None:
    """Give the welcome; a membership that was paid begins also where the reward cannot be given now."""
    try:
        with transaction.atomic():
            grant_reward(membership.customer, reward, source_key=_welcome_key(membership), at=at)
    except FidelioError as refusal:
        log.warning("welcome_reward_refused", membership=membership.pk, key=refusal.key)
        membership.owed_reward, membership.owed_because = reward, refusal.key
        membership.save(update_fields=["owed_reward", "owed_because"])


def _welcome_key(membership: Membership) -> str:
    return f"membership:{membership.pk}"


def _check(payment: Payment) -> None:
    if not 1 <= payment.periods <= MOST_PERIODS:
        raise _periods_out_of_range()
    if payment.amount < 0:
        raise InvalidInput.at("/amount", _("An amount is not negative."))
    if payment.paid_at > timezone.now() + timedelta(days=1):
        raise InvalidInput.at("/paid_at", _("This is in the future."))


def _periods_out_of_range() -> InvalidInput:
    return InvalidInput.at("/periods", _("A payment is for 1 to %(most)s periods.") % {"most": MOST_PERIODS})


def _hold_payment(payment: Payment) -> None:
    """Let who tells of the same payment for somebody else wait, and find it."""
    lock_keys("membership-payment", [payment.external_id])


def _known(payment: Payment) -> MembershipPayment | None:
    found = MembershipPayment.objects.filter(external_id=payment.external_id)
    return found.select_related("membership__plan").first()


def _same(known: MembershipPayment, customer: Customer, plan: MembershipPlan) -> MembershipPayment:
    if (known.membership.customer_id, known.membership.plan_id) != (customer.pk, plan.pk):
        raise Conflict
    return known


def _locked(membership: Membership) -> Membership:
    """Lock a membership, its customer before it; whoever was merged meanwhile is whom they became."""
    while True:
        holder = Membership.objects.values_list("customer", flat=True).get(pk=membership.pk)
        live = lock_live_customers([holder])
        locked = Membership.objects.select_for_update(of=["self"], no_key=True)
        found = locked.select_related("plan__segment", "customer", "owed_reward").get(pk=membership.pk)
        if found.customer_id in {one.pk for one in live.values()}:
            return found


def _cover(membership: Membership, payment: Payment) -> None:
    """Book a payment for the next periods of a membership, and move its end."""
    plan = membership.plan
    paid = membership.payments.aggregate(until=Max("covers_until"))["until"] or membership.started_on
    periods = _periods_paid(membership, paid) + payment.periods
    try:
        until = period_end(membership.started_on, periods, period=plan.period, days=plan.period_days)
        ends_at = start_of(until + timedelta(plan.grace_days))
    except (OverflowError, ValueError) as error:  # The calendar ends with the year 9999.
        raise _periods_out_of_range() from error
    MembershipPayment.objects.create(
        membership=membership,
        external_id=payment.external_id,
        amount=payment.amount,
        paid_at=payment.paid_at,
        covers_from=paid,
        covers_until=until,
    )
    membership.renews_on = until
    membership.ends_at = ends_at
    membership.save()


def _periods_paid(membership: Membership, until: date) -> int:
    """Return how many periods have been paid, counted in the plan's length of today."""
    plan, periods = membership.plan, 0
    while period_end(membership.started_on, periods, period=plan.period, days=plan.period_days) < until:
        periods += 1
    return periods


def _end(membership: Membership, *, at: datetime) -> None:
    membership.status = Status.ENDED
    membership.save()
    place_members(membership.plan.segment, [], among=[membership.customer_id], at=at)
    _tell("membership.ended", membership, at=at)


def _tell(type: str, membership: Membership, *, at: datetime, key: str = "") -> None:
    record_event(
        type,
        external_id=f"{type}:{membership.pk}{':' + key if key else ''}",
        customer=membership.customer,
        occurred_at=at,
        payload={
            "plan": membership.plan.name,
            "plan_code": membership.plan.code,
            "renews_on": membership.renews_on.isoformat(),
            "refund_amount": refund_amount(membership),
            "reward_owed": membership.owed_reward.code if membership.owed_reward else None,
        },
    )
