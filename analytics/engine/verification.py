"""What is stored otherwise than orders tell, where no change that was reported would explain it."""

from dataclasses import dataclass

from psycopg import sql

from analytics.engine import changes
from analytics.engine.interface import Thresholds
from analytics.engine.moves import COLUMNS, TOTALS
from analytics.engine.postgres import PostgresEngine
from analytics.engine.tables import FRESH, listed, renamed


@dataclass(frozen=True)
class WrongTotals:
    """A customer's last order's day, orders and net amount, as stored and as their orders tell."""

    customer_id: int
    stored: tuple
    told: tuple


class Verification(PostgresEngine):
    """Compares, and writes nothing."""

    def wrong_totals(self, limit: int) -> list[WrongTotals]:
        """Return the first stored totals that differ from what everybody's orders tell."""
        self._execute("SET LOCAL work_mem = '64MB'")
        self._read_everybody()
        rows = self._rows(
            """
            SELECT fresh.customer_id, {old}, {now} FROM {fresh} AS fresh
            LEFT JOIN analytics_rfmscore old
                ON old.model_id = {model} AND old.customer_id = fresh.customer_id
            WHERE fresh.customer_id NOT IN ({reported}) ORDER BY fresh.customer_id LIMIT {limit}
            """,
            old=listed(TOTALS, "old."),
            now=listed(TOTALS, "fresh."),
            reported=changes.changed_customers(self.since, self.run),
            limit=limit,
        )
        return [WrongTotals(row[0], row[1:4], row[4:7]) for row in rows]

    def wrong_scores(self, thresholds: Thresholds, limit: int) -> list[int]:
        """Return the first customers scored otherwise than their stored totals and these thresholds say."""
        nothing = sql.SQL("SELECT customer_id, {}, {} FROM analytics_rfmscore WHERE false")
        self._make_table(FRESH, nothing.format(listed(TOTALS), renamed(COLUMNS)))
        self._find_changes(thresholds)
        rows = self._rows("SELECT customer_id FROM {changed} ORDER BY 1 LIMIT {limit}", limit=limit)
        return [row[0] for row in rows]
