"""RFM in PostgreSQL: read what changed, cut by percentiles, write only what differs.

The stored scores hold each customer's totals. A run finds those whose totals are others now: of everybody, by
walking the covering index `order_purchases` in customer order beside the scores in the same order; or only of
customers who were reported as changed and of orders at the edges of the window. Everything after that reads
the scores, a tenth of the orders' size. The measured alternatives stand in analytics.md, section 2: hashing
the orders costs three times the time and eleven times the memory, so the walk turns hash aggregation and
sequential scans off for its own statement.
"""

from psycopg import sql

from analytics.engine import changes, scoring
from analytics.engine.interface import Aggregate, Applied, Cell, Thresholds
from analytics.engine.purchases import NOBODY_KNOWN, first_instant, purchases
from analytics.engine.reading import Reading
from analytics.engine.writing import Writing
from analytics.models import RfmModel, RfmRun

__all__ = ["PostgresEngine", "first_instant"]


class PostgresEngine(Writing):
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

    @property
    def _by_quantiles(self) -> bool:
        return self.model.binning == RfmModel.Binning.QUANTILE

    def _scored_values(self) -> list[sql.Composable]:
        return [sql.SQL("last_order_on"), sql.SQL("orders"), scoring.money(self.model)]

    def _percentiles(self, order: sql.Composable) -> sql.Composable:
        return sql.SQL("percentile_disc(ARRAY[.2, .4, .6, .8]) WITHIN GROUP (ORDER BY {})").format(order)
