from coupons.admin.apologies import AgentAllowanceAdmin, ApologyAdmin
from coupons.admin.codes import CodeBatchAdmin
from coupons.admin.coupons import CouponAdmin, PublicationAdmin
from coupons.admin.gift_card_giving import GiftCardBatchAdmin
from coupons.admin.gift_cards import GiftCardAdmin
from coupons.admin.promotions import BudgetAdmin, PromotionAdmin
from coupons.admin.redemptions import RedemptionAdmin

__all__ = [
    "AgentAllowanceAdmin",
    "ApologyAdmin",
    "BudgetAdmin",
    "CodeBatchAdmin",
    "CouponAdmin",
    "GiftCardAdmin",
    "GiftCardBatchAdmin",
    "PromotionAdmin",
    "PublicationAdmin",
    "RedemptionAdmin",
]
