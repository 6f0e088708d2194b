"""Spending incentives on an order, exactly, whoever else does so at the same moment.

A redemption locks what it reads, in the order of `coupons.services.locks`, and is one transaction per stack:
all of it or nothing. Counters and budgets are the hottest rows: the first attempt reads them without a lock
and takes from them last, guarded; only when somebody was faster is it done again with them locked.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from coupons import answers, engine
from coupons.errors import (
    DuplicateRedemption,
    IncentiveRefused,
    OrderRulesViolated,
    QuantityExceeded,
    refusal,
)
from coupons.models import Allocation, BudgetPeriod, Coupon, Redemption, RedemptionStack
from coupons.services.buyers import context_of, held_buyer
from coupons.services.keys import BudgetKey
from coupons.services.locks import lock_budgets, lock_counters, open_periods
from coupons.services.offers import describe_lines, find_offers, with_facts
from coupons.services.redemption_events import redemption_event
from coupons.services.spendings import Offer, Redeemable, Spending
from customers.models import Order
from customers.services import record_events
from operations.errors import TryLater

Kind = Redemption.Kind
MOST_OWN = 100


@dataclass(frozen=True)
class Verdict:
    """What would become of a spending now: one outcome per offer."""

    spending: Spending
    offers: tuple[Offer, ...]
    calculation: engine.Calculation

    @property
    def valid(self) -> bool:
        return self.calculation.holds(self.spending.application)

    @property
    def outcomes(self) -> list[tuple[Offer, engine.Outcome]]:
        """Return each offer with its outcome, without automatic promotions that do not apply."""
        pairs = zip(self.offers, self.calculation.outcomes, strict=True)
        return [
            (offer, outcome)
            for offer, outcome in pairs
            if not offer.optional or outcome.status == engine.OutcomeStatus.APPLICABLE
        ]

    @property
    def applied(self) -> list[tuple[Offer, engine.Outcome]]:
        return [pair for pair in self.outcomes if pair[1].status == engine.OutcomeStatus.APPLICABLE]

    @property
    def error(self) -> IncentiveRefused | None:
        """Return why it cannot be redeemed: the first refusal, in the order of the request."""
        if self.valid:
            return None
        for offer, outcome in self.outcomes:
            if outcome.error:
                return refusal(outcome.error, about_coupon=offer.redeemable.kind == Kind.COUPON)
        return OrderRulesViolated(_("Nothing in this cart is left to take something off."))


def validate_stack(spending: Spending, *, at: datetime) -> Verdict:
    """Return what redeeming this would do at that instant, without doing it."""
    return _judge(spending, find_offers(spending, at=at), at=at)


def qualify(spending: Spending, *, at: datetime) -> list[tuple[Offer, engine.Outcome]]:
    """Return what each incentive would do to the cart on its own: those named, and the automatic ones.

    When none is named, the customer's own coupons are asked, as optional ones.
    """
    named = bool(spending.redeemables)
    if not named and spending.buyer.customer is not None:
        own = Coupon.objects.usable(at).filter(holder=spending.buyer.customer).order_by("pk")[:MOST_OWN]
        own_coupons = tuple(Redeemable(Kind.COUPON, coupon.code) for coupon in own)
        spending = replace(spending, redeemables=own_coupons)
    found = []
    for offer in find_offers(spending, at=at):
        offer = replace(offer, optional=offer.optional or not named)
        verdict = _judge(spending, [offer], at=at)
        found.append((verdict.offers[0], verdict.calculation.outcomes[0]))
    return found


def redeem_stack(spending: Spending, *, at: datetime) -> RedemptionStack:
    """Spend the incentives on the purchase, all in one transaction; amounts are the cart's minor units.

    An incentive without effect is not spent. With application PARTIAL those refused are left out. Raises the
    refusal of the first incentive that cannot be spent, with nothing done.
    """
    with transaction.atomic():
        spending = replace(spending, buyer=held_buyer(spending.buyer))
        offers = find_offers(spending, at=at, lock=True)
        for exact in (False, True):
            try:
                with transaction.atomic():
                    return _redeem(spending, offers, at=at, exact=exact)
            except _Contended:
                continue
            except IntegrityError as error:
                if "once_per_order" in str(error):
                    raise DuplicateRedemption from error
                raise
        raise TryLater(_("Many redemptions at the same moment; try again."))


class _Contended(Exception):
    """Somebody took from a counter or a budget between our reading and our taking."""


def _judge(spending: Spending, offers: Sequence[Offer], *, at: datetime, exact: bool = False) -> Verdict:
    offers = with_facts(offers, buyer=spending.buyer, order_key=spending.order_key, at=at)
    if exact:
        lock_counters(key for offer in offers for key in offer.counters)
        lock_budgets(key for offer in offers for key in offer.budgets)
        offers = with_facts(offers, buyer=spending.buyer, order_key=spending.order_key, at=at)
    candidates = [offer.candidate for offer in offers]
    cart = describe_lines(spending.purchase.cart, offers)
    context = context_of(spending.buyer, candidates, at=at)
    return Verdict(spending, tuple(offers), engine.calculate(cart, candidates, context))


def _redeem(spending: Spending, offers: Sequence[Offer], *, at: datetime, exact: bool) -> RedemptionStack:
    verdict = _judge(spending, offers, at=at, exact=exact)
    if verdict.error:
        raise verdict.error
    stack = _write_stack(verdict, at)
    redemptions = _write_redemptions(stack, verdict, at)
    _use_coupons(verdict)
    record_events([redemption_event(one, stack, "coupon.redeemed", at) for one in redemptions])
    _take_counters(verdict)
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
        cart=purchase.content,
        order_totals=answers.order_totals(calculation),
        trace=[
            {
                "type": offer.redeemable.kind,
                "name": offer.redeemable.name,
                "status": outcome.status,
                "error": outcome.error,
                "trace": answers.trace(outcome.trace),
            }
            for offer, outcome in verdict.outcomes
        ],
        redeemed_at=at,
    )


def _write_redemptions(stack: RedemptionStack, verdict: Verdict, at: datetime) -> list[Redemption]:
    redemptions = Redemption.objects.bulk_create(
        Redemption(
            stack=stack,
            position=position,
            kind=offer.redeemable.kind,
            promotion=offer.promotion,
            coupon=offer.coupon,
            customer=stack.customer,
            discount_amount=outcome.discount_amount,
            currency=stack.currency,
            order_key=verdict.spending.order_key,
            consumed=_consumed(offer, outcome),
            redeemed_at=at,
        )
        for position, (offer, outcome) in enumerate(verdict.applied, start=1)
    )
    Allocation.objects.bulk_create(
        Allocation(
            redemption=redemption,
            line_id=line.line_id,
            position=position,
            units=outcome.units_of(line),
            discount_amount=outcome.discounts[line.line_id],
        )
        for redemption, (_offer, outcome) in zip(redemptions, verdict.applied, strict=True)
        for position, line in enumerate(verdict.calculation.cart.lines)
        if line.line_id in outcome.discounts
    )
    return redemptions


def _use_coupons(verdict: Verdict) -> None:
    """Count a use of each coupon; its row is locked, the guard and the CHECK stand behind the engine."""
    coupons = {offer.coupon.pk: offer.coupon for offer, _outcome in verdict.applied if offer.coupon}
    for pk in sorted(coupons):
        free = Coupon.objects.filter(pk=pk)
        if coupons[pk].max_uses is not None:
            free = free.filter(uses__lt=F("max_uses"))
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
