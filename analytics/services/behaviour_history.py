"""The days of purchase of everybody: read for a model to learn from, and kept from one night to the next.

Days are those of the programme's time zone; an order counts as in customers (`counting`). Whoever refused
profiling, or whose processing is restricted, is not read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.utils import timezone

from analytics.behaviour.history import Purchases, Standing

EPOCH = date(1970, 1, 1)
PROFILED = """
customer.status IN ('ACTIVE', 'PROSPECT') AND customer.restricted_at IS NULL
AND customer.profiling = 'ALLOWED'
"""
_LOCAL_DAY = "(ordered.ordered_at AT TIME ZONE %(zone)s)::date"
_DAYS = f"""
SELECT ordered.customer_id, {_LOCAL_DAY} AS day, count(*) AS orders, sum(ordered.net_amount)::bigint AS amount
FROM customers_order AS ordered JOIN customers_customer AS customer ON customer.id = ordered.customer_id
WHERE ordered.status = 'PAID' AND ordered.currency = %(currency)s AND ordered.ordered_at < %(end)s
  AND {PROFILED}
"""
_TO_LEARN_FROM = f"""
COPY (
    SELECT customer_id, day - DATE '1970-01-01' AS day, orders::int, amount FROM (
        {_DAYS} AND mod(hashint8extended(ordered.customer_id, 0), %(every)s) = 0 GROUP BY 1, 2
    ) AS bought ORDER BY 1, 2
) TO STDOUT (FORMAT binary)
"""
_BOUGHT = {"customer": ">i8", "day": ">i4", "orders": ">i4", "amount": ">i8"}
_HEADER, _TRAILER = 19, 2

_READ = f"""
INSERT INTO analytics_behaviourstate AS state
    (customer_id, as_of, weights, days, orders, net_amount, first_on, last_on)
SELECT customer_id, %(as_of)s, ARRAY[{{weights}}]::float8[], count(*), sum(orders), sum(amount), min(day),
    max(day)
FROM ({_DAYS} {{among}} GROUP BY 1, 2) AS bought
GROUP BY customer_id
"""
_FRESH = """
CREATE TEMPORARY TABLE fidelio_fresh ON COMMIT DROP AS
SELECT customer_id, count(*) AS days, sum(orders)::bigint AS orders, sum(amount)::bigint AS amount,
    min(day) AS first_on, max(day) AS last_on, ARRAY[{weights}]::float8[] AS weights
FROM ({days} AND ordered.ordered_at >= %(begin)s GROUP BY 1, 2) AS bought
GROUP BY customer_id
"""
# Whose totals are not those kept and those of the new days: a refund, a late or moved order, a merge. Orders
# of days that are not over yet are in the totals already.
_ASTRAY = f"""
CREATE TEMPORARY TABLE fidelio_astray ON COMMIT DROP AS
WITH later AS (
    SELECT customer_id, count(*) AS orders, sum(net_amount)::bigint AS amount, max(ordered_at) AS last_at
    FROM customers_order
    WHERE status = 'PAID' AND currency = %(currency)s AND ordered_at >= %(end)s AND customer_id IS NOT NULL
    GROUP BY 1
)
SELECT COALESCE(state.customer_id, total.customer_id) AS customer_id
FROM analytics_behaviourstate AS state
FULL JOIN (
    SELECT total.* FROM customers_rollup AS total
    JOIN customers_customer AS customer ON customer.id = total.customer_id
    WHERE total.scope = 'ALL' AND total.scope_value = '' AND total.first_order_at < %(end)s AND {PROFILED}
) AS total ON total.customer_id = state.customer_id
LEFT JOIN fidelio_fresh AS fresh ON fresh.customer_id = state.customer_id
LEFT JOIN later ON later.customer_id = state.customer_id
WHERE state.customer_id IS NULL OR total.customer_id IS NULL
   OR state.orders + COALESCE(fresh.orders, 0) + COALESCE(later.orders, 0) <> total.orders
   OR state.net_amount + COALESCE(fresh.amount, 0) + COALESCE(later.amount, 0) <> total.net_amount
   OR state.first_on <> (total.first_order_at AT TIME ZONE %(zone)s)::date
   OR COALESCE((later.last_at AT TIME ZONE %(zone)s)::date, fresh.last_on, state.last_on)
      <> (total.last_order_at AT TIME ZONE %(zone)s)::date
"""
_CARRY_ON = """
UPDATE analytics_behaviourstate AS state
SET weights = ARRAY[{weights}]::float8[], as_of = %(as_of)s, days = state.days + fresh.days,
    orders = state.orders + fresh.orders, net_amount = state.net_amount + fresh.amount,
    last_on = fresh.last_on
FROM fidelio_fresh AS fresh
WHERE fresh.customer_id = state.customer_id
  AND NOT EXISTS (SELECT FROM fidelio_astray AS astray WHERE astray.customer_id = state.customer_id)
"""
_GAPS = f"""
UPDATE analytics_behaviourstate AS state SET short_gap = gap.short, long_gap = gap.long
FROM (
    SELECT customer_id, percentile_cont(0.25) WITHIN GROUP (ORDER BY gap) AS short,
        percentile_cont(0.75) WITHIN GROUP (ORDER BY gap) AS long
    FROM (
        SELECT customer_id, day - lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap
        FROM ({_DAYS} AND EXISTS (
            SELECT FROM fidelio_touched AS touched WHERE touched.customer_id = ordered.customer_id
        ) GROUP BY 1, 2) AS bought
    ) AS gapped
    GROUP BY customer_id HAVING count(*) > 1
) AS gap
WHERE gap.customer_id = state.customer_id
"""
_KEPT = """
COPY (
    SELECT customer_id, as_of - DATE '1970-01-01', first_on - DATE '1970-01-01',
        last_on - DATE '1970-01-01', days, orders, net_amount, COALESCE(short_gap, -1),
        COALESCE(long_gap, -1){weights}
    FROM analytics_behaviourstate ORDER BY customer_id
) TO STDOUT (FORMAT binary)
"""


@dataclass(frozen=True)
class Kept:
    """Everybody's history as it is kept, on the morning of a day: `ids` are customers, gaps -1 where none."""

    ids: np.ndarray
    standing: Standing
    short_gap: np.ndarray
    long_gap: np.ndarray


@dataclass(frozen=True)
class Refreshed:
    """How many histories were read anew and how many carried on, and whose: None is everybody's."""

    read_anew: int
    carried_on: int
    touched: list[int] | None


def read_purchases(*, before: date, at_most: int) -> Purchases:
    """Return the days of purchase of everybody, or of about `at_most` people chosen by their number."""
    parameters = _parameters(before) | {"every": max(1, -(-_buyers() // at_most))}
    with connection.cursor() as cursor, cursor.copy(_TO_LEARN_FROM, parameters) as copy:
        rows = copied_records(copy, _BOUGHT)
    ids, person = np.unique(rows["customer"].astype(np.int64), return_inverse=True)
    return Purchases(ids, person, *(rows[name].astype(np.int64) for name in ("day", "orders", "amount")))


def refresh_states(*, as_of: date, since: date | None, half_lives: Sequence[float]) -> Refreshed:
    """Bring the kept histories up to the morning of a day, in the caller's transaction.

    `since` is the day up to which they were kept before, with the same half-lives: only the orders of the
    days between are read, and the whole history of those whose totals tell that more has changed. With None
    everybody's is read.
    """
    parameters = _parameters(as_of)
    if since is not None:
        parameters["begin"] = _midnight(since)
    with connection.cursor() as cursor:
        if since is None:
            cursor.execute("DELETE FROM analytics_behaviourstate")
            cursor.execute(_read_statement(half_lives, as_of, among=""), parameters)
            read, carried, touched = cursor.rowcount, 0, None
            _touch(cursor, "SELECT customer_id FROM analytics_behaviourstate")
        else:
            read, carried = _carry_on(cursor, parameters, half_lives, as_of)
            touched = _touch(
                cursor, "SELECT customer_id FROM fidelio_fresh UNION SELECT customer_id FROM fidelio_astray"
            )
        cursor.execute(_GAPS, parameters)
    return Refreshed(read, carried, touched)


def read_states(*, as_of: date, half_lives: Sequence[float]) -> Kept:
    """Return the kept histories with every n_w faded to the morning of `as_of`."""
    names = ["customer", "as_of", "first", "last", "days", "orders", "amount", "short", "long"]
    kinds = [">i8", ">i4", ">i4", ">i4", ">i4", ">i4", ">i8", ">f8", ">f8"]
    names += [f"w{place}" for place in range(len(half_lives))]
    kinds += [">f8"] * len(half_lives)
    # A model that looks at no history of people's own, as the average of an RFM cell, has no half-lives.
    weights = "".join(f", weights[{place}]" for place in range(1, len(half_lives) + 1))
    with connection.cursor() as cursor, cursor.copy(_KEPT.format(weights=weights)) as copy:
        rows = copied_records(copy, dict(zip(names, kinds, strict=True)))
    whole = {name: rows[name].astype(np.int64) for name in names[:7]}
    origin = (as_of - EPOCH).days
    age = origin - whole["as_of"]
    faded = {
        half_life: rows[f"w{place}"].astype(np.float64) * np.exp2(-age / half_life)
        for place, half_life in enumerate(half_lives)
    }
    standing = Standing(
        origin, whole["first"], whole["last"], whole["days"], whole["orders"], whole["amount"], faded
    )
    gaps = (rows[name].astype(np.float64) for name in ("short", "long"))
    return Kept(whole["customer"], standing, *gaps)


def day_number(day: date) -> int:
    return (day - EPOCH).days


def day_of(number: int) -> date:
    return EPOCH + timedelta(days=int(number))


def _carry_on(
    cursor: Any, parameters: dict[str, Any], half_lives: Sequence[float], as_of: date
) -> tuple[int, int]:
    for table in ("fidelio_fresh", "fidelio_astray"):
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")
    cursor.execute(_FRESH.format(weights=_weights(half_lives), days=_DAYS), parameters)
    cursor.execute(_ASTRAY, parameters)
    carried = ", ".join(
        f"state.weights[{place}] * {_faded('state.as_of', half_life)} + fresh.weights[{place}]"
        for place, half_life in enumerate(half_lives, start=1)
    )
    cursor.execute(_CARRY_ON.format(weights=carried), parameters)
    count = cursor.rowcount
    cursor.execute(
        "DELETE FROM analytics_behaviourstate WHERE customer_id IN (SELECT customer_id FROM fidelio_astray)"
    )
    among = "AND ordered.customer_id IN (SELECT customer_id FROM fidelio_astray)"
    cursor.execute(_read_statement(half_lives, as_of, among=among), parameters)
    return cursor.rowcount, count


def _touch(cursor: Any, query: str) -> list[int]:
    cursor.execute("DROP TABLE IF EXISTS pg_temp.fidelio_touched")
    cursor.execute(f"CREATE TEMPORARY TABLE fidelio_touched ON COMMIT DROP AS {query}")
    cursor.execute("CREATE INDEX ON fidelio_touched (customer_id)")
    cursor.execute("ANALYZE fidelio_touched")
    cursor.execute("SELECT customer_id FROM fidelio_touched ORDER BY 1")
    return [row[0] for row in cursor.fetchall()]


def _read_statement(half_lives: Sequence[float], as_of: date, *, among: str) -> str:
    return _READ.format(weights=_weights(half_lives), among=among)


def _weights(half_lives: Sequence[float]) -> str:
    return ", ".join(f"sum({_faded('day', half_life)})" for half_life in half_lives)


def _faded(day: str, half_life: float) -> str:
    # PostgreSQL refuses numbers too small to be told from zero.
    return f"power(2::float8, greatest(({day} - %(as_of)s) / {float(half_life)}::float8, -100))"


def _buyers() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM customers_rollup WHERE scope = 'ALL'")
        return cursor.fetchone()[0]


def _parameters(before: date) -> dict[str, Any]:
    return {
        "zone": settings.PROGRAMME_TIME_ZONE,
        "currency": settings.PROGRAMME_CURRENCY,
        "as_of": before,
        "end": _midnight(before),
    }


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min), timezone.get_default_timezone())


def copied_records(copy: Any, columns: dict[str, str]) -> np.ndarray:
    """Return the rows of a COPY in binary format: columns by name with their kind, none of them NULL."""
    # Before a row stands how many columns it has, and before each of them its length.
    layout = [("n", ">i2")]
    for name, kind in columns.items():
        layout += [(f"l_{name}", ">i4"), (name, kind)]
    block = b"".join(bytes(part) for part in copy)
    return np.frombuffer(block[_HEADER : len(block) - _TRAILER], dtype=layout)
