"""What can go wrong with incentives. Base tree: operations.errors.

Refusal
├── CodeNotValid             404, for clients that may not know why
├── IncentiveRefused         one incentive of a stack cannot be spent
│   ├── CouponNotFound       404
│   ├── CouponDisabled, CouponNotActive, CouponExpired, CouponNotActiveNow
│   ├── QuantityExceeded, CustomerRulesViolated, OrderRulesViolated, RedemptionRulesViolated
│   ├── GiftCardEmpty, GiftCardBalanceExceeded, PointsExceeded
│   ├── MarginGuardViolated
│   ├── BudgetExceeded, StackingLimitExceeded, CurrencyMismatch, PromotionStopped
│   └── DuplicateRedemption  409
├── ReservationNotFound      404
├── AlreadyRolledBack        409
├── PromotionHasNoCoupon, PromotionNotPublishable, CouponPoolEmpty, NoPersonalOffer
├── NoBarcode, MoveNotPossible
├── AgentLimitExceeded, OwnRecord, ApprovalNotPossible
├── GiftCardNotFound         404
├── GiftCardMoveNotPossible, GiftCardConflict, CodesFetched (409)
└── AlreadyReversed (409), MoreThanTaken
"""

from django.utils.translation import gettext_lazy as _

from operations.errors import Conflict, NotFound, Refusal


class CodeNotValid(NotFound):
    key = "code_not_valid"
    message = _("This code is not valid.")


class IncentiveRefused(Refusal):
    """One incentive cannot be spent; `about_coupon` when it was named by a code."""

    about_coupon = False


class CouponNotFound(IncentiveRefused):
    key = "not_found"
    status = 404
    message = _("There is no such code or promotion.")


class CouponDisabled(IncentiveRefused):
    key = "coupon_disabled"
    message = _("This code was switched off.")


class CouponNotActive(IncentiveRefused):
    key = "coupon_not_active"
    message = _("This code is not good yet.")


class CouponExpired(IncentiveRefused):
    key = "coupon_expired"
    message = _("This code has expired.")


class CouponNotActiveNow(IncentiveRefused):
    key = "coupon_not_active_now"
    message = _("This coupon is not good at this hour.")


class QuantityExceeded(IncentiveRefused):
    key = "quantity_exceeded"
    message = _("This coupon was used as often as it allows.")


class CustomerRulesViolated(IncentiveRefused):
    key = "customer_rules_violated"
    message = _("This incentive is not meant for this customer.")


class OrderRulesViolated(IncentiveRefused):
    key = "order_rules_violated"
    message = _("The cart does not meet the conditions of this incentive.")


class RedemptionRulesViolated(IncentiveRefused):
    key = "redemption_rules_violated"
    message = _("A limit of this incentive is reached.")


class CouponPoolEmpty(Refusal):
    key = "coupon_pool_empty"
    message = _("Every code of this promotion was handed out; add some.")


class NoPersonalOffer(Refusal):
    key = "no_personal_offer"
    message = _("No personal offer stands for this customer: this promotion gives them nothing.")


class NoBarcode(Refusal):
    key = "no_barcode"
    message = _("Bars cannot hold this code; use its QR code.")


class BudgetExceeded(IncentiveRefused):
    key = "budget_exceeded"
    message = _("The budget of this promotion is spent.")


class MarginGuardViolated(IncentiveRefused):
    key = "margin_guard_violated"
    message = _("Nothing can be taken off without giving up the margin that has to stay.")


class StackingLimitExceeded(IncentiveRefused):
    key = "stacking_limit_exceeded"
    message = _("This incentive cannot be combined with the others.")


class CurrencyMismatch(IncentiveRefused):
    key = "currency_mismatch"
    message = _("The incentive and the cart are in different currencies.")


class PromotionStopped(IncentiveRefused):
    key = "promotion_stopped"
    message = _("This promotion was stopped.")


class GiftCardEmpty(IncentiveRefused):
    key = "gift_card_empty"
    message = _("There is nothing left on this gift card.")


class GiftCardBalanceExceeded(IncentiveRefused):
    key = "gift_card_balance_exceeded"
    message = _("There is less on this gift card.")


class DuplicateRedemption(IncentiveRefused):
    key = "duplicate_redemption"
    status = 409
    message = _("This incentive was spent on this order already.")


class ReservationNotFound(NotFound):
    key = "reservation_not_found"
    message = _("There is no reservation under this key, or it has expired.")


class AlreadyRolledBack(Conflict):
    key = "already_rolled_back"
    message = _("This redemption was rolled back before.")


class PromotionHasNoCoupon(Refusal):
    key = "promotion_has_no_coupon"
    message = _("This promotion applies by itself; it has no coupons to hand out.")


class PromotionNotPublishable(Refusal):
    key = "promotion_not_active"
    message = _("Only an active or scheduled promotion hands out coupons.")


class MoveNotPossible(Conflict):
    message = _("The promotion's status does not allow this.")


class PromotionChangedMeanwhile(Conflict):
    message = _(
        "This promotion was changed meanwhile, by somebody or in another tab. Look at its versions; saved "
        "again, what stands here takes its place."
    )


class CodeTaken(Conflict):
    message = _("A coupon with this code exists already.")


class AgentLimitExceeded(Refusal):
    key = "agent_limit_exceeded"
    message = _("This is above your daily allowance, and nobody else may approve it.")


class OwnRecord(Refusal):
    key = "own_record"
    message = _("Nobody can give an apology to themselves.")


class ApprovalNotPossible(Refusal):
    key = "approval_not_possible"
    message = _("Another person with the right to approve has to decide.")


class PointsExceeded(IncentiveRefused):
    key = "points_exceeded"
    message = _("There is not enough on this account.")


class GiftCardNotFound(NotFound):
    message = _("There is no such gift card.")


class GiftCardMoveNotPossible(Conflict):
    message = _("The gift card's status does not allow this.")


class GiftCardConflict(Conflict):
    message = _("Another gift card was issued for this cause.")


class CodesFetched(Conflict):
    message = _("The codes were fetched before, or their day is over; cards can be given new codes.")


class MoreThanTaken(Refusal):
    key = "refund_exceeded"
    message = _("More would be given back than was taken.")


class AlreadyReversed(Conflict):
    key = "already_reversed"
    message = _("This entry was reversed before.")


REFUSALS = {error.key: error for error in IncentiveRefused.__subclasses__()}
# What a client without the scope coupons:explain must not be told of a code: anything but that it spent it on
# this order itself.
TELLS_THAT_A_CODE_EXISTS = set(REFUSALS) - {DuplicateRedemption.key}


def refusal(key: str, *, about_coupon: bool) -> IncentiveRefused:
    """Return the error for a key of the engine."""
    error = REFUSALS[key]()
    error.about_coupon = about_coupon
    return error
