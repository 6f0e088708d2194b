"""Booking the expiry of lots whose time has passed, in portions of accounts and a statement for each."""

from datetime import datetime

from django.db import connection, transaction

from coupons.models.ledger import PROLONGED_LATE

PORTION = 2_000


def expire_lots(*, at: datetime, limit: int = 1_000_000) -> int:
    """Book the expiry of lots whose time has passed, of up to `limit` accounts; return how many closed.

    Booking only tidies: a lot cannot be spent from its expiry on, booked or not. What came back to a lot
    after its expiry expired as it came. Locks accounts in the order of their keys, a portion at a time.
    """
    closed, last, left = 0, 0, limit
    while left > 0:
        with transaction.atomic(), connection.cursor() as cursor:
            values = {
                "at": at,
                "final": at - PROLONGED_LATE,
                "told": at.isoformat(),
                "after": last,
                "portion": min(PORTION, left),
            }
            cursor.execute(_ACCOUNTS, values)
            accounts = [pk for (pk,) in cursor.fetchall()]
            if not accounts:
                break
            cursor.execute(_BOOK, values | {"accounts": accounts})
            closed += cursor.fetchone()[0]
            last, left = accounts[-1], left - len(accounts)
    return closed


_DUE = """lot.remaining > 0 AND lot.expires_at <= %(at)s
      AND (lot.prolonged_months IS NULL OR lot.expires_at <= %(final)s)"""
_ACCOUNTS = f"""
SELECT account.id FROM coupons_account AS account
WHERE account.id > %(after)s
  AND EXISTS (SELECT FROM coupons_lot AS lot WHERE lot.account_id = account.id AND {_DUE})
ORDER BY account.id LIMIT %(portion)s FOR NO KEY UPDATE
"""
_BOOK = f"""
WITH due AS MATERIALIZED (
    SELECT lot.id, lot.account_id, lot.remaining, lot.expires_at FROM coupons_lot AS lot
    WHERE lot.account_id = ANY(%(accounts)s) AND {_DUE}
), came_back AS (
    SELECT due.id AS lot_id, entry.id AS entry_id, entry.occurred_at,
           greatest(0, least(movement.delta, due.remaining - (
               sum(movement.delta) OVER (PARTITION BY due.id ORDER BY entry.id DESC) - movement.delta
           )))::bigint AS units
    FROM due JOIN coupons_lotmovement AS movement ON movement.lot_id = due.id AND movement.delta > 0
    JOIN coupons_ledgerentry AS entry ON entry.id = movement.entry_id AND entry.occurred_at >= due.expires_at
), part AS (
    SELECT due.account_id, due.id AS lot_id, came_back.units, came_back.entry_id AS place,
           'expiry:' || due.id || ':' || came_back.entry_id AS cause,
           came_back.occurred_at + interval '1 microsecond' AS at
    FROM due JOIN came_back ON came_back.lot_id = due.id WHERE came_back.units > 0
    UNION ALL
    SELECT due.account_id, due.id, due.remaining - coalesce(late.units, 0), 0,
           'expiry:' || due.id || ':' || %(told)s::text, due.expires_at
    FROM due LEFT JOIN (SELECT lot_id, sum(units)::bigint AS units FROM came_back GROUP BY lot_id) AS late
      ON late.lot_id = due.id
    WHERE due.remaining > coalesce(late.units, 0)
), booked AS (
    INSERT INTO coupons_ledgerentry
        (account_id, kind, delta, balance_after, source_key, reason, occurred_at, recorded_at)
    SELECT part.account_id, 'EXPIRY', -part.units,
           account.balance - sum(part.units) OVER in_turn, part.cause, '', part.at, statement_timestamp()
    FROM part JOIN coupons_account AS account ON account.id = part.account_id
    WINDOW in_turn AS (PARTITION BY part.account_id ORDER BY part.lot_id, part.place DESC)
    ORDER BY part.account_id, part.lot_id, part.place DESC
    RETURNING id, account_id, source_key
), folded AS (
    UPDATE coupons_account AS account SET balance = account.balance - gone.units
    FROM (SELECT account_id, sum(units) AS units FROM part GROUP BY account_id) AS gone
    WHERE account.id = gone.account_id
), emptied AS (
    UPDATE coupons_lot AS lot SET remaining = 0 FROM due WHERE lot.id = due.id
), moved AS (
    INSERT INTO coupons_lotmovement (entry_id, lot_id, delta)
    SELECT booked.id, part.lot_id, -part.units
    FROM part JOIN booked ON booked.account_id = part.account_id AND booked.source_key = part.cause
)
SELECT count(*) FROM due
"""
