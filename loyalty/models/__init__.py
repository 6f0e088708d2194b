from loyalty.models.draw import Draw, DrawEntry, DrawParticipant
from loyalty.models.earning import EarningRule, EarningRuleVersion, PointsAccrual, PointsShortfall
from loyalty.models.member import MemberLink
from loyalty.models.reward import PartnerCode, Reward, RewardGrant
from loyalty.models.staff import Employee

__all__ = [
    "Draw",
    "DrawEntry",
    "DrawParticipant",
    "EarningRule",
    "EarningRuleVersion",
    "Employee",
    "MemberLink",
    "PartnerCode",
    "PointsAccrual",
    "PointsShortfall",
    "Reward",
    "RewardGrant",
]
