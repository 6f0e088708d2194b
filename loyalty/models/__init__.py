from loyalty.models.earning import EarningRule, EarningRuleVersion, PointsAccrual

__all__ = ["EarningRule", "EarningRuleVersion", "PointsAccrual"]
