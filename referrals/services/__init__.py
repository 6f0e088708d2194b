from referrals.services.invitations import code_of, invite_friend
from referrals.services.programmes import (
    create_programme,
    edit_programme,
    resume_programme,
    stop_programme,
)
from referrals.services.referrals import (
    lose_referral,
    qualify_referral,
    register_referral,
    reward_referral,
    reward_referrals,
)
from referrals.services.reports import Standing, leaderboard, report_of

__all__ = [
    "Standing",
    "code_of",
    "create_programme",
    "edit_programme",
    "invite_friend",
    "leaderboard",
    "lose_referral",
    "qualify_referral",
    "register_referral",
    "report_of",
    "resume_programme",
    "reward_referral",
    "reward_referrals",
    "stop_programme",
]
