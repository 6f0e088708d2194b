"""Points credited to many customers in one set-based step, under the ledger's rules."""

from typing import Any

from django.db import connection, transaction


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
