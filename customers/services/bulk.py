"""Facts by the hundred thousand: COPY of what a loader prepared, then set-based SQL for what follows from it.

A loader reserves ids first, so that its rows can refer to each other before they are written. Nothing in
this module announces anything: the past neither sends nor rewards, so no event written here waits for a
subscriber.
Every function works in the caller's transaction.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Model

from customers.models import Consent, ConsentRecord, Customer, Event, EventKey, Order, Source, SourceProfile
from customers.services.events import insert_events, own_source

BATCH = 2_000


def reserve_ids(model: type[Model], *, count: int) -> list[int]:
    """Take `count` primary keys from the model's sequence, ascending; nobody else gets them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [model._meta.db_table, model._meta.pk.column, count],
        )
        return [row[0] for row in cursor.fetchall()]


def reserve_range(model: type[Model], *, count: int) -> int:
    """Take `count` consecutive primary keys and return the first; the caller has locked the table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(sequence, nextval(sequence) + %s) - %s"
            " FROM (SELECT pg_get_serial_sequence(%s, %s)::regclass AS sequence) AS one",
            [count - 1, count - 1, model._meta.db_table, model._meta.pk.column],
        )
        return cursor.fetchone()[0]


def copy_rows(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write Python rows with one COPY and return how many; `columns` are names in the database."""
    with connection.cursor() as cursor:
        with cursor.copy(_copy(model, columns)) as copy:
            for row in rows:
                copy.write_row(row)
        return cursor.rowcount


def copy_text(model: type[Model], columns: Sequence[str], block: str) -> int:
    """Write a block of PostgreSQL's text format with one COPY: what writes a row for each is slower."""
    with connection.cursor() as cursor:
        with cursor.copy(_copy(model, columns)) as copy:
            copy.write(block)
        return cursor.rowcount


def copy_csv(
    model: type[Model], columns: Sequence[str], block: bytes | memoryview, *, freeze: bool = False
) -> int:
    """Write a block of CSV without a header with one COPY and return the number of rows.

    An empty field is NULL, an empty string is `""`. `freeze` only where `can_freeze` said so.
    """
    options = "WITH (FORMAT csv, FREEZE)" if freeze else "WITH (FORMAT csv)"
    with connection.cursor() as cursor:
        with cursor.copy(_copy(model, columns, options)) as copy:
            copy.write(block)
        return cursor.rowcount


def can_freeze(model: type[Model]) -> bool:
    """Return whether rows copied in this transaction may be frozen at once: the table is plain and empty.

    An empty table is truncated, which is what PostgreSQL wants to see first; the caller has locked it and
    laid its foreign keys aside.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {_table(model)})")
        (filled,) = cursor.fetchone()
        cursor.execute("SELECT relkind FROM pg_class WHERE oid = %s::regclass", [_table(model)])
        (kind,) = cursor.fetchone()
        if filled or kind != "r":
            return False
        cursor.execute(f"TRUNCATE {_table(model)}")
    return True


@contextmanager
def references_known() -> Iterator[None]:
    """Do not look up what rows point to: only for rows that point to what this transaction wrote itself.

    Looking up is two thirds of the time of a COPY of order lines. No trigger of ours runs either. Where the
    database's user may not (only a superuser may), everything is looked up as ever.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        (allowed,) = cursor.fetchone()
        if allowed:
            cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        if allowed:
            cursor.execute("SET LOCAL session_replication_role = origin")


def check_constraints_at_once() -> None:
    """Check foreign keys at the end of each statement of this transaction, not all of them at its commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def settle_consents(source: Source) -> int:
    """Derive the current consents from the ledger entries of this source; the latest entry wins."""
    return _execute(
        f"""
        INSERT INTO {_table(Consent)} (customer_id, channel, purpose, address, state, record_id, changed_at)
        SELECT DISTINCT ON (customer_id, channel, purpose, address)
               customer_id, channel, purpose, address, state, id, occurred_at
        FROM {_table(ConsentRecord)}
        WHERE source_id = %s
        ORDER BY customer_id, channel, purpose, address, occurred_at DESC, id DESC
        """,
        [source.pk],
    )


def tell_customers(source: Source) -> int:
    """Write `customer.created` for every customer this source brought, at the time they were created."""
    return _tell(
        f"""
        SELECT 'customer.created' AS type, customer.created_at AS occurred_at, %s::bigint AS source_id,
            'customer:' || customer.id || ':created' AS external_id, profile.id AS source_profile_id,
            customer.id AS customer_id, NULL::bigint AS sales_channel_id, NULL::bigint AS store_id,
            NULL::bigint AS business_unit_id, NULL::bigint AS amount, '' AS currency, '{{}}' AS told
        FROM {_table(SourceProfile)} AS profile
        JOIN {_table(Customer)} AS customer ON customer.id = profile.customer_id
        WHERE profile.source_id = %s
        ORDER BY customer.id
        """,
        [own_source().pk, source.pk],
    )


def tell_consents(source: Source) -> int:
    """Write `consent.changed` for every ledger entry of this source."""
    return _tell(
        f"""
        SELECT 'consent.changed' AS type, occurred_at, %s::bigint AS source_id,
            'consent:' || id AS external_id, NULL::bigint AS source_profile_id, customer_id,
            NULL::bigint AS sales_channel_id, NULL::bigint AS store_id, NULL::bigint AS business_unit_id,
            NULL::bigint AS amount, '' AS currency,
            format('{{"channel":"%%s","purpose":"%%s","state":"%%s"}}', channel, purpose, state) AS told
        FROM {_table(ConsentRecord)} WHERE source_id = %s
        ORDER BY id
        """,
        [own_source().pk, source.pk],
    )


def tell_orders(source: Source) -> int:
    """Write the `order.recorded` event of every paid order of this source that has none yet."""
    return _tell(
        f"""
        SELECT 'order.recorded' AS type, ordered_at AS occurred_at, %s::bigint AS source_id,
            'order:' || id || ':paid' AS external_id, source_profile_id, customer_id, sales_channel_id,
            store_id, business_unit_id, total_amount AS amount, currency, '{{"order":' || id || '}}' AS told
        FROM {_table(Order)}
        WHERE source_id = %s AND status = 'PAID'
        ORDER BY id
        """,
        [own_source().pk, source.pk],
    )


def _tell(facts: str, parameters: list[Any]) -> int:
    """Write one event for each row of the query whose key is new; `told` is its payload as text."""
    return _execute(
        f"""
        WITH fact AS MATERIALIZED ({facts}), fresh AS (
            INSERT INTO {_table(EventKey)} (source_id, external_id, occurred_at)
            SELECT source_id, external_id, occurred_at FROM fact
            ON CONFLICT (source_id, external_id) DO NOTHING
            RETURNING id, source_id, external_id
        )
        INSERT INTO {_table(Event)} (id, type, occurred_at, received_at, source_id, external_id,
            source_profile_id, customer_id, sales_channel_id, store_id, business_unit_id, amount, currency,
            payload, content_hash)
        SELECT id, type, occurred_at, now(), source_id, external_id, source_profile_id, customer_id,
            sales_channel_id, store_id, business_unit_id, amount, currency, told::jsonb,
            sha256(convert_to(told, 'UTF8'))
        FROM fresh JOIN fact USING (source_id, external_id)
        ORDER BY id
        """,
        parameters,
    )


def write_past_events(events: Sequence[Event]) -> list[Event]:
    """Write events that no subscriber shall hear of; those known already are skipped, as ever."""
    batches = [events[start : start + BATCH] for start in range(0, len(events), BATCH)]
    return [event for batch in batches for event in insert_events(batch)]


def refresh_statistics(*models: type[Model]) -> None:
    """Let the planner know what a big load has changed; cheap, and allowed inside a transaction."""
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f"ANALYZE {_table(model)}")


def _copy(model: type[Model], columns: Sequence[str], options: str = "") -> str:
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    return f"COPY {_table(model)} ({names}) FROM STDIN {options}"


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _execute(statement: str, parameters: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount
