"""Money for those who invite: what is owed goes on a list, another person agrees, somebody pays it.

Whoever makes a list takes every customer who is owed something. A list that is refused sets all of it free.
Locks: customers, approvals, lists, then payments and entries, each in the order of their keys.
"""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

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
        entries = _lock_open_entries()
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
        _put_on_list(batch, entries, owed)
        Approval.objects.create(
            kind=APPROVAL_KIND,
            subject_id=batch.pk,
            summary=_summary(batch),
            requested_by=by,
            requested_at=at,
        )
    return batch


def _lock_open_entries() -> list[CashEntry]:
    # A merge waits, or is seen: nobody is paid under the name of who is somebody else by now.
    people = lock_live_customers(_owed(), shared=True).values()
    entries = CashEntry.objects.open().filter(customer__in=[one.pk for one in people])
    return list(entries.order_by("pk").select_for_update())


def _put_on_list(batch: PayoutBatch, entries: list[CashEntry], owed: dict[int, int]) -> None:
    payouts = Payout.objects.bulk_create(
        [Payout(batch=batch, customer_id=customer, amount=owed[customer]) for customer in sorted(owed)]
    )
    payout_of = {payout.customer_id: payout for payout in payouts}
    paid = [entry for entry in entries if entry.customer_id in payout_of]
    for entry in paid:
        entry.payout = payout_of[entry.customer_id]
    CashEntry.objects.bulk_update(paid, ["payout"], batch_size=1000)


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


def export_payouts(batch: PayoutBatch, *, at: datetime) -> PayoutBatch:
    """Hold a list as it is handed to the bank; from the first time on it stays as it is.

    Raises PayoutNotPossible for one that nobody has approved.
    """
    with transaction.atomic():
        batch = PayoutBatch.objects.select_for_update().get(pk=batch.pk)
        if batch.status not in (Status.APPROVED, Status.PAID):
            raise PayoutNotPossible(_("The file is there once the list is approved."))
        if batch.exported_at is None:
            batch.exported_at = at
            batch.save(update_fields=["exported_at"])
    return batch


def mark_paid(batch: PayoutBatch, *, reference: str = "", at: datetime) -> PayoutBatch:
    """Say that an approved list was paid. Raises PayoutNotPossible for any other."""
    with transaction.atomic():
        batch = _locked(batch.pk, Status.APPROVED)
        batch.status, batch.paid_at, batch.reference = Status.PAID, at, reference.strip()[:120]
        batch.save(update_fields=["status", "paid_at", "reference"])
    return batch


def leave_lists(entries: Iterable[CashEntry], *, at: datetime) -> None:
    """Take money off the lists that nobody has paid from yet; what a bank may know of stays where it is.

    A list on which nobody is left is closed with its approval. To be called in a transaction, the customers
    held; locks the approvals, as who decides does, the lists and the entries.
    """
    asked = CashEntry.objects.filter(pk__in=[entry.pk for entry in entries], payout__isnull=False)
    lists = list(asked.order_by().values_list("payout__batch", flat=True).distinct())
    approvals = Approval.objects.waiting().filter(kind=APPROVAL_KIND, subject_id__in=lists).order_by("pk")
    list(approvals.select_for_update())
    for batch in PayoutBatch.objects.filter(pk__in=lists).order_by("pk").select_for_update():
        if batch.is_open:
            leaving = asked.filter(payout__batch=batch).order_by("pk").select_for_update(of=["self"])
            _take_off(batch, list(leaving.select_related("payout")), at)


def _take_off(batch: PayoutBatch, entries: list[CashEntry], at: datetime) -> None:
    payouts = {entry.payout_id: entry.payout for entry in entries}
    CashEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(payout=None)
    for payout in payouts.values():
        payout.amount = payout.entries.aggregate(left=Sum("amount"))["left"] or 0
        if payout.amount > 0:
            payout.save(update_fields=["amount"])
        else:
            payout.entries.update(payout=None)
            payout.delete()
    left = batch.payouts.aggregate(people=Count("pk"), amount=Sum("amount"))
    batch.people, batch.total_amount = left["people"], left["amount"] or 0
    if not batch.people:
        batch.status = Status.REJECTED
    batch.save(update_fields=["people", "total_amount", "status"])
    _tell_approver(batch, at)


def _tell_approver(batch: PayoutBatch, at: datetime) -> None:
    asked = Approval.objects.waiting().filter(kind=APPROVAL_KIND, subject_id=batch.pk)
    if batch.people:
        asked.update(summary=_summary(batch))
    else:
        asked.update(status=Approval.Status.REJECTED, decided_at=at)


def _summary(batch: PayoutBatch) -> str:
    words = ngettext(
        "Pay %(amount)s to a person who brought friends",
        "Pay %(amount)s to %(people)s people who brought friends",
        batch.people,
    )
    return words % {
        "amount": money(batch.total_amount),
        "people": batch.people,
    }


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
