from referrals.admin import programmes, referrals

__all__ = ["programmes", "referrals"]
