from coupons.models.anchor import AnchoredHead, LedgerAnchor
from coupons.models.apology import AgentAllowance, Apology
from coupons.models.attempt import CouponAttempt
from coupons.models.batch import CodeBatch
from coupons.models.coupon import Coupon, Publication, Reason
from coupons.models.gift_card import GiftCard, GiftCardBatch, SealedCode
from coupons.models.gift_card_request import GiftCardRequest
from coupons.models.ledger import Account, LedgerEntry, Lot, LotMovement
from coupons.models.limit import Budget, BudgetPeriod, LimitCounter, PromotionGrant
from coupons.models.personal_offer import PersonalOffer
from coupons.models.promotion import Period, Promotion
from coupons.models.redemption import Allocation, Redemption, RedemptionStack
from coupons.models.redemption_return import RedemptionReturn, RedemptionReturnLine, ReturnedTender
from coupons.models.reservation import Hold, Reservation
from coupons.models.version import PromotionAlert, PromotionVersion

__all__ = [
    "Account",
    "AgentAllowance",
    "Allocation",
    "AnchoredHead",
    "Apology",
    "Budget",
    "BudgetPeriod",
    "CodeBatch",
    "Coupon",
    "CouponAttempt",
    "GiftCard",
    "GiftCardBatch",
    "GiftCardRequest",
    "Hold",
    "LedgerAnchor",
    "LedgerEntry",
    "LimitCounter",
    "Lot",
    "LotMovement",
    "Period",
    "PersonalOffer",
    "Promotion",
    "PromotionAlert",
    "PromotionGrant",
    "PromotionVersion",
    "Publication",
    "Reason",
    "Redemption",
    "RedemptionReturn",
    "RedemptionReturnLine",
    "RedemptionStack",
    "Reservation",
    "ReturnedTender",
    "SealedCode",
]
