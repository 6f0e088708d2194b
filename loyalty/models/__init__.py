from loyalty.models.earning import EarningRule, EarningRuleVersion, PointsAccrual, PointsShortfall
from loyalty.models.member import MemberLink
from loyalty.models.reward import PartnerCode, Reward, RewardGrant
from loyalty.models.staff import Employee

__all__ = [
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
