"""Facts by the hundred thousand: COPY of what a loader prepared, then set-based SQL for what follows from it.

A loader reserves ids first, so that its rows can refer to each other before they are written. Nothing in
this module announces anything: the past neither sends nor rewards, so no event written here waits for a
subscriber.
Every function works in the caller's transaction.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model

from customers.models import Consent, ConsentRecord, Customer, Event, Order, Source, SourceProfile
from customers.services.events import own_source
from operations.inserts import insert_missing

BATCH = 2_000


def reserve_ids(model: type[Model], *, count: int) -> list[int]:
    """Take `count` primary keys from the model's sequence, ascending; nobody else gets them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [model._meta.db_table, model._meta.pk.column, count],
        )
        return [row[0] for row in cursor.fetchall()]


def copy_rows(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write Python rows with one COPY and return how many; `columns` are names in the database."""
    with connection.cursor() as cursor:
        with cursor.copy(_copy(model, columns)) as copy:
            for row in rows:
                copy.write_row(row)
        return cursor.rowcount


def copy_csv(model: type[Model], columns: Sequence[str], block: bytes | memoryview) -> int:
    """Write a block of CSV without a header with one COPY and return the number of rows.

    An empty field is NULL, an empty string is `""`.
    """
    with connection.cursor() as cursor:
        with cursor.copy(_copy(model, columns, "WITH (FORMAT csv)")) as copy:
            copy.write(block)
        return cursor.rowcount


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
    return _execute(
        f"""
        INSERT INTO {_table(Event)} (type, occurred_at, received_at, source_id, external_id,
            source_profile_id, customer_id, currency, payload, content_hash)
        SELECT 'customer.created', customer.created_at, now(), %s, 'customer:' || customer.id || ':created',
            profile.id, customer.id, '', '{{}}', sha256('{{}}')
        FROM {_table(SourceProfile)} AS profile
        JOIN {_table(Customer)} AS customer ON customer.id = profile.customer_id
        WHERE profile.source_id = %s
        ORDER BY customer.id
        ON CONFLICT (source_id, external_id) DO NOTHING
        """,
        [own_source().pk, source.pk],
    )


def tell_consents(source: Source) -> int:
    """Write `consent.changed` for every ledger entry of this source."""
    return _execute(
        f"""
        INSERT INTO {_table(Event)} (type, occurred_at, received_at, source_id, external_id, customer_id,
            currency, payload, content_hash)
        SELECT 'consent.changed', occurred_at, now(), %s, 'consent:' || id, customer_id, '', told::jsonb,
            sha256(convert_to(told, 'UTF8'))
        FROM (
            SELECT id, customer_id, occurred_at, format(
                '{{"channel":"%%s","purpose":"%%s","state":"%%s"}}', channel, purpose, state
            ) AS told
            FROM {_table(ConsentRecord)} WHERE source_id = %s
        ) AS record
        ORDER BY id
        ON CONFLICT (source_id, external_id) DO NOTHING
        """,
        [own_source().pk, source.pk],
    )


def tell_orders(source: Source) -> int:
    """Write the `order.recorded` event of every paid order of this source that has none yet."""
    return _execute(
        f"""
        INSERT INTO {_table(Event)} (type, occurred_at, received_at, source_id, external_id,
            source_profile_id, customer_id, sales_channel_id, store_id, amount, currency, payload,
            content_hash)
        SELECT 'order.recorded', ordered_at, now(), %s, 'order:' || id || ':paid', source_profile_id,
            customer_id, sales_channel_id, store_id, total_amount, currency, jsonb_build_object('order', id),
            sha256(convert_to('{{"order":' || id || '}}', 'UTF8'))
        FROM {_table(Order)}
        WHERE source_id = %s AND status = 'PAID'
        ORDER BY id
        ON CONFLICT (source_id, external_id) DO NOTHING
        """,
        [own_source().pk, source.pk],
    )


def write_past_events(events: Sequence[Event]) -> list[Event]:
    """Write events that no subscriber shall hear of; those known already are skipped, as ever."""
    batches = [events[start : start + BATCH] for start in range(0, len(events), BATCH)]
    return [event for batch in batches for event in insert_missing(batch, unique=["source", "external_id"])]


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
