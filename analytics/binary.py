"""Statements that PostgreSQL answers in binary: arrays and long columns as text are twice as long."""

from typing import Any

import psycopg
from django.db import connection


def binary_rows(statement: str, values: dict[str, Any]) -> list[tuple]:
    """Return what a statement answers.

    Its values are written into it. Sent beside it they would be planned for as if any value could come,
    because our connections ask for generic plans (docs/decisions/0114); over a span of time that is a walk
    through an index, row by row, where a scan of the table takes a tenth.
    """
    connection.ensure_connection()
    with psycopg.ClientCursor(connection.connection) as cursor:
        written = cursor.mogrify(statement, values)
    with psycopg.Cursor(connection.connection) as cursor:  # Django's own know no binary answers.
        return cursor.execute(written.encode(), binary=True).fetchall()
