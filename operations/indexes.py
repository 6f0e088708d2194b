"""Indexes and foreign keys laid aside while a table is filled, and built again in one go."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection
from django.db.models import Model

_CONSTRAINTS = """
SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
FROM pg_constraint
WHERE conparentid = 0 AND (
    (contype = 'f' AND (conrelid = ANY(%(tables)s::regclass[]) OR confrelid = ANY(%(tables)s::regclass[])))
    OR (contype = 'u' AND conrelid = ANY(%(tables)s::regclass[])))
ORDER BY contype = 'f', conrelid, conname
"""
_INDEXES = """
SELECT indexrelid::regclass::text, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
FROM pg_index
WHERE indrelid = ANY(%(tables)s::regclass[]) AND NOT indisprimary
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype <> 'f')
  AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid)
ORDER BY indrelid, indexrelid
"""


@contextmanager
def indexes_laid_aside(models: Sequence[type[Model]]) -> Iterator[None]:
    """Drop the models' secondary indexes, unique constraints and foreign keys; build them again at the end.

    Foreign keys of other tables to these go too. Works in the caller's transaction, which locks the tables
    for everybody else: an error rolls everything back. What was written must fit the constraints, or
    building them fails with an IntegrityError.
    """
    tables = [model._meta.db_table for model in models]
    with connection.cursor() as cursor:
        names = ", ".join(map(connection.ops.quote_name, tables))
        cursor.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
        # A table whose foreign keys still wait to be checked cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    statements = _remove(tables)
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        for statement in statements:
            cursor.execute(statement)


def _remove(tables: list[str]) -> list[str]:
    """Drop, and return the statements that bring everything back: indexes first, foreign keys last."""
    with connection.cursor() as cursor:
        cursor.execute(_CONSTRAINTS, {"tables": tables})
        constraints = cursor.fetchall()
        cursor.execute(_INDEXES, {"tables": tables})
        indexes = cursor.fetchall()
        for table, name, _ in reversed(constraints):
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
    keys = [f"ALTER TABLE {table} ADD CONSTRAINT {name} {text}" for table, name, text in constraints]
    return [text for _, text in indexes] + keys
