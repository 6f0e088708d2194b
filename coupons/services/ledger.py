"""Accounts of points and money: every change is one entry, and what was earned together stands in one lot.

Each verb locks the account first and is idempotent by `source_key`: the same cause changes an account once.
A customer who was merged has several accounts of points: what is spent comes from all of them together, with
an entry in each that gave something.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from coupons.errors import AlreadyReversed, PointsExceeded
from coupons.models import Account, LedgerEntry, Lot, LotMovement
from customers.models import Customer

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
    reason: str = "",
) -> LedgerEntry:
    """Add one lot of `units` (positive); spendable from `activates_at` (default: now) until `expires_at`."""
    if units <= 0:
        raise ValueError("A credit is positive.")
    with transaction.atomic():
        accounts = _lock(account)
        if known := _entries(accounts, source_key):
            return known[0]
        account = accounts[account.pk]
        entry = _write(account, Kind.CREDIT, units, source_key=source_key, at=at, reason=reason)
        Lot.objects.create(
            account=account,
            entry=entry,
            earned=units,
            remaining=units,
            activates_at=activates_at or at,
            expires_at=expires_at,
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
    """Give back what a debit took, to the lots it came from, with their expiry; an expired lot stays expired.

    Raises AlreadyReversed when it was reversed under another cause.
    """
    if entry.kind != Kind.DEBIT:
        raise ValueError("Only a debit is reversed; use claw_back for what was earned.")
    with transaction.atomic():
        accounts = _lock(entry.account)
        if known := _entries(accounts, source_key):
            return known[0]
        debits = _entries(accounts, entry.source_key)
        if LedgerEntry.objects.filter(reverses__in=debits).exists():
            raise AlreadyReversed
        fields = {"source_key": source_key, "at": at, "reason": reason}
        reversals = [_give_back(accounts[debit.account_id], debit, **fields) for debit in debits]
    return reversals[0]


def _give_back(account: Account, debit: LedgerEntry, **fields: Any) -> LedgerEntry:
    reversal = _write(account, Kind.REVERSAL, -debit.delta, reverses=debit, **fields)
    _move(reversal, {movement.lot_id: -movement.delta for movement in debit.movements.all()})
    return reversal


def expire_lots(*, at: datetime, limit: int = 10_000) -> int:
    """Book the expiry of lots whose time has passed; return how many lots were closed.

    Booking only tidies: a lot cannot be spent from its expiry on, booked or not.
    """
    accounts = Account.objects.filter(pk__in=Lot.objects.to_expire(at).values("account")).order_by("pk")
    return sum(_expire(account, at) for account in accounts[:limit])


def _expire(account: Account, at: datetime) -> int:
    with transaction.atomic():
        account = _lock(account)[account.pk]
        lots = list(account.lots.to_expire(at).order_by("id"))
        for lot in lots:
            key = f"expiry:{lot.pk}:{at.isoformat()}"
            entry = _write(account, Kind.EXPIRY, -lot.remaining, source_key=key, at=lot.expires_at)
            _move(entry, {lot.pk: -lot.remaining})
    return len(lots)


def credit_from_query(query: str, parameters: list[Any] | None = None) -> int:
    """Credit points to many customers in one set-based step; return how many entries were written.

    `query` is a SELECT of (customer_id, units, source_key, occurred_at, activates_at, expires_at, reason).
    Rows whose cause is known already are skipped, so a repeat adds nothing.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE ledger_credit (customer_id bigint, units bigint, source_key text,"
            " occurred_at timestamptz, activates_at timestamptz, expires_at timestamptz, reason text)"
            " ON COMMIT DROP"
        )
        cursor.execute(f"INSERT INTO ledger_credit {query}", parameters)
        for statement in _CREDIT_STATEMENTS:
            cursor.execute(statement)
        written = cursor.rowcount
        cursor.execute(_FOLD)
        cursor.execute("DROP TABLE ledger_credit")
    return written


_CREDIT_STATEMENTS = [
    "DELETE FROM ledger_credit WHERE units IS NULL OR units <= 0",
    """
    INSERT INTO coupons_account (customer_id, kind, currency, main, balance, opened_at)
    SELECT DISTINCT customer_id, 'POINTS', '', true, 0, now() FROM ledger_credit
    ON CONFLICT DO NOTHING
    """,
    "ALTER TABLE ledger_credit ADD COLUMN account_id bigint",
    """
    UPDATE ledger_credit c SET account_id = a.id FROM coupons_account a
    WHERE a.customer_id = c.customer_id AND a.kind = 'POINTS' AND a.main
    """,
    """
    SELECT id FROM coupons_account WHERE id IN (SELECT account_id FROM ledger_credit)
    ORDER BY id FOR NO KEY UPDATE
    """,
    """
    DELETE FROM ledger_credit c USING coupons_ledgerentry e
    WHERE e.account_id = c.account_id AND e.source_key = c.source_key
    """,
    """
    INSERT INTO coupons_ledgerentry
        (account_id, kind, delta, balance_after, source_key, reason, occurred_at, recorded_at)
    SELECT c.account_id, 'CREDIT', c.units,
           a.balance + sum(c.units) OVER (PARTITION BY c.account_id ORDER BY c.occurred_at, c.source_key),
           c.source_key, c.reason, c.occurred_at, now()
    FROM ledger_credit c JOIN coupons_account a ON a.id = c.account_id
    ORDER BY c.occurred_at, c.source_key
    """,
    """
    INSERT INTO coupons_lot (account_id, entry_id, earned, remaining, activates_at, expires_at)
    SELECT c.account_id, e.id, c.units, c.units, c.activates_at, c.expires_at
    FROM ledger_credit c
    JOIN coupons_ledgerentry e ON e.account_id = c.account_id AND e.source_key = c.source_key
    """,
]
_FOLD = """
UPDATE coupons_account a SET balance = a.balance + c.units
FROM (SELECT account_id, sum(units) AS units FROM ledger_credit GROUP BY account_id) c
WHERE c.account_id = a.id
"""


def _lock(account: Account) -> dict[int, Account]:
    """Lock the account and its siblings, in the order of their keys; returns them by key."""
    locked = _siblings(account).order_by("pk").select_for_update(no_key=True)
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
