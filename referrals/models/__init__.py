from referrals.models.code import CodeOpening, Invitation, ReferralCode
from referrals.models.fingerprint import Fingerprint
from referrals.models.payout import CashEntry, Payout, PayoutBatch
from referrals.models.programme import (
    ReferralCopy,
    ReferralProgramme,
    ReferralVariant,
    RewardStep,
    ShareChannel,
)
from referrals.models.referral import Referral, ReferralReward
from referrals.models.step import StepReward

__all__ = [
    "CashEntry",
    "CodeOpening",
    "Fingerprint",
    "Invitation",
    "Payout",
    "PayoutBatch",
    "Referral",
    "ReferralCode",
    "ReferralCopy",
    "ReferralProgramme",
    "ReferralReward",
    "ReferralVariant",
    "RewardStep",
    "ShareChannel",
    "StepReward",
]
