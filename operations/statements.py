"""Statements that a connection prepares once, for the few paths where planning costs more than running."""

import re
import time
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from functools import lru_cache
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import JSONField, Model
from psycopg.types.numeric import Int8

NEVER_BY_ITSELF = 2**31


def run(sql: str, parameters: dict[str, Any]) -> list[tuple]:
    """Run one statement, prepared on this connection from its first use on, and return its rows.

    Parameters stand in the text as %(name)s, each with a cast; whole numbers are sent as bigint, so that the
    same text is always the same statement.
    """
    return run_together([(sql, parameters)])[0]


def run_together(given: Sequence[tuple[str, dict[str, Any]]]) -> list[list[tuple]]:
    """Run statements as `run` does, in one transaction and one round trip; return the rows of each.

    Each sees what was committed before it began, not before the first did.
    """
    # Asked for once: the proxy `connection` finds the thread's own anew at every access.
    ours = connections[DEFAULT_DB_ALIAS]
    ours.close_if_health_check_failed()
    ours.ensure_connection()
    started = time.monotonic()
    own = ours.connection
    if own.prepare_threshold is None:
        # Django switches preparing off altogether; what does not ask for it is still never prepared.
        own.prepare_threshold = NEVER_BY_ITSELF
    with ours.wrap_database_errors, ExitStack() as cursors:
        opened = []
        with own.pipeline() if len(given) > 1 else nullcontext():
            for sql, parameters in given:
                text, names = _numbered(sql)
                cursor = cursors.enter_context(psycopg.RawCursor(own))
                cursor.execute(text, [_typed(parameters[name]) for name in names], prepare=True)
                opened.append(cursor)
        rows = [one.fetchall() if one.pgresult and one.pgresult.nfields else [] for one in opened]
    if ours.queries_logged:
        for sql, _parameters in given:
            ours.queries_log.append({"sql": sql, "time": f"{time.monotonic() - started:.3f}"})
    return rows


@lru_cache(maxsize=256)
def _numbered(sql: str) -> tuple[str, list[str]]:
    """Return the text with $1, $2 for its named parameters, and their names in this order."""
    names: dict[str, int] = {}
    text = _NAMED.sub(lambda found: f"${names.setdefault(found[1], len(names) + 1)}", sql)
    return text, list(names)


_NAMED = re.compile(r"%\((\w+)\)s")


def _typed(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return Int8(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_typed(one) for one in value]
    return value


class Columns:
    """The columns of a model in a statement of our own, and its rows out of what that returns."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model
        fields = model._meta.concrete_fields
        self.names = [field.attname for field in fields]
        self._columns = [field.column for field in fields]
        self._jsons = [(place, field) for place, field in enumerate(fields) if isinstance(field, JSONField)]

    def __len__(self) -> int:
        return len(self.names)

    def of(self, alias: str) -> str:
        """Return the columns as they stand in a SELECT."""
        return ", ".join(f'{alias}."{column}"' for column in self._columns)

    def mark(self, alias: str, *, without: str) -> str:
        """Return a number that is another one as soon as any column but one of a row is changed."""
        columns = ", ".join(f'{alias}."{column}"' for column in self._columns if column != without)
        return f"hash_record_extended(ROW({columns}), 0)"

    def row(self, values: Sequence[Any]) -> Model | None:
        """Return the row of these values; None where an outer join found nothing."""
        if values[0] is None:
            return None
        values = list(values)
        for place, field in self._jsons:
            values[place] = field.from_db_value(values[place], None, connection)
        return self.model.from_db(connection.alias, self.names, values)
