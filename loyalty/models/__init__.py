from loyalty.models.earning import EarningRule, EarningRuleVersion, PointsAccrual, PointsShortfall

__all__ = ["EarningRule", "EarningRuleVersion", "PointsAccrual", "PointsShortfall"]
