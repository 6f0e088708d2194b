"""The debit of one account that is locked already, in one statement: what a till waits for."""

from datetime import datetime

from django.db import connection

from coupons.errors import PointsExceeded
from coupons.models import Account, LedgerEntry


def debit_locked(
    account: Account, *, units: int, source_key: str, at: datetime, reason: str = ""
) -> LedgerEntry:
    """Spend `units` of an account, the earliest expiry first; the same `source_key` spends once.

    The caller has locked the account in an earlier statement of this transaction: only then does this one see
    what others did before. `account.balance` is brought up to date.

    Raises PointsExceeded, with nothing taken.
    """
    values = {"account": account.pk, "units": units, "key": source_key, "at": at, "reason": reason}
    with connection.cursor() as cursor:
        cursor.execute(_DEBIT, values)
        row = cursor.fetchone()
    if row is None:
        raise PointsExceeded
    entry = LedgerEntry(*row)
    account.balance = entry.balance_after
    return entry


_COLUMNS = ", ".join(f"entry.{one.column}" for one in LedgerEntry._meta.concrete_fields)
_DEBIT = f"""
WITH known AS MATERIALIZED (
    SELECT * FROM coupons_ledgerentry WHERE account_id = %(account)s AND source_key = %(key)s
), open AS (
    SELECT id, remaining, sum(remaining) OVER (ORDER BY expires_at ASC NULLS LAST, id) AS upto
    FROM coupons_lot
    WHERE account_id = %(account)s AND remaining > 0 AND activates_at <= %(at)s
      AND (expires_at IS NULL OR expires_at > %(at)s) AND NOT EXISTS (SELECT FROM known)
), taken AS MATERIALIZED (
    SELECT id, LEAST(remaining, %(units)s - (upto - remaining))::bigint AS units
    FROM open WHERE upto - remaining < %(units)s
), written AS (
    INSERT INTO coupons_ledgerentry
        (account_id, kind, delta, balance_after, source_key, reason, occurred_at, recorded_at)
    SELECT id, 'DEBIT', -%(units)s, balance - %(units)s, %(key)s, %(reason)s, %(at)s, statement_timestamp()
    FROM coupons_account
    WHERE id = %(account)s AND (SELECT sum(units) FROM taken) = %(units)s
    RETURNING *
), folded AS (
    UPDATE coupons_account AS account SET balance = written.balance_after
    FROM written WHERE account.id = written.account_id
), emptied AS (
    UPDATE coupons_lot AS lot SET remaining = lot.remaining - taken.units
    FROM taken, written WHERE lot.id = taken.id
), moved AS (
    INSERT INTO coupons_lotmovement (entry_id, lot_id, delta)
    SELECT written.id, taken.id, -taken.units FROM taken, written
)
SELECT {_COLUMNS} FROM (SELECT * FROM known UNION ALL SELECT * FROM written) AS entry
"""
