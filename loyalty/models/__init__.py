from loyalty.models.adjustment import PointsAdjustment, PointsTransfer, TransferConsent
from loyalty.models.benefits import Beneficial
from loyalty.models.card import Card, CardBatch, CardDesign
from loyalty.models.draw import Draw, DrawEntry, DrawParticipant
from loyalty.models.earning import EarningRule, EarningRuleVersion, PointsAccrual, PointsShortfall
from loyalty.models.member import JoinRequest, MemberLink
from loyalty.models.membership import Membership, MembershipPayment, MembershipPlan
from loyalty.models.reward import PartnerCode, Reward, RewardGrant
from loyalty.models.staff import Employee
from loyalty.models.tier import Tier, TierLadder, TierPeriod
from loyalty.models.wallet import WalletDevice, WalletPass

__all__ = [
    "Beneficial",
    "Card",
    "CardBatch",
    "CardDesign",
    "Draw",
    "DrawEntry",
    "DrawParticipant",
    "EarningRule",
    "EarningRuleVersion",
    "Employee",
    "JoinRequest",
    "MemberLink",
    "Membership",
    "MembershipPayment",
    "MembershipPlan",
    "PartnerCode",
    "PointsAccrual",
    "PointsAdjustment",
    "PointsShortfall",
    "PointsTransfer",
    "Reward",
    "RewardGrant",
    "Tier",
    "TierLadder",
    "TierPeriod",
    "TransferConsent",
    "WalletDevice",
    "WalletPass",
]
