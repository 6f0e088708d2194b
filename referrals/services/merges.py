"""What becomes of referrals when customers are merged. Named in customer_tables.py."""

from django.db.models import Q, QuerySet

from customers.registry import CustomerTable
from customers.services.journal import Merge
from referrals.models import Fingerprint, Referral, ReferralCode, StepReward

Status, Reason = Referral.Status, Referral.Reason
# Of two referrals of one friend the further one stands.
PROGRESS = [Status.PENDING, Status.QUALIFIED, Status.REWARDED, Status.TAKEN_BACK]


def merge_codes(merge: Merge, table: CustomerTable) -> None:
    """Every code keeps working; of several in one programme the survivor goes on sharing their own."""
    shared = ReferralCode.objects.filter(customer=merge.survivor, current=True).values("programme")
    for code in ReferralCode.objects.filter(customer=merge.loser, current=True, programme__in=shared):
        merge.change(code, current=False)
    merge.move(ReferralCode.objects.filter(customer=merge.loser))


def merge_referrals(merge: Merge, table: CustomerTable) -> None:
    """Whoever invited themselves is owed nothing, and one friend came once."""
    one, other = merge.survivor, merge.loser
    between = Q(referrer=one, referee=other) | Q(referrer=other, referee=one)
    _reject(merge, Referral.objects.filter(between), Reason.SELF_REFERRAL)
    standing = Referral.objects.filter(referee__in=[one, other]).exclude(status=Status.REJECTED)
    kept = max(standing, key=_progress, default=None)
    if kept is not None:
        _reject(merge, standing.exclude(pk=kept.pk), Reason.ALREADY_REFERRED)
    merge.move(Referral.objects.filter(referrer=other), "referrer")
    merge.move(Referral.objects.filter(referee=other), "referee")


def merge_steps(merge: Merge, table: CustomerTable) -> None:
    """A step that both had reached is reached once; what each got for it stays theirs."""
    standing = StepReward.objects.filter(taken_back_at__isnull=True)
    held = standing.filter(customer=merge.survivor).values("step")
    for row in standing.filter(customer=merge.loser, step__in=held).order_by("pk"):
        merge.change(row, taken_back_at=merge.operation.merged_at)
    merge.move(StepReward.objects.filter(customer=merge.loser))


def merge_fingerprints(merge: Merge, table: CustomerTable) -> None:
    """What both were seen with stands once."""
    merge.absorb(Fingerprint.objects.filter(customer=merge.loser))


def _progress(referral: Referral) -> tuple:
    return (PROGRESS.index(referral.status), -referral.registered_at.timestamp(), -referral.pk)


def _reject(merge: Merge, referrals: QuerySet[Referral], reason: str) -> None:
    """Close these referrals without a reward; one that was given before stays given, but for money.

    The money is settled when all is moved (`cash.settle_cash`).
    """
    for referral in referrals.exclude(status=Status.REJECTED).order_by("pk"):
        merge.change(referral, status=Status.REJECTED, reason=reason)
