from referrals.models.programme import Invitation, ReferralCode, ReferralProgramme
from referrals.models.referral import Referral, ReferralReward

__all__ = ["Invitation", "Referral", "ReferralCode", "ReferralProgramme", "ReferralReward"]
