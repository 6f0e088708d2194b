"""Money of referrals that turn out to be none, and of those that are some after all."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from referrals.models import CashEntry, Referral, ReferralReward
from referrals.services.payouts import leave_lists

Status = Referral.Status


def withdraw_cash(rewards: Iterable[ReferralReward], *, at: datetime) -> None:
    """Take back the money of these rewards: what nobody has paid yet is not paid, the rest is owed back.

    What is owed back is taken off the next payout. The caller holds the customers.
    """
    owed = list(CashEntry.objects.standing().filter(reward__in=[reward.pk for reward in rewards]))
    leave_lists(owed, at=at)
    CashEntry.objects.bulk_create(_against(entry, at, round=entry.round) for entry in owed)


def settle_cash(customer_ids: Iterable[int], *, at: datetime) -> None:
    """Take back the money of referrals that a merge rejected, and owe it again when the merge is undone."""
    people = list(customer_ids)
    rewards = ReferralReward.objects.filter(
        Q(referral__referrer__in=people) | Q(referral__referee__in=people), cash_amount__isnull=False
    ).order_by("pk")
    wrong = list(rewards.filter(referral__status=Status.REJECTED, taken_back_at__isnull=True))
    withdraw_cash(wrong, at=at)
    # What a person found to be fraud stays taken back.
    right = rewards.filter(referral__status=Status.REWARDED, taken_back_at__isnull=False)
    right = list(right.exclude(referral__review=Referral.Review.REFUSED))
    taken = CashEntry.objects.taken_back().filter(reward__in=right)
    CashEntry.objects.bulk_create(_against(entry, at, round=entry.round + 1) for entry in taken)
    for rows, when in ((wrong, at), (right, None)):
        ReferralReward.objects.filter(pk__in=[reward.pk for reward in rows]).update(taken_back_at=when)


def _against(entry: CashEntry, at: datetime, *, round: int) -> CashEntry:
    return CashEntry(
        customer_id=entry.customer_id,
        reward_id=entry.reward_id,
        amount=-entry.amount,
        round=round,
        booked_at=at,
    )
