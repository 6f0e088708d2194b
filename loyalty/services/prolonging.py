"""Points that expire after a time without activity: their end moves with every sign of life.

A lot says by how many months. What has expired stays expired; the ledger is not touched, because an expiry
is booked only when it has come.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

PORTION = 5000
# So far ahead the look at everybody's activity reaches: beyond the reminders of what expires.
HORIZON = timedelta(days=45)
# A sign of life of the last hours before an end still counts: nothing is booked before.
GRACE = timedelta(hours=3)
# What we do to a person is none of their life.
NOT_THEIRS = [
    "message.%", "segment.%", "points.%", "tier.%", "coupon.published", "coupon.expired", "customer.%",
]  # fmt: skip


def prolong_points(customer_id: int, *, since: datetime, at: datetime) -> int:
    """Move the end of a customer's points that follow activity, as of a sign of life at `since`.

    The caller holds the accounts. Returns how many lots moved.
    """
    values = {"customer": customer_id, "since": since, "from": at - GRACE, "zone": _zone()}
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_OWN, values)
        return cursor.rowcount


def prolong_by_activity(*, at: datetime, horizon: timedelta = HORIZON) -> int:
    """Move the ends that come before `horizon` of everybody who gave a sign of life; return how many moved.

    Orders and every event that a source tells or the person caused count. An end of the last three hours may
    still move by what happened before it. Locks accounts in portions, in the order of their keys.
    """
    moved, last = 0, 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            values = {"after": last, "from": at - GRACE, "to": at + horizon, "portion": PORTION}
            cursor.execute(_DUE_ACCOUNTS, values)
            accounts = [pk for (pk,) in cursor.fetchall()]
            if not accounts:
                return moved
            last = accounts[-1]
            values |= {"accounts": accounts, "at": at, "zone": _zone(), "not": NOT_THEIRS}
            cursor.execute(_MOVE_BY_ACTIVITY, values)
            moved += cursor.rowcount


def _zone() -> str:
    return settings.PROGRAMME_TIME_ZONE


_END = """((({since} AT TIME ZONE %(zone)s)::date + make_interval(months => lot.prolonged_months))::date + 1)
    ::timestamp AT TIME ZONE %(zone)s"""
_MOVE_OWN = f"""
UPDATE coupons_lot AS lot SET expires_at = {_END.format(since="%(since)s::timestamptz")}
FROM coupons_account AS account
WHERE account.customer_id = %(customer)s AND account.kind = 'POINTS' AND lot.account_id = account.id
  AND lot.remaining > 0 AND lot.prolonged_months IS NOT NULL
  AND lot.expires_at > %(from)s AND %(since)s < lot.expires_at
  AND lot.expires_at < {_END.format(since="%(since)s::timestamptz")}
"""
_DUE_ACCOUNTS = """
SELECT account.id FROM coupons_account AS account
WHERE account.id > %(after)s AND account.id IN (
    SELECT lot.account_id FROM coupons_lot AS lot
    WHERE lot.remaining > 0 AND lot.prolonged_months IS NOT NULL
      AND lot.expires_at > %(from)s AND lot.expires_at <= %(to)s
)
ORDER BY account.id LIMIT %(portion)s FOR NO KEY UPDATE
"""
_MOVE_BY_ACTIVITY = f"""
WITH active AS (
    SELECT account.id AS account_id, greatest(
        (SELECT max(o.ordered_at) FROM customers_order AS o
         WHERE o.customer_id = account.customer_id AND o.ordered_at <= %(at)s),
        (SELECT max(event.occurred_at) FROM customers_event AS event
         WHERE event.customer_id = account.customer_id AND event.occurred_at <= %(at)s
           AND NOT event.type LIKE ANY(%(not)s))
    ) AS since
    FROM coupons_account AS account WHERE account.id = ANY(%(accounts)s)
)
UPDATE coupons_lot AS lot SET expires_at = {_END.format(since="active.since")}
FROM active
WHERE lot.account_id = active.account_id AND lot.remaining > 0 AND lot.prolonged_months IS NOT NULL
  AND lot.expires_at > %(from)s AND active.since < lot.expires_at
  AND lot.expires_at < {_END.format(since="active.since")}
"""
