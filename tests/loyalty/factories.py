from loyalty.models import EarningRule
from loyalty.services import create_earning_rule


def make_rule(**fields) -> EarningRule:
    """Return the usual promise: one point for every full euro."""
    usual = {"code": "euros", "name": "One point per euro", "points": 1, "per_amount": 100}
    return create_earning_rule(**usual | fields)
