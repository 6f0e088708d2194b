"""Accounts of points and money: every change is one entry, and what was earned together stands in one lot.

Each verb locks the account first and is idempotent by `source_key`: the same cause changes an account once.
A customer who was merged has several accounts of points: what is spent comes from all of them together, with
an entry in each that gave something.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum

from coupons.errors import AlreadyReversed, MoreThanTaken, PointsExceeded
from coupons.models import Account, LedgerEntry, Lot, LotMovement
from customers.models import Customer, MergeOperation

Kind = LedgerEntry.Kind


@dataclass(frozen=True)
class Spent:
    """What a debit took: its entries (none when there was nothing to take) and what was missing, in units."""

    entries: tuple[LedgerEntry, ...] = ()
    missing: int = 0

    @property
    def entry(self) -> LedgerEntry | None:
        return self.entries[0] if self.entries else None

    @property
    def units(self) -> int:
        return -sum(entry.delta for entry in self.entries)


def open_account(
    customer: Customer | None, *, kind: str = Account.Kind.POINTS, currency: str | None = None
) -> Account:
    """Return the customer's main account of this kind, opening it first when needed."""
    account, _ = Account.objects.get_or_create(
        customer=customer, kind=kind, currency=currency or "", main=True
    )
    return account


def credit(
    account: Account,
    *,
    units: int,
    source_key: str,
    at: datetime,
    activates_at: datetime | None = None,
    expires_at: datetime | None = None,
    prolonged_months: int | None = None,
    reason: str = "",
) -> LedgerEntry:
    """Add one lot of `units` (positive); spendable from `activates_at` (default: now) until `expires_at`.

    With `prolonged_months` activity moves the expiry of the lot (`loyalty.services.prolonging`).
    """
    if units <= 0:
        raise ValueError("A credit is positive.")
    with transaction.atomic():
        accounts = _lock(account)
        if known := _entries(accounts, source_key):
            return known[0]
        account = accounts[account.pk]
        entry = _write(account, Kind.CREDIT, units, source_key=source_key, at=at, reason=reason)
        _open_lot(
            entry,
            activates_at=activates_at or at,
            expires_at=expires_at,
            prolonged_months=prolonged_months,
        )
    return entry


def debit(account: Account, *, units: int, source_key: str, at: datetime, reason: str = "") -> LedgerEntry:
    """Spend `units` (positive), the earliest expiry first; returns the first entry, `entries_of` all.

    Raises PointsExceeded, with nothing taken, when less is spendable at that instant.
    """
    if units <= 0:
        raise ValueError("A debit is positive.")
    with transaction.atomic():
        accounts = _lock(account)
        if known := _entries(accounts, source_key):
            return known[0]
        lots = list(Lot.objects.filter(account__in=accounts).spendable(at))
        if sum(lot.remaining for lot in lots) < units:
            raise PointsExceeded
        return _take(accounts, lots, units, source_key=source_key, at=at, reason=reason)[0]


def entries_of(entry: LedgerEntry) -> list[LedgerEntry]:
    """Return the entries of the same cause in all the accounts of this customer."""
    return _entries(_siblings(entry.account), entry.source_key)


def claw_back(account: Account, *, units: int, source_key: str, at: datetime, reason: str = "") -> Spent:
    """Take back `units` earned before: from pending lots first, then from active ones, never below zero.

    What was spent meanwhile is `missing` in the answer; the caller's policy decides about it.
    """
    with transaction.atomic():
        accounts = _lock(account)
        if known := _entries(accounts, source_key):
            return Spent(tuple(known), missing=units + sum(entry.delta for entry in known))
        every = Lot.objects.filter(account__in=accounts)
        lots = [*every.pending(at).order_by("-id"), *every.spendable(at)]
        units_left = min(units, sum(lot.remaining for lot in lots))
        if units_left <= 0:
            return Spent(missing=units)
        entries = _take(accounts, lots, units_left, source_key=source_key, at=at, reason=reason)
    return Spent(tuple(entries), missing=units - units_left)


def reverse(entry: LedgerEntry, *, source_key: str, at: datetime, reason: str = "") -> LedgerEntry:
    """Give back all that a debit took and that is not back yet, to the lots it came from.

    A lot keeps its expiry; an expired one stays expired. Raises AlreadyReversed when nothing is left to give.
    """
    return _return(entry, None, source_key=source_key, at=at, reason=reason)[0]


def give_back(
    entry: LedgerEntry, *, units: int, source_key: str, at: datetime, reason: str = ""
) -> list[LedgerEntry]:
    """Give back a part of what a debit took, to the lots it came from, the latest expiry first.

    Returns one entry in each account that had given some of it. A lot keeps its expiry. Raises MoreThanTaken,
    with nothing given, when less than `units` is left of what the debit took.
    """
    if units <= 0:
        raise ValueError("What is given back is positive.")
    return _return(entry, units, source_key=source_key, at=at, reason=reason)


def _return(debit: LedgerEntry, units: int | None, *, source_key: str, **fields: Any) -> list[LedgerEntry]:
    if debit.kind != Kind.DEBIT:
        raise ValueError("Only a debit is given back; use claw_back for what was earned.")
    with transaction.atomic():
        accounts = _lock_givers(debit)
        if known := _entries(accounts, source_key):
            return known
        debits = {one.account_id: one for one in _entries(accounts, debit.source_key)}
        owed = _owed(debits.values())
        whole = sum(taken for _lot, taken in owed)
        if units is None and not whole:
            raise AlreadyReversed
        if units is not None and units > whole:
            raise MoreThanTaken
        return _put_back(accounts, debits, owed, units or whole, source_key=source_key, **fields)


def _owed(debits: Iterable[LedgerEntry]) -> list[tuple[Lot, int]]:
    """Return the lots that debits took from, with what is not back yet, the latest expiry first."""
    ids = [debit.pk for debit in debits]
    moved = LotMovement.objects.filter(Q(entry__in=ids) | Q(entry__reverses__in=ids))
    taken = {row["lot"]: -row["units"] for row in moved.values("lot").annotate(units=Sum("delta"))}
    lots = Lot.objects.filter(pk__in=taken).order_by(F("expires_at").desc(nulls_first=True), "-id")
    return [(lot, taken[lot.pk]) for lot in lots if taken[lot.pk]]


def _put_back(
    accounts: dict[int, Account],
    debits: dict[int, LedgerEntry],
    owed: list[tuple[Lot, int]],
    units: int,
    **fields: Any,
) -> list[LedgerEntry]:
    given: dict[int, dict[int, int]] = {}
    for lot, taken in owed:
        part = min(taken, units)
        if part:
            given.setdefault(lot.account_id, {})[lot.pk] = part
            units -= part
    entries = []
    for pk, deltas in given.items():
        total = sum(deltas.values())
        entry = _write(accounts[pk], Kind.REVERSAL, total, reverses=debits[pk], **fields)
        _move(entry, deltas)
        entries.append(entry)
    return entries


def transfer(
    account: Account,
    *,
    to: Account,
    units: int,
    source_key: str,
    at: datetime,
    expires_at: datetime | None = None,
    reason: str = "",
) -> LedgerEntry:
    """Move units from one account to another of the same kind and currency; returns the credit.

    They form one new lot there, until `expires_at`. Locks both, in the order of their keys. Raises
    PointsExceeded when less is spendable, with nothing moved.
    """
    if (account.kind, account.currency) != (to.kind, to.currency) or account.pk == to.pk:
        raise ValueError("Units move between two accounts of the same kind and currency.")
    key = f"transfer:{source_key}"
    with transaction.atomic():
        lock_accounts([*_siblings(account).values_list("pk", flat=True), to.pk])
        debit(account, units=units, source_key=key, at=at, reason=reason)
        return credit(to, units=units, source_key=key, at=at, expires_at=expires_at, reason=reason)


def hand_over(
    account: Account, *, to: Account, units: int, source_key: str, at: datetime, reason: str = ""
) -> list[LedgerEntry]:
    """Move units to another account, the earliest expiry first; what expires together is one lot there.

    What activity prolongs, it prolongs there as well.

    Returns the credits. Locks the accounts of both, in the order of their keys. Raises PointsExceeded, with
    nothing moved, when less is spendable.
    """
    if units <= 0:
        raise ValueError("What is handed over is positive.")
    key, entries = f"transfer:{source_key}", []
    with transaction.atomic():
        mine = list(_siblings(account).values_list("pk", flat=True))
        if to.pk in mine:
            raise ValueError("Units are handed over to somebody else's account.")
        accounts = lock_accounts([*mine, to.pk])
        if known := LedgerEntry.objects.filter(account=to, source_key__startswith=f"{key}:").order_by("pk"):
            return list(known)
        lots = list(Lot.objects.filter(account__in=mine).spendable(at))
        if sum(lot.remaining for lot in lots) < units:
            raise PointsExceeded
        dates = attrgetter("expires_at", "prolonged_months")
        for number, ((expires_at, prolonged_months), group) in enumerate(groupby(lots, key=dates)):
            group = list(group)
            part = min(units, sum(lot.remaining for lot in group))
            if part:
                told = {"source_key": f"{key}:{number}", "at": at, "reason": reason}
                _take(accounts, group, part, **told)
                entries.append(_write(accounts[to.pk], Kind.CREDIT, part, **told))
                _open_lot(
                    entries[-1],
                    activates_at=at,
                    expires_at=expires_at,
                    prolonged_months=prolonged_months,
                )
                units -= part
    return entries


def _open_lot(
    entry: LedgerEntry,
    *,
    activates_at: datetime,
    expires_at: datetime | None,
    prolonged_months: int | None = None,
) -> None:
    Lot.objects.create(
        account=entry.account,
        entry=entry,
        earned=entry.delta,
        remaining=entry.delta,
        activates_at=activates_at,
        expires_at=expires_at,
        prolonged_months=prolonged_months,
    )


def hand_over_lot(
    lot: Lot, *, to: Account, source_key: str, at: datetime, reason: str = ""
) -> LedgerEntry | None:
    """Move what is left of one lot to another account, with its dates; returns the credit, None for nothing.

    Locks both accounts, in the order of their keys.
    """
    key = f"transfer:{source_key}"
    with transaction.atomic():
        accounts = lock_accounts([lot.account_id, to.pk])
        lot = Lot.objects.get(pk=lot.pk)
        if not lot.remaining or lot.account_id == to.pk:
            return None
        told = {"source_key": key, "at": at, "reason": reason}
        _move(_write(accounts[lot.account_id], Kind.DEBIT, -lot.remaining, **told), {lot.pk: -lot.remaining})
        entry = _write(accounts[to.pk], Kind.CREDIT, lot.remaining, **told)
        _open_lot(
            entry,
            activates_at=lot.activates_at,
            expires_at=lot.expires_at,
            prolonged_months=lot.prolonged_months,
        )
    return entry


def lock_accounts(ids: Iterable[int]) -> dict[int, Account]:
    """Lock these accounts, in the order of their keys, and return them as they are now, by key."""
    rows = Account.objects.filter(pk__in=set(ids)).order_by("pk").select_for_update(no_key=True)
    return {one.pk: one for one in rows}


def _lock(account: Account) -> dict[int, Account]:
    """Lock the account and its siblings, in the order of their keys; returns them by key."""
    locked = _siblings(account).order_by("pk").select_for_update(no_key=True)
    return {one.pk: one for one in locked}


def _lock_givers(debit: LedgerEntry) -> dict[int, Account]:
    """Lock the accounts that a debit took from, also of who was one person with its holder then."""
    account = debit.account
    holder = Account.objects.filter(pk=account.pk).values("customer")
    undone = MergeOperation.objects.filter(undone_at__isnull=False)
    undone = undone.filter(Q(survivor__in=holder) | Q(losers__in=holder)).values("pk")
    people = Customer.objects.filter(Q(merges__in=undone) | Q(merged_by__in=undone)).values("pk")
    taken = LedgerEntry.objects.filter(
        account__customer__in=people,
        source_key=debit.source_key,
        occurred_at=debit.occurred_at,
        kind=debit.kind,
    )
    givers = Q(pk__in=_siblings(account).values("pk")) | Q(pk__in=taken.values("account"))
    locked = Account.objects.filter(givers).order_by("pk").select_for_update(no_key=True)
    return {one.pk: one for one in locked}


def _siblings(account: Account) -> QuerySet[Account]:
    own = Q(pk=account.pk)
    if account.kind == Account.Kind.POINTS and account.customer_id is not None:
        # Asked of the row: a merge may have given the account to another customer since it was read.
        holder = Account.objects.filter(pk=account.pk).values("customer")
        own |= Q(customer__in=holder, kind=account.kind, currency=account.currency)
    return Account.objects.filter(own)


def _entries(accounts: Iterable[int] | QuerySet[Account], source_key: str) -> list[LedgerEntry]:
    found = LedgerEntry.objects.filter(account__in=list(accounts), source_key=source_key)
    return list(found.order_by("pk"))


def _write(account: Account, kind: Kind, delta: int, **fields: Any) -> LedgerEntry:
    """Append an entry and fold it into the balance of the locked account."""
    account.balance += delta
    account.save(update_fields=["balance"])
    at = fields.pop("at")
    return LedgerEntry.objects.create(
        account=account, kind=kind, delta=delta, balance_after=account.balance, occurred_at=at, **fields
    )


def _take(accounts: dict[int, Account], lots: list[Lot], units: int, **fields: Any) -> list[LedgerEntry]:
    """Take the units from the lots in their order; one entry in each account that gives some."""
    taken: dict[int, dict[int, int]] = {}
    for lot in lots:
        part = min(lot.remaining, units)
        if part:
            taken.setdefault(lot.account_id, {})[lot.pk] = -part
            units -= part
    entries = []
    for pk, deltas in taken.items():
        entry = _write(accounts[pk], Kind.DEBIT, sum(deltas.values()), **fields)
        _move(entry, deltas)
        entries.append(entry)
    return entries


def _move(entry: LedgerEntry, deltas: dict[int, int]) -> None:
    for lot_id, delta in deltas.items():
        Lot.objects.filter(pk=lot_id).update(remaining=F("remaining") + delta)
    LotMovement.objects.bulk_create(
        LotMovement(entry=entry, lot_id=lot_id, delta=delta) for lot_id, delta in deltas.items()
    )
