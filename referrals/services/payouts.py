"""Money for those who invite: what is owed goes on a list, another person agrees, somebody pays it.

Whoever makes a list takes every customer who is owed something. A list that is refused sets all of it free.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from customers.services.locks import lock_live_customers
from operations.formats import money
from operations.locks import lock_alone
from operations.models import Approval, User
from referrals.errors import NothingToPayOut, PayoutNotPossible
from referrals.models import CashEntry, Payout, PayoutBatch

APPROVAL_KIND = "referral_payout"
APPROVE = "referrals.approve_payoutbatch"
LOCK = "referral-payouts"
Status = PayoutBatch.Status


def owed_amount() -> int:
    """Return what stands on no list yet, in minor units; what people owe back counts against it."""
    return sum(_owed().values())


def make_payouts(*, by: User, at: datetime) -> PayoutBatch:
    """Put all that is owed on a list, one payment per customer, and ask another person to approve it.

    Whoever owes back more than they are owed is left out until they have earned it. Lists are made one at a
    time. Locks the customers, then their entries. Raises NothingToPayOut.
    """
    with transaction.atomic():
        lock_alone(LOCK)
        # A merge waits, or is seen: nobody is paid under the name of who is somebody else by now.
        people = lock_live_customers(_owed(), shared=True).values()
        open_entries = CashEntry.objects.open().filter(customer__in=[one.pk for one in people])
        entries = list(open_entries.order_by("pk").select_for_update())
        owed = {customer: amount for customer, amount in _sums(entries).items() if amount > 0}
        if not owed:
            raise NothingToPayOut
        batch = PayoutBatch.objects.create(
            currency=settings.PROGRAMME_CURRENCY,
            people=len(owed),
            total_amount=sum(owed.values()),
            created_at=at,
            created_by=by,
        )
        payouts = Payout.objects.bulk_create(
            [Payout(batch=batch, customer_id=customer, amount=owed[customer]) for customer in sorted(owed)]
        )
        of = {payout.customer_id: payout for payout in payouts}
        for entry in entries:
            entry.payout = of.get(entry.customer_id)
        CashEntry.objects.bulk_update(
            [entry for entry in entries if entry.payout], ["payout"], batch_size=1000
        )
        Approval.objects.create(
            kind=APPROVAL_KIND,
            subject_id=batch.pk,
            summary=_("Pay %(amount)s to %(people)s people who brought friends")
            % {"amount": money(batch.total_amount), "people": batch.people},
            requested_by=by,
            requested_at=at,
        )
    return batch


def decide_payouts(approval: Approval, *, approve: bool, by: User, at: datetime) -> PayoutBatch:
    """Carry out what was decided about a list (settings.APPROVAL_DECISIONS). Raises PayoutNotPossible."""
    if not by.has_perm(APPROVE):
        raise PayoutNotPossible(_("You may not approve payouts."))
    batch = _locked(approval.subject_id, Status.WAITING)
    batch.status = Status.APPROVED if approve else Status.REJECTED
    if approve:
        batch.approved_at, batch.approved_by = at, by
    else:
        CashEntry.objects.filter(payout__batch=batch).update(payout=None)
    batch.save(update_fields=["status", "approved_at", "approved_by"])
    return batch


def mark_paid(batch: PayoutBatch, *, reference: str = "", at: datetime) -> PayoutBatch:
    """Say that an approved list was paid. Raises PayoutNotPossible for any other."""
    with transaction.atomic():
        batch = _locked(batch.pk, Status.APPROVED)
        batch.status, batch.paid_at, batch.reference = Status.PAID, at, reference.strip()[:120]
        batch.save(update_fields=["status", "paid_at", "reference"])
    return batch


def _locked(pk: int, status: str) -> PayoutBatch:
    batch = PayoutBatch.objects.select_for_update().get(pk=pk)
    if batch.status != status:
        raise PayoutNotPossible
    return batch


def _owed() -> dict[int, int]:
    sums = CashEntry.objects.open().values_list("customer").annotate(owed=Sum("amount")).order_by()
    return {customer: owed for customer, owed in sums if owed > 0}


def _sums(entries: list[CashEntry]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for entry in entries:
        sums[entry.customer_id] = sums.get(entry.customer_id, 0) + entry.amount
    return sums
