"""Bulk inserts that several writers may race for."""

import json
import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Field, Model
from django.utils import timezone
from psycopg import Binary
from psycopg.types.json import Jsonb

Row = TypeVar("Row", bound=Model)
LENGTH = re.compile(r"\(.*?\)")


def insert_missing(
    rows: Sequence[Row], *, unique: Sequence[str], key_table: type[Model] | None = None
) -> list[Row]:
    """Insert the rows whose unique columns nobody has yet; return those, with their ids, in the given order.

    One statement. A row that another transaction is inserting right now is waited for, and skipped if that
    commits. Rows go in by the order of their keys, so that two writers never wait for each other.
    `key_table` is the table that holds the unique columns where the rows' own, a partitioned one, cannot: it
    has the same ids, and all its columns are columns of the rows too.
    """
    if not rows:
        return []
    meta = rows[0]._meta
    fields = [field for field in meta.concrete_fields if not field.primary_key and not field.generated]
    keys = [meta.get_field(name).attname for name in unique]
    by_key = {_key(row, keys): row for row in reversed(rows)}
    ordered = [by_key[key] for key in sorted(by_key)]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    conflict = ", ".join(f'"{meta.get_field(name).column}"' for name in unique)
    types = ", ".join(f'"{field.column}" {_type(field)}' for field in fields)
    given = f"json_to_recordset(%s::json) AS given ({types})"
    if key_table is None:
        sql = (
            f'INSERT INTO "{meta.db_table}" ({columns}) SELECT * FROM {given} '
            f'ON CONFLICT ({conflict}) DO NOTHING RETURNING "{meta.pk.column}", {conflict}'
        )
    else:
        kept = ", ".join(f'"{field.column}"' for field in key_table._meta.concrete_fields[1:])
        sql = (
            f"WITH given AS MATERIALIZED (SELECT * FROM {given}), fresh AS ("
            f'INSERT INTO "{key_table._meta.db_table}" ({kept}) SELECT {kept} FROM given '
            f'ON CONFLICT ({conflict}) DO NOTHING RETURNING "{meta.pk.column}", {conflict}) '
            f'INSERT INTO "{meta.db_table}" ("{meta.pk.column}", {columns}) '
            f'SELECT "{meta.pk.column}", {columns} FROM fresh JOIN given USING ({conflict}) '
            f'RETURNING "{meta.pk.column}", {conflict}'
        )
    # One text for all: a statement with a place for every value would take longer to read than to run.
    told = [{field.column: _value(row, field) for field in fields} for row in ordered]
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps(told, default=_as_json)])
        ids = {tuple(key): pk for pk, *key in cursor.fetchall()}
    for key, pk in ids.items():
        by_key[key].pk = pk
        by_key[key]._state.adding = False
        by_key[key]._state.db = connection.alias
    return [row for row in rows if by_key[_key(row, keys)] is row and _key(row, keys) in ids]


@cache
def insertion(
    model: type[Model], parameter: str, *, with_id: bool = False, instead: tuple[tuple[str, str], ...] = ()
) -> str:
    """Return the INSERT of rows of a model that stand in one JSON parameter of the caller's own statement.

    `rows_as_json` writes that parameter. `with_id` also the primary key, which was drawn before. `instead` is
    an expression for a column which the statement itself finds; the rows are called `given` there.
    """
    fields = _written(model, with_id)
    found = dict(instead)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(found.get(field.column, f'"{field.column}"') for field in fields)
    types = ", ".join(f'"{field.column}" {_type(field)}' for field in fields)
    return (
        f'INSERT INTO "{model._meta.db_table}" ({columns}) SELECT {values} '
        f"FROM json_to_recordset(%({parameter})s::json) AS given ({types})"
    )


def rows_as_json(rows: Sequence[Any], *, with_id: bool = False, model: type[Model] | None = None) -> str:
    """Return rows of one model as the parameter of `insertion`.

    Of a `model` that is named they may be anything that has its attributes.
    """
    if not rows:
        return "[]"
    fields = _written(model or type(rows[0]), with_id)
    names = [(field.column, field.attname) for field in fields if not getattr(field, "auto_now_add", False)]
    made = {field.column: timezone.now() for field in fields if getattr(field, "auto_now_add", False)}
    told = [made | {column: getattr(row, name) for column, name in names} for row in rows]
    return json.dumps(told, default=_as_json)


@cache
def _written(model: type[Model], with_id: bool) -> list[Field]:
    return [
        field
        for field in model._meta.concrete_fields
        if not field.generated and (with_id or not field.primary_key)
    ]


def _value(row: Model, field: Field) -> object:
    return field.get_db_prep_save(field.pre_save(row, add=True), connection)


def _as_json(value: object) -> object:
    """Return what PostgreSQL reads as this value from JSON."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return f"\\x{bytes(value).hex()}"
    return value.obj if isinstance(value, Binary | Jsonb) else str(value)


def _type(field: Field) -> str:
    """Return the type without its length: a cast to that would cut a value which is too long."""
    return LENGTH.sub("", field.db_type(connection))


def _key(row: Model, names: Sequence[str]) -> tuple:
    return tuple(getattr(row, name) for name in names)
