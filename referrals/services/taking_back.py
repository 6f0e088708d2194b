"""What becomes of rewards when the friend's order comes back, or fraud is seen, after they were given."""

from datetime import datetime

from django.utils.translation import gettext as _

from coupons.services import ledger, withdraw_publication
from loyalty.services.earning import announce_points
from loyalty.services.grants import take_back_grant
from referrals.models import Referral, ReferralReward
from referrals.services.cash import withdraw_cash
from referrals.services.journal import tell
from referrals.services.leaderboard import recount_codes
from referrals.services.steps import take_back_steps


def take_back_locked(referral: Referral, at: datetime) -> Referral:
    """Take back what both sides got for a referral whose row and code the caller has locked.

    A coupon nobody used is switched off; a used one stays used. Points are taken as far as they are there,
    and what was spent is written down (`missing_points`); nobody's balance goes below zero. Money that was
    not paid out is not paid; what was is taken off the next payout. Steps with too few friends now go too.
    """
    referral.status, referral.reason = Referral.Status.TAKEN_BACK, Referral.Reason.RETURNED
    take_back_rewards(referral, reason=_("The friend's order came back"), at=at)
    return referral


def take_back_rewards(referral: Referral, *, reason: str, at: datetime) -> None:
    """Take back what stands of both rewards, with the status that the caller has given the referral."""
    rewards = referral.rewards.filter(taken_back_at__isnull=True)
    rewards = rewards.select_related(
        "publication__promotion", "publication__customer", "entry__account", "grant", "customer"
    )
    # In the order of locks in which they were given.
    for reward in sorted(rewards, key=_rank):
        _take_back(referral, reward, reason, at)
    referral.taken_back_at = at
    referral.save()
    recount_codes([referral.code_id])
    take_back_steps(referral.referrer, referral.programme, reason=reason, at=at)
    tell("referral.taken_back", referral, referral.referee, at=at)


def _rank(reward: ReferralReward) -> tuple[int, int, int]:
    if reward.publication:
        return 0, reward.publication.coupon_id, reward.customer_id
    if reward.grant:
        return 1, reward.grant.reward_id, reward.customer_id
    return 2, 0, reward.customer_id


def _take_back(referral: Referral, reward: ReferralReward, reason: str, at: datetime) -> None:
    if reward.publication:
        withdraw_publication(reward.publication, reason=reason, at=at)
    elif reward.grant:
        take_back_grant(reward.grant, reason=reason, at=at)
    elif reward.entry:
        spent = ledger.claw_back(
            reward.entry.account,
            units=reward.entry.delta,
            source_key=f"referral:{referral.pk}:{reward.side.lower()}:back",
            at=at,
            reason=reason,
        )
        reward.missing_points = spent.missing
        if spent.entry:
            announce_points(spent.entry, reward.customer, at=at)
    else:
        withdraw_cash([reward], at=at)
    reward.taken_back_at = at
    reward.save(update_fields=["taken_back_at", "missing_points"])
