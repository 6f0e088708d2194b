"""What would become of a spending: one judgement behind qualifications, validations and redemptions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from django.utils.translation import gettext as _

from coupons import engine
from coupons.errors import IncentiveRefused, OrderRulesViolated, refusal
from coupons.models import Coupon, Redemption
from coupons.services.buyers import context_of
from coupons.services.facts import Facts
from coupons.services.locks import lock_budgets, lock_counters
from coupons.services.offers import describe_lines, find_offers
from coupons.services.payments import lock_payments
from coupons.services.reservations import require_reservation
from coupons.services.spendings import Offer, Redeemable, Spending

Kind = Redemption.Kind
MOST_OWN = 100


@dataclass(frozen=True)
class Verdict:
    """What would become of a spending now: one outcome per offer."""

    spending: Spending
    offers: tuple[Offer, ...]
    calculation: engine.Calculation
    facts: Facts

    @property
    def valid(self) -> bool:
        return self.calculation.holds(self.spending.application)

    @cached_property
    def outcomes(self) -> list[tuple[Offer, engine.Outcome]]:
        """Return each offer with its outcome, without automatic promotions that do not apply."""
        pairs = zip(self.offers, self.calculation.outcomes, strict=True)
        return [
            (offer, outcome)
            for offer, outcome in pairs
            if not offer.optional or outcome.status == engine.OutcomeStatus.APPLICABLE
        ]

    @cached_property
    def applied(self) -> list[tuple[Offer, engine.Outcome]]:
        return [pair for pair in self.outcomes if pair[1].status == engine.OutcomeStatus.APPLICABLE]

    @property
    def error(self) -> IncentiveRefused | None:
        """Return why it cannot be redeemed: the first refusal, in the order of the request."""
        if self.valid:
            return None
        for offer, outcome in self.outcomes:
            if outcome.error:
                return refusal(outcome.error, about_coupon=offer.coded)
        nothing = OrderRulesViolated(_("Nothing in this cart is left to take something off."))
        nothing.about_coupon = any(offer.coded for offer, _outcome in self.outcomes)
        return nothing


def judge(spending: Spending, *, at: datetime, lock: bool = False, draw: bool = False) -> Verdict:
    """Return what becomes of a spending; with `lock` the promotions and coupons stay as they are.

    With `draw` it can be spent.
    """
    offers, facts = find_offers(spending, at=at, lock=lock, draw=draw)
    cart, context = _circumstances(spending, offers, at)
    calculation = engine.calculate(cart, [offer.candidate for offer in offers], context)
    return Verdict(spending, tuple(offers), calculation, facts)


def judge_exactly(spending: Spending, *, at: datetime) -> Verdict:
    """Return what becomes of a spending, with everything it counts in locked first, in the fixed order."""
    offers, _facts = find_offers(spending, at=at, lock=True)
    lock_counters(key for offer in offers for key in offer.counters)
    lock_payments(offers)
    lock_budgets(key for offer in offers for key in offer.budgets)
    return judge(spending, at=at, lock=True, draw=True)


def validate_stack(spending: Spending, *, at: datetime) -> Verdict:
    """Return what redeeming this would do at that instant, without doing it.

    Raises ReservationNotFound when it names a reservation that is not live.
    """
    require_reservation(spending, at=at)
    return judge(spending, at=at)


def qualify(spending: Spending, *, at: datetime) -> list[tuple[Offer, engine.Outcome]]:
    """Return what each incentive would do to the cart on its own: those named, and the automatic ones.

    When none is named, the customer's own coupons are asked, as optional ones.
    """
    named = bool(spending.redeemables)
    if not named and spending.buyer.customer is not None:
        usable = Coupon.objects.usable(at).running(at).filter(holder=spending.buyer.customer)
        own = usable.order_by("pk")[:MOST_OWN]
        own_coupons = tuple(Redeemable(Kind.COUPON, coupon.code) for coupon in own)
        spending = replace(spending, redeemables=own_coupons)
    offers, _facts = find_offers(spending, at=at)
    if not named:
        offers = [_asked_by_nobody(offer) for offer in offers]
    cart, context = _circumstances(spending, offers, at)
    return [(offer, engine.calculate(cart, [offer.candidate], context).outcomes[0]) for offer in offers]


def _asked_by_nobody(offer: Offer) -> Offer:
    return replace(offer, optional=True, candidate=replace(offer.candidate, optional=True))


def _circumstances(
    spending: Spending, offers: Sequence[Offer], at: datetime
) -> tuple[engine.Cart, engine.Context]:
    incentives = [offer for offer in offers if not offer.pays]
    cart = describe_lines(spending.purchase.cart, incentives)
    return cart, context_of(spending.buyer, [offer.candidate for offer in incentives], at=at)
