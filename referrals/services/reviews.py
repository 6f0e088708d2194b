"""A person decides about a referral that looks like fraud."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from coupons.services.colleagues import refuse_own_record
from operations.models import User
from referrals.errors import AlreadyReviewed, NothingToTakeBack
from referrals.models import Referral
from referrals.services.journal import tell
from referrals.services.leaderboard import lock_codes, recount_codes
from referrals.services.rewarding import lock_with_both_sides, reward_locked
from referrals.services.taking_back import take_back_rewards

Status, Review = Referral.Status, Referral.Review


def clear_referral(referral: Referral, *, by: User, note: str = "", at: datetime) -> Referral:
    """Find a referral to be in order: what is due is given at once, the rest when its time comes.

    Raises AlreadyReviewed, and OwnRecord for who would decide about their own record.
    """
    with transaction.atomic():
        referral = _undecided(referral, by)
        _decide(referral, Review.CLEARED, by=by, note=note, at=at)
        referral.save()
        if referral.status == Status.QUALIFIED and referral.reward_due_at <= at:
            reward_locked(referral, at)
    return referral


def refuse_referral(referral: Referral, *, by: User, note: str = "", at: datetime) -> Referral:
    """Find a referral to be fraud: nobody gets anything for it. Raises as `clear_referral`."""
    with transaction.atomic():
        referral = _undecided(referral, by)
        _decide(referral, Review.REFUSED, by=by, note=note, at=at)
        referral.status, referral.reason = Status.REJECTED, Referral.Reason.FRAUD
        referral.save()
        recount_codes([referral.code_id])
        tell("referral.rejected", referral, referral.referee, at=at, reason=str(referral.reason))
    return referral


def take_back_referral(referral: Referral, *, by: User, note: str = "", at: datetime) -> Referral:
    """Find a referral to be fraud after its rewards went out: take them back as far as they are there.

    Also of one that a merge rejected, whose rewards but for money were left as they were. Raises
    NothingToTakeBack, and OwnRecord for who would decide about their own record.
    """
    with transaction.atomic():
        referral = lock_with_both_sides(referral)
        _refuse_own(referral, by)
        lock_codes(referral.code)
        if not Referral.objects.with_rewards_to_take_back().filter(pk=referral.pk).exists():
            raise NothingToTakeBack
        _decide(referral, Review.REFUSED, by=by, note=note, at=at)
        if referral.status == Status.REWARDED:
            referral.status, referral.reason = Status.TAKEN_BACK, Referral.Reason.FRAUD
        take_back_rewards(referral, reason=_("Found to be fraud"), at=at)
    return referral


def _undecided(referral: Referral, by: User) -> Referral:
    referral = lock_with_both_sides(referral)
    if referral.review != Review.WAITING or referral.status not in (Status.PENDING, Status.QUALIFIED):
        raise AlreadyReviewed
    _refuse_own(referral, by)
    lock_codes(referral.code)
    return referral


def _refuse_own(referral: Referral, by: User) -> None:
    refuse_own_record(referral.referrer, by)
    refuse_own_record(referral.referee, by)


def _decide(referral: Referral, review: str, *, by: User, note: str, at: datetime) -> None:
    referral.review, referral.reviewed_by, referral.reviewed_at = review, by, at
    referral.review_note = note.strip()[:300]
