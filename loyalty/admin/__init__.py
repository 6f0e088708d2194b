from loyalty.admin import accounts, adjustments, rules

__all__ = ["accounts", "adjustments", "rules"]
