from referrals.services.codes import code_of, invite_friend, may_refer, programme_for
from referrals.services.evidence import note_fingerprints
from referrals.services.leaderboard import leaderboard, rank_of
from referrals.services.openings import count_opening
from referrals.services.payouts import decide_payouts, export_payouts, make_payouts, mark_paid, owed_amount
from referrals.services.programmes import (
    create_programme,
    edit_programme,
    resume_programme,
    stop_programme,
)
from referrals.services.qualification import lose_referral, qualify_referral
from referrals.services.registration import register_referral
from referrals.services.reports import Standing, report_of
from referrals.services.reviews import clear_referral, refuse_referral, take_back_referral
from referrals.services.rewarding import reward_referral, reward_referrals

__all__ = [
    "Standing",
    "clear_referral",
    "code_of",
    "count_opening",
    "create_programme",
    "decide_payouts",
    "edit_programme",
    "export_payouts",
    "invite_friend",
    "leaderboard",
    "lose_referral",
    "make_payouts",
    "mark_paid",
    "may_refer",
    "note_fingerprints",
    "owed_amount",
    "programme_for",
    "qualify_referral",
    "rank_of",
    "refuse_referral",
    "register_referral",
    "report_of",
    "resume_programme",
    "reward_referral",
    "reward_referrals",
    "stop_programme",
    "take_back_referral",
]
