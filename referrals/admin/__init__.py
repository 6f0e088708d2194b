from referrals.admin import payouts, programmes, referrals

__all__ = ["payouts", "programmes", "referrals"]
