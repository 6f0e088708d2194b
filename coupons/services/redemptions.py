"""Spending incentives on an order, exactly, whoever else does so at the same moment.

A redemption locks what it spends, in the order of `coupons.services.locks`, and is one transaction per stack:
all of it or nothing. Rows of codes and budgets can be hot: the first attempt reads without a lock, and the
statement that spends locks them, sees that they are still what was read, and takes from them guarded; only
when somebody was faster is it done again with everything locked before it is read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from coupons import answers, engine
from coupons.errors import DuplicateRedemption
from coupons.models import Redemption, RedemptionStack, Reservation
from coupons.services.attempts import note_reservation
from coupons.services.buyers import held_buyer
from coupons.services.debits import Payment, write_payments
from coupons.services.payments import lock_payments
from coupons.services.redemption_events import redemption_event
from coupons.services.reservations import keep, lock_reservation, require_reservation, settle_reservations
from coupons.services.spendings import Offer, Spending
from coupons.services.takings import Share, budget_units, budgets_of, write_redemptions
from coupons.services.verdicts import Verdict, judge, judge_exactly
from operations.errors import TryLater
from operations.locks import Contended


@dataclass(frozen=True)
class Redeemed:
    """What was written: the stack, and each of its redemptions with what the lines got."""

    stack: RedemptionStack
    redemptions: tuple[tuple[Redemption, list[Share]], ...]


def redeem_stack(spending: Spending, *, at: datetime) -> RedemptionStack:
    """Spend the incentives on the purchase, all in one transaction; amounts are the cart's minor units.

    An incentive without effect is not spent. With application PARTIAL those refused are left out. What was
    reserved for it is given up. Raises the refusal of the first incentive that cannot be spent, and
    ReservationNotFound, with nothing done.
    """
    for exact in (False, True):
        try:
            with transaction.atomic():
                return redeem_once(spending, at=at, exact=exact).stack
        except Contended:
            continue
    raise TryLater(_("Many redemptions at the same moment; try again."))


def redeem_once(
    spending: Spending, *, at: datetime, exact: bool, keep: Callable[[Redeemed], dict[str, Any]] | None = None
) -> Redeemed:
    """Do what `redeem_stack` does, in the caller's transaction, which any error must roll back.

    `keep` is asked for the answer to what is about to be written (Keeping.parameters), to be kept by the last
    statement that writes of it. Raises Contended when somebody was faster; the next attempt is to be `exact`.
    """
    spending = replace(spending, buyer=held_buyer(spending.buyer))
    reservation = require_reservation(spending, at=at, lock=True)
    verdict = judge_exactly(spending, at=at) if exact else judge(spending, at=at, draw=True)
    if verdict.error:
        if not exact and any(offer.held for offer in verdict.offers):
            # Whoever reserved it may have spent it, or given it up, since it was read.
            raise Contended
        raise verdict.error
    try:
        redeemed = _redeem(verdict, at, keep)
    except IntegrityError as error:
        if "once_per_order" in str(error):
            raise DuplicateRedemption from error
        raise
    settle_reservations(reservation, verdict.facts.own_reservations)
    return redeemed


def reserve_stack(spending: Spending, *, minutes: int, at: datetime) -> tuple[Verdict, Reservation | None]:
    """Return what redeeming this would do now and, if it is valid, keep all of it for some minutes.

    Reserving again under the key of the spending moves the reservation: what it kept is given up for what is
    kept now. When it is not valid, an earlier one stays as it is.
    """
    with transaction.atomic():
        spending = replace(spending, buyer=held_buyer(spending.buyer))
        lock_reservation(spending)
        verdict = judge(spending, at=at, lock=True)
        lock_payments(verdict.offers)
        # Only what is read from here on is read under the locks.
        verdict = judge(spending, at=at, lock=True)
        if not verdict.valid:
            return verdict, None
        reservation = keep(spending, verdict.applied, minutes=minutes, at=at)
        note_reservation(reservation, [offer for offer, _ in verdict.applied], spending=spending, at=at)
        return verdict, reservation


def _redeem(verdict: Verdict, at: datetime, keep: Callable[[Redeemed], dict[str, Any]] | None) -> Redeemed:
    stack = _stack(verdict, at)
    redemptions = _redemptions(stack, verdict, at)
    allocations = _allocations(redemptions, verdict)
    redeemed = Redeemed(stack, tuple(zip(redemptions, allocations, strict=True)))
    payments = [
        Payment(redemption, offer)
        for redemption, (offer, _outcome) in zip(redemptions, verdict.applied, strict=True)
        if redemption.pays
    ]
    incentives = [one for one in redemptions if not one.pays]
    kept = keep(redeemed) if keep else None
    if incentives or not payments:
        write_redemptions(
            stack,
            incentives,
            [one for mine in allocations for one in mine],
            [redemption_event(one, stack, "redeemed", at) for one in incentives],
            verdict=verdict,
            budgets=not payments,
            kept=None if payments else kept,
        )
    if payments:
        # Coupons and counters come before accounts, budgets after them (C4).
        lock_payments(one.offer for one in payments)
        write_payments(
            payments,
            [redemption_event(one.redemption, stack, "redeemed", at) for one in payments],
            spending=verdict.spending,
            budgets=budgets_of(verdict),
            at=at,
            stack=None if incentives else stack,
            kept=kept,
        )
    return redeemed


def _stack(verdict: Verdict, at: datetime) -> RedemptionStack:
    """Return the stack, not yet written, under an id of its own."""
    spending, calculation = verdict.spending, verdict.calculation
    purchase = spending.purchase
    return RedemptionStack(
        id=verdict.facts.ids[0],
        customer=spending.buyer.customer,
        client=spending.client,
        source_code=purchase.source,
        external_id=purchase.source_id,
        order_id=verdict.facts.order_id,
        currency=calculation.cart.currency,
        amount=calculation.cart.amount,
        discount_amount=calculation.discount_amount,
        shipping_discount_amount=calculation.shipping_discount_amount,
        tender_amount=calculation.tender_amount,
        cart=purchase.content,
        order_totals=answers.order_totals(calculation),
        trace=[
            {
                "type": offer.redeemable.kind,
                "name": offer.shown_name,
                "status": outcome.status,
                "error": outcome.error,
                "trace": answers.trace(outcome.trace),
            }
            for offer, outcome in verdict.outcomes
        ],
        redeemed_at=at,
    )


def _redemptions(stack: RedemptionStack, verdict: Verdict, at: datetime) -> list[Redemption]:
    """Return a redemption for each that applies, not yet written, under ids of their own."""
    return [
        Redemption(
            id=verdict.facts.ids[position],
            stack=stack,
            position=position,
            kind=offer.redeemable.kind,
            promotion=offer.promotion,
            coupon=offer.coupon,
            gift_card=offer.gift_card,
            customer=stack.customer,
            units=outcome.units,
            discount_amount=outcome.discount_amount,
            shipping_discount_amount=outcome.shipping_amount,
            tender_amount=outcome.tender_amount,
            currency=stack.currency,
            order_key=verdict.spending.order_key,
            consumed=_consumed(offer, outcome),
            redeemed_at=at,
        )
        for position, (offer, outcome) in enumerate(verdict.applied, start=1)
    ]


def _allocations(redemptions: Sequence[Redemption], verdict: Verdict) -> list[list[Share]]:
    """Return what each line got of each redemption."""
    return [
        [
            Share(
                redemption_id=redemption.pk,
                line_id=line.line_id,
                position=position,
                units=outcome.units_of(line),
                discount_amount=outcome.discounts[line.line_id],
            )
            for position, line in enumerate(verdict.calculation.cart.lines)
            if line.line_id in outcome.discounts
        ]
        for redemption, (_offer, outcome) in zip(redemptions, verdict.applied, strict=True)
    ]


def _consumed(offer: Offer, outcome: engine.Outcome) -> dict[str, list]:
    """Return what a redemption takes from where, so that a rollback gives back just that."""
    if not offer.counters and not offer.budgets:
        return {}
    return {
        "counters": [
            [key.coupon, bool(key.customer), key.email_hash, key.period, key.starts_on.isoformat()]
            for key in sorted(set(offer.counters))
        ],
        "budgets": [
            [key.budget, key.starts_on.isoformat(), budget_units(key, outcome)] for key in offer.budgets
        ],
    }
