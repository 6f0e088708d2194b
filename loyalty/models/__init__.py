from loyalty.models.adjustment import PointsAdjustment, PointsTransfer, TransferConsent
from loyalty.models.badge import Badge, BadgeAward
from loyalty.models.benefits import Beneficial
from loyalty.models.card import Card, CardBatch, CardDesign
from loyalty.models.challenge import (
    Challenge,
    ChallengeCompletion,
    ChallengeParticipant,
    ChallengeStep,
    StampCard,
)
from loyalty.models.draw import Draw, DrawEntry, DrawParticipant, Period
from loyalty.models.earning import PointsAccrual, PointsShortfall
from loyalty.models.leaderboard import Leaderboard, LeaderboardMember, LeaderboardPlace
from loyalty.models.member import JoinRequest, MemberLink
from loyalty.models.membership import Membership, MembershipPayment, MembershipPlan
from loyalty.models.milestone import Milestone, MilestoneReach
from loyalty.models.partner import Partner, PartnerMonth, PartnerPosting, Settlement
from loyalty.models.prize import DrawLine, DrawPlay, DrawPrize, DrawWinner
from loyalty.models.reward import PartnerCode, Reward, RewardGrant
from loyalty.models.rule import EarningCounter, EarningRule, EarningRuleVersion
from loyalty.models.staff import Employee, Enrolment
from loyalty.models.tier import Tier, TierLadder, TierPeriod
from loyalty.models.wallet import WalletDevice, WalletPass

__all__ = [
    "Badge",
    "BadgeAward",
    "Beneficial",
    "Card",
    "CardBatch",
    "CardDesign",
    "Challenge",
    "ChallengeCompletion",
    "ChallengeParticipant",
    "ChallengeStep",
    "Draw",
    "DrawEntry",
    "DrawLine",
    "DrawParticipant",
    "DrawPlay",
    "DrawPrize",
    "DrawWinner",
    "EarningCounter",
    "EarningRule",
    "EarningRuleVersion",
    "Employee",
    "Enrolment",
    "JoinRequest",
    "Leaderboard",
    "LeaderboardMember",
    "LeaderboardPlace",
    "MemberLink",
    "Membership",
    "MembershipPayment",
    "MembershipPlan",
    "Milestone",
    "MilestoneReach",
    "Partner",
    "PartnerCode",
    "PartnerMonth",
    "PartnerPosting",
    "Period",
    "PointsAccrual",
    "PointsAdjustment",
    "PointsShortfall",
    "PointsTransfer",
    "Reward",
    "RewardGrant",
    "Settlement",
    "StampCard",
    "Tier",
    "TierLadder",
    "TierPeriod",
    "TransferConsent",
    "WalletDevice",
    "WalletPass",
]
