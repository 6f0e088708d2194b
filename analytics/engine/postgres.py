"""RFM in PostgreSQL: read what changed, cut by percentiles, write only what differs.

The stored scores hold each customer's totals. A run finds those whose totals are others now: of everybody, by
walking the covering index `order_purchases` in customer order beside the scores in the same order; or only of
customers who were reported as changed and of orders at the edges of the window. Everything after that reads
the scores, a tenth of the orders' size. The measured alternatives stand in analytics.md, section 2: hashing
the orders costs three times the time and eleven times the memory, so the walk turns hash aggregation and
sequential scans off for its own statement.
"""

from functools import cached_property

from django.db import connection
from psycopg import sql

from analytics.engine import changes, scoring
from analytics.engine.interface import Aggregate, Applied, Cell, Thresholds, Written
from analytics.engine.moves import COLUMNS, TOTALS, Steadiness, changed_scores
from analytics.engine.purchases import (
    EVERYBODY,
    IN_THE_INDEX,
    NOBODY_KNOWN,
    REFUSED,
    first_instant,
    purchases,
    totals,
)
from analytics.engine.reading import Reading
from analytics.engine.sums import Sums
from analytics.models import RfmModel, RfmRun

__all__ = ["PostgresEngine", "first_instant"]

REREAD, FRESH, CHANGED = (
    sql.Identifier(name) for name in ("fidelio_rfm_reread", "fidelio_rfm_fresh", "fidelio_rfm_changed")
)
# Of more than one customer in so many, everybody's orders are read sooner than theirs one by one.
MOST = 5


def listed(names: tuple[str, ...], prefix: str = "") -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL(prefix) + sql.Identifier(name) for name in names)


def renamed(names: tuple[str, ...], prefix: str = "") -> sql.Composable:
    """Return columns under the names that stored values have beside fresh ones."""
    return sql.SQL(", ").join(
        sql.SQL("{}{} AS {}").format(sql.SQL(prefix), sql.Identifier(name), sql.Identifier(f"old_{name}"))
        for name in names
    )


class PostgresEngine:
    """One run of one model, through temporary tables that live as long as the run's transaction.

    A `reading` has everybody's orders already, read for several runs.
    """

    def __init__(
        self,
        run: RfmRun,
        *,
        since: RfmRun | None,
        everybody: bool = False,
        checks: bool = False,
        reading: Reading | None = None,
    ) -> None:
        self.run = run
        self.checks = checks
        self.model = run.model
        self.since = since
        self.everybody = everybody or checks or not changes.can_follow(since, run)
        self.reading = reading if reading and self.everybody and reading.is_for(run, since) else None
        self.window = run.model.window(run.as_of)
        # Whatever the model says otherwise than before holds at once; so does its first word about anybody.
        self.settled = since is None or since.definition != run.definition

    def horizon(self) -> str:
        return self.reading.horizon if self.reading else changes.horizon()

    def aggregate(self) -> Aggregate:
        self._execute("SET LOCAL work_mem = '64MB'")
        reread, differences = self._read_everybody() if self.everybody else self._read_changes()
        columns = [sql.SQL("count(*), coalesce(sum(orders), 0), coalesce(sum(net_amount), 0)")]
        if self._by_quantiles:
            columns += [self._percentiles(expression) for expression in self._scored_values()]
        population, orders, net_amount, *cuts = self._row(
            "SELECT {columns} FROM {population} AS population", columns=sql.SQL(", ").join(columns)
        )
        self._cuts = cuts
        self._population_sums = (population, int(net_amount))
        anonymous = self._row(
            "SELECT count(*), coalesce(sum(net_amount), 0) FROM ({purchases}) AS purchase",
            purchases=purchases(self.model, self.window, whose=NOBODY_KNOWN),
        )
        return Aggregate(
            population, int(orders), int(net_amount), anonymous[0], int(anonymous[1]), reread, differences
        )

    def quantiles(self) -> Thresholds:
        last_days, f, m = self._cuts
        return Thresholds([(self.run.as_of - day).days for day in last_days], f, m)

    def apply(self, thresholds: Thresholds) -> Applied:
        rows = self._rows(
            """
            SELECT r, f, m, count(*), sum(net_amount)::bigint
            FROM (SELECT net_amount, {r} AS r, {f} AS f, {m} AS m FROM {population} AS population) AS scored
            GROUP BY r, f, m
            """,
            **self._scores(thresholds),
        )
        return Applied([Cell(*row) for row in sorted(rows)])

    def write(self, thresholds: Thresholds) -> Written:
        if self._is_the_same_again(thresholds):
            self._make_table(
                CHANGED, sql.SQL("SELECT 0 AS customer_id, '' AS segment, '' AS old_segment WHERE false")
            )
            sums = Sums.of(self.since)
            return Written(0, {}, sums.applied(), sums.segments())
        self._find_changes(thresholds)
        moves = self._rows(
            """
            SELECT coalesce(old_segment, ''), coalesce(segment, ''), count(*) FROM {changed}
            WHERE old_segment IS DISTINCT FROM segment GROUP BY 1, 2
            """
        )
        changed = self._row("SELECT count(*) FROM {changed}")[0]
        if changed:
            self._delete_scores()
            self._update_scores()
            self._insert_scores()
            self._note_moves()
        if changed * MOST > self._stored_rows:
            # What comes after this run reads what was just written; statistics come by themselves later.
            self._execute("ANALYZE analytics_rfmscore")
        return Written(changed, {(old, new): number for old, new, number in moves}, *self._sums())

    def _is_the_same_again(self, thresholds: Thresholds) -> bool:
        """Return whether the last run scored the same totals of the same people as of the same day."""
        return (
            not (self.checks or self.settled or self._fresh)
            and self.run.as_of == self.since.as_of
            and thresholds.as_dict() == self.since.thresholds
            and Sums.of(self.since).come_to(self._population_sums)
        )

    def _sums(self) -> tuple[Applied, dict[str, tuple[int, int]]]:
        """Return the cells and the segments as they are now: the last run's, and what changed since."""
        sums = self._sums_of_changes()
        if sums is None:
            sums = Sums()
            for r, f, m, segment, customers, amount in self._rows(
                """
                SELECT r, f, m, segment, count(*), sum(net_amount)::bigint FROM analytics_rfmscore
                WHERE model_id = {model} GROUP BY r, f, m, segment
                """
            ):
                sums.add(f"{r}{f}{m}", segment, customers, amount)
        return sums.applied(), sums.segments()

    def _sums_of_changes(self) -> Sums | None:
        """Return None where rows came or went between the runs, or where the rows are to be checked."""
        if self.checks or self.settled:
            return None
        sums = Sums.of(self.since)
        for old_segment, segment, old_code, code, customers, old_amount, amount in self._rows(
            """
            SELECT old_segment, segment, old_r::text || old_f || old_m, r::text || f || m, count(*),
                coalesce(sum(old_net_amount), 0)::bigint, coalesce(sum(net_amount), 0)::bigint
            FROM {changed} GROUP BY 1, 2, 3, 4
            """
        ):
            if old_code:
                sums.add(old_code, old_segment, -customers, -old_amount)
            if code:
                sums.add(code, segment, customers, amount)
        return sums if sums.come_to(self._population_sums) else None

    def touched(self) -> sql.Composable:
        """Return a query of (customer_id, segment) of whom this run read or moved; no segment is outside."""
        if not self._stored_rows:
            return sql.SQL("SELECT customer_id, segment FROM analytics_rfmscore WHERE model_id = {}").format(
                self.model.pk
            )
        return sql.SQL(
            """
            SELECT touched.customer_id, score.segment FROM (
                SELECT customer_id FROM {changed} WHERE old_segment IS DISTINCT FROM segment
                UNION SELECT customer_id FROM {read}
            ) AS touched
            LEFT JOIN analytics_rfmscore score
                ON score.model_id = {model} AND score.customer_id = touched.customer_id
            """
        ).format(changed=CHANGED, read=FRESH if self.everybody else REREAD, model=self.model.pk)

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

    @property
    def _by_quantiles(self) -> bool:
        return self.model.binning == RfmModel.Binning.QUANTILE

    def _scored_values(self) -> list[sql.Composable]:
        return [sql.SQL("last_order_on"), sql.SQL("orders"), scoring.money(self.model)]

    def _percentiles(self, order: sql.Composable) -> sql.Composable:
        return sql.SQL("percentile_disc(ARRAY[.2, .4, .6, .8]) WITHIN GROUP (ORDER BY {})").format(order)

    def _scores(self, thresholds: Thresholds) -> dict[str, sql.Composable]:
        return scoring.scores(self.model, self.run.as_of, thresholds)

    def _find_changes(self, thresholds: Thresholds) -> None:
        """Write down the scores as they are to be, of whom anything is to be otherwise."""
        stored = sql.SQL("SELECT customer_id, {} FROM analytics_rfmscore WHERE model_id = {}").format(
            renamed(COLUMNS), self.model.pk
        )
        self._make_table(
            CHANGED,
            changed_scores(
                self.model,
                self._scores(thresholds),
                stored,
                FRESH,
                self._steadiness(),
                moved=scoring.moved(self.model, self.run.as_of, thresholds),
            ),
        )
        self._execute("ANALYZE {changed}")

    def _steadiness(self) -> Steadiness:
        later = self.since is not None and self.run.as_of > self.since.as_of
        return Steadiness(self.settled, later, self.model.commit_after_runs, self.model.commit_jump)

    def _delete_scores(self) -> None:
        # The ids as an array: joined with a table that was just filled, it once ran for minutes.
        self._execute(
            """
            DELETE FROM analytics_rfmscore WHERE model_id = {model}
                AND customer_id = ANY (ARRAY(SELECT customer_id FROM {changed} WHERE segment IS NULL))
            """
        )

    def _update_scores(self) -> None:
        self._execute(
            """
            UPDATE analytics_rfmscore AS score SET ({columns}) = ROW ({values}) FROM {changed} AS changed
            WHERE score.model_id = {model} AND score.customer_id = changed.customer_id
                AND changed.old_segment IS NOT NULL AND changed.segment IS NOT NULL
            """,
            values=listed(COLUMNS, "changed."),
        )

    def _insert_scores(self) -> None:
        # A merge may have brought somebody a score in the meantime; of the first run nobody has one.
        conflict = sql.SQL("ON CONFLICT (model_id, customer_id) DO UPDATE SET ({}) = ROW ({})").format(
            listed(COLUMNS), listed(COLUMNS, "excluded.")
        )
        self._execute(
            """
            INSERT INTO analytics_rfmscore (model_id, customer_id, {columns})
            SELECT {model}, customer_id, {columns} FROM {changed}
            WHERE old_segment IS NULL AND segment IS NOT NULL {conflict}
            """,
            conflict=conflict if self._stored_rows else sql.SQL(""),
        )

    def _note_moves(self) -> None:
        """The first run moves nobody: where people stood before it is unknown."""
        if self.since is None:
            return
        self._execute(
            """
            INSERT INTO analytics_rfmtransition (run_id, customer_id, from_segment, to_segment)
            SELECT {run}, customer_id, coalesce(old_segment, ''), coalesce(segment, '') FROM {changed}
            WHERE old_segment IS DISTINCT FROM segment
            """
        )

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
