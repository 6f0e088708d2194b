"""What becomes of a reward after it was given: handed over, or taken back."""

from datetime import datetime
from fractions import Fraction

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from coupons.models import Coupon
from coupons.services import claw_back, disable_gift_card, give_back, switch_off_coupon, withdraw_publication
from customers.models import Customer
from customers.services.locks import hold_customer
from loyalty.errors import GrantMoveNotPossible
from loyalty.models import Reward, RewardGrant
from loyalty.services.earning import announce_points
from loyalty.services.rewards import tell_of_grant
from operations.errors import InvalidInput
from operations.models import User

Kind = Reward.Kind
Status = RewardGrant.Status
WHOLE, NOTHING = Fraction(1), Fraction(0)
LONGEST_REASON = 300


def hand_over_grant(grant: RewardGrant, *, at: datetime, by: User | None = None) -> RewardGrant:
    """Note that somebody put the product into the customer's hands; done already, it is left alone.

    Raises GrantMoveNotPossible for a reward that was taken back.
    """
    with transaction.atomic():
        grant = _locked(grant)
        if grant.status == Status.TAKEN_BACK:
            raise GrantMoveNotPossible(_("This reward was taken back."))
        if grant.status == Status.WAITING:
            grant.status, grant.handed_over_at, grant.handed_over_by = Status.GIVEN, at, by
            grant.save(update_fields=["status", "handed_over_at", "handed_over_by"])
            tell_of_grant("reward.handed_over", grant, at=at, by=by.pk if by else None)
    return grant


def take_back_grant(grant: RewardGrant, *, reason: str, at: datetime, by: User | None = None) -> RewardGrant:
    """Take a reward back as far as it can be: what was used, handed over or seen stays with the customer.

    An unused coupon is switched off, a gift card loses what is left on it, points given are clawed back, a
    product not handed over is kept, a donation is not made. The points it had cost come back for the part
    that could be taken back, rounded down; the stock when that is all of it. A partner's code was seen and
    is never given again. Taken back already, it is left alone.

    Raises InvalidInput for a reason that is too long. Locks the customer, the reward, the grant, then what it
    gave.
    """
    reason = reason.strip()
    if len(reason) > LONGEST_REASON:
        raise InvalidInput.at("/reason", _("At most %(most)s characters.") % {"most": LONGEST_REASON})
    with transaction.atomic():
        customer = hold_customer(Customer(pk=grant.customer_id))
        reward = Reward.objects.select_for_update(no_key=True).get(pk=grant.reward_id)
        grant = _locked(grant)
        if grant.status == Status.TAKEN_BACK:
            return grant
        part = _recover(grant, customer, reason=reason, at=at, by=by)
        grant.status, grant.taken_back_at, grant.taken_back_by = Status.TAKEN_BACK, at, by
        grant.taken_back_reason = reason
        grant.points_back = _return_points(grant, customer, part, reason=reason, at=at)
        if part == WHOLE and reward.taken:
            Reward.objects.filter(pk=reward.pk).update(taken=F("taken") - 1)
            grant.stocked_back = True
        grant.save()
        tell_of_grant("reward.taken_back", grant, at=at, reason=reason, points_back=grant.points_back)
    return grant


def _locked(grant: RewardGrant) -> RewardGrant:
    hold_customer(Customer(pk=grant.customer_id))
    locked = RewardGrant.objects.select_for_update(of=["self"], no_key=True)
    return locked.whole().get(pk=grant.pk)


def _recover(
    grant: RewardGrant, customer: Customer, *, reason: str, at: datetime, by: User | None
) -> Fraction:
    """Take back what the grant gave; return which part of its worth that was."""
    match grant.reward.kind:
        case Kind.COUPON:
            return _withdraw(grant, reason=reason, at=at, by=by)
        case Kind.GIFT_CARD:
            return _clear_card(grant, reason=reason, at=at, by=by)
        case Kind.POINTS:
            return _claw_back(grant, customer, reason=reason, at=at)
        case Kind.PRODUCT:
            return WHOLE if grant.status == Status.WAITING else NOTHING
        case Kind.DONATION:
            return WHOLE
    return NOTHING


def _withdraw(grant: RewardGrant, *, reason: str, at: datetime, by: User | None) -> Fraction:
    publication = withdraw_publication(grant.publication, reason=reason, by=by, at=at)
    coupon = Coupon.objects.get(pk=publication.coupon_id)
    if coupon.public:
        return WHOLE
    if coupon.uses:
        return NOTHING
    # Somebody has seen it: it does not go back to the pool of codes.
    switch_off_coupon(coupon, reason=reason, by=by, at=at)
    return WHOLE


def _clear_card(grant: RewardGrant, *, reason: str, at: datetime, by: User | None) -> Fraction:
    card = disable_gift_card(grant.gift_card, reason=reason, at=at, by=by, clear=True)
    cleared = card.account.entries.filter(source_key=f"cleared:{at.isoformat()}").first()
    return min(Fraction(-cleared.delta, grant.amount), WHOLE) if cleared else NOTHING


def _claw_back(grant: RewardGrant, customer: Customer, *, reason: str, at: datetime) -> Fraction:
    given = grant.entry.delta
    taken = claw_back(
        grant.entry.account, units=given, source_key=f"reward-back:{grant.pk}", at=at, reason=reason
    )
    if taken.entry:
        announce_points(taken.entry, customer, at=at)
    return Fraction(taken.units, given)


def _return_points(
    grant: RewardGrant, customer: Customer, part: Fraction, *, reason: str, at: datetime
) -> int:
    units = int(grant.spent_points * part)
    if units:
        (entry, *_more) = give_back(
            grant.spent_entry, units=units, source_key=f"reward-cost-back:{grant.pk}", at=at, reason=reason
        )
        announce_points(entry, customer, at=at)
    return units
