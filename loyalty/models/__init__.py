from loyalty.models.benefits import Beneficial
from loyalty.models.draw import Draw, DrawEntry, DrawParticipant
from loyalty.models.earning import EarningRule, EarningRuleVersion, PointsAccrual, PointsShortfall
from loyalty.models.member import MemberLink
from loyalty.models.membership import Membership, MembershipPayment, MembershipPlan
from loyalty.models.reward import PartnerCode, Reward, RewardGrant
from loyalty.models.staff import Employee
from loyalty.models.tier import Tier, TierLadder, TierPeriod

__all__ = [
    "Beneficial",
    "Draw",
    "DrawEntry",
    "DrawParticipant",
    "EarningRule",
    "EarningRuleVersion",
    "Employee",
    "MemberLink",
    "Membership",
    "MembershipPayment",
    "MembershipPlan",
    "PartnerCode",
    "PointsAccrual",
    "PointsShortfall",
    "Reward",
    "RewardGrant",
    "Tier",
    "TierLadder",
    "TierPeriod",
]
