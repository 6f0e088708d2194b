"""Whose totals are others than the stored ones: of everybody, or of whoever was reported as changed."""

from functools import cached_property

from psycopg import sql

from analytics.engine import changes
from analytics.engine.moves import COLUMNS, TOTALS
from analytics.engine.purchases import EVERYBODY, IN_THE_INDEX, REFUSED, purchases, totals
from analytics.engine.reading import Reading, Window
from analytics.engine.tables import FRESH, REREAD, Tables, listed, renamed
from analytics.models import RfmRun

# Of more than one customer in so many, everybody's orders are read sooner than theirs one by one.
MOST = 5


class Totals(Tables):
    """The first step: orders are read into the table of fresh totals."""

    since: RfmRun | None
    everybody: bool
    checks: bool
    reading: Reading | None
    window: Window

    def _read_everybody(self) -> tuple[int, int]:
        """Find the totals that differ from the stored ones, of all customers; return whom and how many."""
        # On an empty model the table is not even looked at, only its columns' types are.
        query = sql.SQL(
            """
            SELECT customer_id, {now}, {stored_as_old} FROM ({current}) AS now {joined} JOIN (
                SELECT customer_id, {columns} FROM analytics_rfmscore WHERE {model}
            ) AS old USING (customer_id) WHERE ({now}) IS DISTINCT FROM ({old})
            """
        ).format(
            current=self._totals_of_everybody(),
            joined=sql.SQL("FULL" if self._stored_rows else "LEFT"),
            columns=listed(COLUMNS),
            now=listed(TOTALS, "now."),
            old=listed(TOTALS, "old."),
            stored_as_old=renamed(COLUMNS, "old."),
            model=self._of_the_model if self._stored_rows else sql.SQL("false"),
        )
        walked = self.reading is None and self.model.scope in IN_THE_INDEX
        self._make_table(FRESH, query, without=("enable_hashagg", "enable_seqscan") if walked else ())
        self._count_fresh()
        return (self._stored_rows or self._fresh), self._unreported() if self.checks else 0

    def _totals_of_everybody(self) -> sql.Composable:
        if self.reading:
            return self.reading.totals(self.model)
        return sql.SQL(
            "SELECT customer_id, {totals} FROM ({purchases}) AS purchase GROUP BY customer_id"
        ).format(totals=totals(), purchases=purchases(self.model, self.window, whose=EVERYBODY))

    def _unreported(self) -> int:
        """Return how many stored totals differ though nothing was reported that would explain it."""
        if not self._fresh or not changes.can_follow(self.since, self.run):
            return 0
        return self._row(
            "SELECT count(*) FROM {fresh} WHERE customer_id NOT IN ({reported})",
            reported=changes.changed_customers(self.since, self.run),
        )[0]

    def _read_changes(self) -> tuple[int, int]:
        """Find the totals that differ from the stored ones, of customers who were reported as changed."""
        self._make_table(REREAD, changes.changed_customers(self.since, self.run))
        reread = self._row("SELECT count(*) FROM {reread}")[0]
        if reread * MOST > self._stored_rows:
            self.everybody = True
            return self._read_everybody()
        self._execute("ANALYZE {reread}")
        self._make_table(
            FRESH,
            sql.SQL(
                """
                SELECT reread.customer_id, {now}, {stored_as_old}
                FROM {reread} AS reread
                LEFT JOIN LATERAL (
                    SELECT {totals} FROM ({purchases}) AS purchase HAVING count(*) > 0
                ) AS now ON reread.customer_id NOT IN ({refused})
                LEFT JOIN analytics_rfmscore old
                    ON old.model_id = {model} AND old.customer_id = reread.customer_id
                WHERE ({now}) IS DISTINCT FROM ({old})
                """
            ).format(
                now=listed(TOTALS, "now."),
                old=listed(TOTALS, "old."),
                stored_as_old=renamed(COLUMNS, "old."),
                totals=totals(),
                purchases=purchases(
                    self.model, self.window, whose=sql.SQL("bought.customer_id = reread.customer_id")
                ),
                refused=REFUSED,
                reread=REREAD,
                model=self.model.pk,
            ),
        )
        self._count_fresh()
        return reread, 0

    def _count_fresh(self) -> None:
        self._fresh = self._row("SELECT count(*) FROM {fresh}")[0]
        self._execute("ANALYZE {fresh}")

    @cached_property
    def _stored_rows(self) -> int:
        """Return about how many scores were stored when the run began; a mere preview knows of none."""
        if self.since is not None:
            return max(self.since.population, 1)
        return 0 if self.run.pk is None else self.model.scores.count()

    @property
    def _population(self) -> sql.Composable:
        """Everybody's totals: the stored ones, and in their place the fresh ones."""
        fresh = sql.SQL("(SELECT customer_id, {} FROM {} WHERE orders IS NOT NULL)").format(
            listed(TOTALS), FRESH
        )
        stored = sql.SQL("SELECT customer_id, {} FROM analytics_rfmscore WHERE model_id = {}").format(
            listed(TOTALS), self.model.pk
        )
        if not self._stored_rows:
            return fresh
        if not self._fresh:
            return sql.SQL("({})").format(stored)
        return sql.SQL(
            "({stored} AND customer_id NOT IN (SELECT customer_id FROM {table}) UNION ALL {fresh})"
        ).format(stored=stored, table=FRESH, fresh=fresh)

    @property
    def _of_the_model(self) -> sql.Composable:
        return sql.SQL("model_id = {}").format(self.model.pk)
