"""Traits by the whole population: one COPY, and one statement that writes only what differs."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from customers.services.changes import note_changes

LINES_AT_ONCE = 20_000
STAGE = """
CREATE TEMPORARY TABLE fidelio_traits (customer_id bigint, code text, value jsonb) ON COMMIT DROP
"""
PROFILED = """
SELECT FROM customers_customer AS customer
WHERE customer.id = {row}.customer_id AND customer.status IN ('ACTIVE', 'PROSPECT')
  AND customer.restricted_at IS NULL AND customer.profiling = 'ALLOWED'
"""
DELETE = f"""
DELETE FROM customers_trait AS trait
WHERE trait.code = ANY(%(codes)s)
  AND (%(among)s::bigint[] IS NULL OR trait.customer_id = ANY(%(among)s)) AND (
    NOT EXISTS (
        SELECT FROM fidelio_traits AS fresh
        WHERE fresh.customer_id = trait.customer_id AND fresh.code = trait.code)
    OR NOT EXISTS ({PROFILED.format(row="trait")}))
RETURNING trait.customer_id
"""
# Of two values for one person and code the later line holds, as if they had been written one after another.
# What stands there already is left out before it: ON CONFLICT would lock each such row, which is a write.
UPSERT = f"""
INSERT INTO customers_trait AS trait (customer_id, code, value, computed_at, model_version)
SELECT customer_id, code, value, %(at)s, %(model_version)s FROM (
    SELECT DISTINCT ON (customer_id, code) customer_id, code, value FROM fidelio_traits AS fresh
    WHERE EXISTS ({PROFILED.format(row="fresh")})
    ORDER BY customer_id, code, ctid DESC
) AS fresh
WHERE NOT EXISTS (
    SELECT FROM customers_trait AS stored
    WHERE stored.customer_id = fresh.customer_id AND stored.code = fresh.code AND stored.value = fresh.value)
ON CONFLICT (customer_id, code) DO UPDATE
SET value = EXCLUDED.value, computed_at = EXCLUDED.computed_at, model_version = EXCLUDED.model_version
WHERE trait.value IS DISTINCT FROM EXCLUDED.value
RETURNING trait.customer_id
"""
COUNTED = """
WITH written AS ({statement})
SELECT count(*), coalesce(array_agg(DISTINCT customer_id), '{{}}') FROM written
"""


def write_traits(
    rows: Iterable[tuple[int, str, Any]],
    *,
    codes: Sequence[str],
    at: datetime,
    model_version: str,
    among: Sequence[int] | None = None,
) -> int:
    """Make these the values of the traits `codes` for everybody; return how many rows that changed.

    With `among`, for these customers only: what the others have stays.

    `rows` are (customer's id, code, value as JSON takes it), read once and never held all together; a value
    of None is none. Who is not among them loses the trait. Whoever is not live or refused profiling gets
    nothing. `computed_at` and `model_version` are those of the run that last changed a value, so that a night
    without news writes nothing. Live segments hear of who changed.

    Two writers of the same codes at once must keep apart by themselves (a run's lock).
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # Two runs may share one transaction, so the table of an earlier one may still be there.
        cursor.execute("DROP TABLE IF EXISTS pg_temp.fidelio_traits")
        cursor.execute(STAGE)
        with cursor.copy("COPY fidelio_traits FROM STDIN") as copy:
            for block in _blocks(rows, frozenset(codes)):
                copy.write(block)
        cursor.execute("CREATE INDEX ON fidelio_traits (customer_id, code)")
        cursor.execute("ANALYZE fidelio_traits")
        parameters = {"codes": list(codes), "at": at, "model_version": model_version}
        parameters["among"] = None if among is None else list(among)
        changed, people = 0, set()
        for statement in (DELETE, UPSERT):
            cursor.execute(COUNTED.format(statement=statement), parameters)
            count, customers = cursor.fetchone()
            changed += count
            people |= set(customers)
        note_changes(people)
    return changed


def _blocks(rows: Iterable[tuple[int, str, Any]], codes: frozenset[str]) -> Iterator[str]:
    lines: list[str] = []
    for customer_id, code, value in rows:
        if code not in codes:
            raise ValueError(f"{code} is not among the codes that are written")
        if value is None:
            continue
        lines.append(f"{customer_id}\t{code}\t{_json(value)}\n")
        if len(lines) == LINES_AT_ONCE:
            yield "".join(lines)
            lines = []
    if lines:
        yield "".join(lines)


def _json(value: Any) -> str:
    # The text format of COPY reads a backslash as the beginning of an escape.
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\\", "\\\\")
