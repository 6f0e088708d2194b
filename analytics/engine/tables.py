"""The temporary tables of a run, and the statements that work on them."""

from django.db import connection
from psycopg import sql

from analytics.engine.moves import COLUMNS
from analytics.models import RfmModel, RfmRun

REREAD, FRESH, CHANGED = (
    sql.Identifier(name) for name in ("fidelio_rfm_reread", "fidelio_rfm_fresh", "fidelio_rfm_changed")
)


def listed(names: tuple[str, ...], prefix: str = "") -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL(prefix) + sql.Identifier(name) for name in names)


def renamed(names: tuple[str, ...], prefix: str = "") -> sql.Composable:
    """Return columns under the names that stored values have beside fresh ones."""
    return sql.SQL(", ").join(
        sql.SQL("{}{} AS {}").format(sql.SQL(prefix), sql.Identifier(name), sql.Identifier(f"old_{name}"))
        for name in names
    )


class Tables:
    """What the steps of one run share: tables that live as long as its transaction."""

    run: RfmRun
    model: RfmModel

    def _make_table(
        self, name: sql.Identifier, query: sql.Composable, *, without: tuple[str, ...] = ()
    ) -> None:
        for setting in without:
            self._execute(f"SET LOCAL {setting} = off")
        # Two runs may share one transaction, so a table of an earlier one may still be there.
        self._execute("DROP TABLE IF EXISTS pg_temp.{table}", table=name)
        self._execute("CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {query}", table=name, query=query)
        for setting in without:
            self._execute(f"SET LOCAL {setting} TO DEFAULT")

    def _execute(self, statement: str, **parts: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self._compose(statement, parts))

    def _rows(self, statement: str, **parts: object) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(self._compose(statement, parts))
            return cursor.fetchall()

    def _row(self, statement: str, **parts: object) -> tuple:
        return self._rows(statement, **parts)[0]

    def _compose(self, statement: str, parts: dict[str, object]) -> sql.Composed:
        names = {"reread": REREAD, "fresh": FRESH, "changed": CHANGED, "columns": listed(COLUMNS)}
        names |= {"model": self.model.pk, "run": self.run.pk}
        if "{population}" in statement:
            names["population"] = self._population
        return sql.SQL(statement).format(**names | parts)
