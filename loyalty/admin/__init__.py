from loyalty.admin import accounts, rules

__all__ = ["accounts", "rules"]
