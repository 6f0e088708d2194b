"""Spending incentives on an order, exactly, whoever else does so at the same moment.

A redemption locks what it reads, in the order of `coupons.services.locks`, and is one transaction per stack:
all of it or nothing. Counters, accounts and budgets are the hottest rows: the first attempt reads them
without a lock and takes from them last, guarded; only when somebody was faster is it done again with them
locked.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from coupons import answers, engine
from coupons.errors import DuplicateRedemption, QuantityExceeded
from coupons.models import Allocation, BudgetPeriod, Coupon, Redemption, RedemptionStack, Reservation
from coupons.services.attempts import note_reservation
from coupons.services.buyers import held_buyer
from coupons.services.keys import BudgetKey
from coupons.services.locks import open_periods
from coupons.services.offers import find_offers
from coupons.services.payments import lock_payments, pay, still_pay
from coupons.services.redemption_events import redemption_event
from coupons.services.reservations import (
    keep,
    require_reservation,
    settle_reservations,
    with_holds,
)
from coupons.services.spendings import Offer, Spending
from coupons.services.verdicts import Verdict, judge
from customers.models import Order
from customers.services import record_events
from operations.errors import TryLater


def redeem_stack(spending: Spending, *, at: datetime) -> RedemptionStack:
    """Spend the incentives on the purchase, all in one transaction; amounts are the cart's minor units.

    An incentive without effect is not spent. With application PARTIAL those refused are left out. What was
    reserved for it is given up. Raises the refusal of the first incentive that cannot be spent, and
    ReservationNotFound, with nothing done.
    """
    with transaction.atomic():
        spending = replace(spending, buyer=held_buyer(spending.buyer))
        reservation = require_reservation(spending, at=at, lock=True)
        offers = find_offers(spending, at=at, lock=True)
        for exact in (False, True):
            try:
                with transaction.atomic():
                    stack = _redeem(spending, offers, at=at, exact=exact)
                    settle_reservations(spending, reservation)
                    return stack
            except _Contended:
                continue
            except IntegrityError as error:
                if "once_per_order" in str(error):
                    raise DuplicateRedemption from error
                raise
        raise TryLater(_("Many redemptions at the same moment; try again."))


def reserve_stack(spending: Spending, *, minutes: int, at: datetime) -> tuple[Verdict, Reservation | None]:
    """Return what redeeming this would do now and, if it is valid, keep all of it for some minutes.

    Reserving again under the key of the spending moves the reservation: what it kept is given up for what is
    kept now. When it is not valid, an earlier one stays as it is.
    """
    with transaction.atomic():
        spending = replace(spending, buyer=held_buyer(spending.buyer))
        offers = find_offers(spending, at=at, lock=True)
        offers = lock_payments(offers, spending.buyer, at=at)
        verdict = judge(spending, offers, at=at)
        if not verdict.valid:
            return verdict, None
        reservation = keep(spending, verdict.applied, minutes=minutes, at=at)
        note_reservation(reservation, [offer for offer, _ in verdict.applied], spending=spending, at=at)
        return verdict, reservation


class _Contended(Exception):
    """Somebody took from a counter, an account or a budget between our reading and our taking."""


def _redeem(spending: Spending, offers: Sequence[Offer], *, at: datetime, exact: bool) -> RedemptionStack:
    verdict = judge(spending, offers, at=at, exact=exact)
    if verdict.error:
        raise verdict.error
    stack = _write_stack(verdict, at)
    redemptions = _redemptions(stack, verdict, at)
    incentives = [one for one in redemptions if not one.pays]
    _write_redemptions(incentives, verdict)
    _use_coupons(verdict)
    record_events([redemption_event(one, stack, "redeemed", at) for one in incentives])
    _take_counters(verdict)
    _pay(stack, redemptions, verdict, at)
    _take_budgets(verdict)
    return stack


def _write_stack(verdict: Verdict, at: datetime) -> RedemptionStack:
    spending, calculation = verdict.spending, verdict.calculation
    purchase = spending.purchase
    order = None
    if purchase.source and purchase.source_id:
        order = Order.objects.filter(source__code=purchase.source, external_id=purchase.source_id).first()
    return RedemptionStack.objects.create(
        customer=spending.buyer.customer,
        client=spending.client,
        source_code=purchase.source,
        external_id=purchase.source_id,
        order=order,
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
    """Return a redemption for each that applies, not yet written."""
    return [
        Redemption(
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


def _write_redemptions(redemptions: Sequence[Redemption], verdict: Verdict) -> None:
    Redemption.objects.bulk_create(redemptions)
    outcomes = [outcome for offer, outcome in verdict.applied if not offer.pays]
    Allocation.objects.bulk_create(
        Allocation(
            redemption=redemption,
            line_id=line.line_id,
            position=position,
            units=outcome.units_of(line),
            discount_amount=outcome.discounts[line.line_id],
        )
        for redemption, outcome in zip(redemptions, outcomes, strict=True)
        for position, line in enumerate(verdict.calculation.cart.lines)
        if line.line_id in outcome.discounts
    )


def _pay(stack: RedemptionStack, redemptions: Sequence[Redemption], verdict: Verdict, at: datetime) -> None:
    """Take the money and points, with their accounts locked. Raises _Contended."""
    pairs = [
        (redemption, *pair)
        for redemption, pair in zip(redemptions, verdict.applied, strict=True)
        if redemption.pays
    ]
    if not pairs:
        return
    buyer = verdict.spending.buyer
    offers = lock_payments([offer for _redemption, offer, _outcome in pairs], buyer, at=at)
    offers = with_holds(offers, verdict.spending, at=at)
    paying = [(one, offer, outcome) for (one, _, outcome), offer in zip(pairs, offers, strict=True)]
    if not still_pay([(offer, outcome) for _one, offer, outcome in paying], buyer, at=at):
        raise _Contended
    for redemption, offer, outcome in sorted(paying, key=lambda each: each[1].account.pk):
        cause = f"redemption:{stack.pk}:{redemption.position}"
        redemption.entry = pay(offer, outcome, source_key=cause, at=at)
    payments = [redemption for redemption, _offer, _outcome in pairs]
    Redemption.objects.bulk_create(payments)
    record_events([redemption_event(one, stack, "redeemed", at) for one in payments])


def _use_coupons(verdict: Verdict) -> None:
    """Count a use of each coupon, beside what others have reserved.

    The rows are locked; the guard and the CHECK stand behind the engine.
    """
    offers = {offer.coupon.pk: offer for offer, _outcome in verdict.applied if offer.coupon}
    for pk in sorted(offers):
        free = Coupon.objects.filter(pk=pk)
        if offers[pk].coupon.max_uses is not None:
            free = free.filter(uses__lt=F("max_uses") - offers[pk].held)
        if not free.update(uses=F("uses") + 1):
            raise QuantityExceeded


def _take_counters(verdict: Verdict) -> None:
    """Count the uses, each guarded by its limit. Raises _Contended."""
    wanted = Counter(key for offer, _outcome in verdict.applied for key in set(offer.counters))
    with connection.cursor() as cursor:
        for key in sorted(wanted):
            cursor.execute(_COUNT_USE, {**key.columns, "units": wanted[key], "cap": key.cap})
            if not cursor.rowcount:
                raise _Contended


_COUNT_USE = """
INSERT INTO coupons_limitcounter AS counter
    (promotion_id, coupon_id, customer_id, email_hash, period, starts_on, used)
VALUES
    (%(promotion_id)s, %(coupon_id)s, %(customer_id)s, %(email_hash)s, %(period)s, %(starts_on)s, %(units)s)
ON CONFLICT (promotion_id, coupon_id, customer_id, email_hash, period, starts_on)
DO UPDATE SET used = counter.used + %(units)s WHERE counter.used + %(units)s <= %(cap)s
"""


def _take_budgets(verdict: Verdict) -> None:
    """Take from the budgets, each guarded by its cap. Raises _Contended."""
    wanted: Counter = Counter()
    for offer, outcome in verdict.applied:
        for key in offer.budgets:
            wanted[key] += _budget_units(key, outcome)
    for key in sorted(wanted):
        _take_budget(key, wanted[key])


def _take_budget(key: BudgetKey, units: int) -> None:
    row = BudgetPeriod.objects.filter(budget=key.budget, starts_on=key.starts_on)
    for opened in (False, True):
        if row.filter(used__lte=F("cap") - units).update(used=F("used") + units):
            return
        if not opened:
            open_periods([key])
    raise _Contended


def _budget_units(key: BudgetKey, outcome: engine.Outcome) -> int:
    return outcome.given_amount if key.amounts else 1


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
            [key.budget, key.starts_on.isoformat(), _budget_units(key, outcome)] for key in offer.budgets
        ],
    }
