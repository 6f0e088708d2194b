from loyalty.models.earning import EarningRule, EarningRuleVersion, PointsAccrual, PointsShortfall
from loyalty.models.reward import PartnerCode, Reward, RewardGrant
from loyalty.models.staff import Employee

__all__ = [
    "EarningRule",
    "EarningRuleVersion",
    "Employee",
    "PartnerCode",
    "PointsAccrual",
    "PointsShortfall",
    "Reward",
    "RewardGrant",
]
