"""What a population tells beside its scores: the worst value of each, and what people did afterwards."""

from datetime import date

from psycopg import sql

from analytics.engine import scoring
from analytics.engine.interface import Thresholds
from analytics.engine.postgres import PostgresEngine
from analytics.engine.purchases import purchases, totals


class MeasuringEngine(PostgresEngine):
    """A run that is not stored (`since=None`, no key), asked for more than scores; it writes nothing."""

    def worst_values(self, thresholds: Thresholds) -> Thresholds:
        """Return the worst value that got each score from 2 to 5: inclusive thresholds that score alike.

        A score that nobody got has the value of the next better one; past the best, one that nobody has.
        """
        days, orders, money = (
            scoring.days(self.run.as_of), sql.SQL("orders"), scoring.money(self.model),
        )  # fmt: skip
        columns = [
            *(_worst("max", days, "<", step) for step in thresholds.r),
            *(_worst("min", orders, ">", step) for step in thresholds.f),
            *(_worst("min", money, ">", step) for step in thresholds.m),
        ]
        found = self._row(
            "SELECT {columns} FROM {population} AS population", columns=sql.SQL(", ").join(columns)
        )
        fewer = [max(0, step - 1) for step in thresholds.r]
        nobody = [*fewer, *(step + 1 for step in thresholds.f + thresholds.m)]
        values = [other if value is None else value for value, other in zip(found, nobody, strict=True)]
        return Thresholds(values[:4], values[4:8], values[8:])

    def what_followed(self, thresholds: Thresholds, *, until: date) -> dict[int, tuple[int, int, int]]:
        """Return by whole sum of scores: how many had it, how many of them bought until a day, for how much.

        What followed are the model's own orders of the days [as_of, until).
        """
        rows = self._rows(
            """
            SELECT floor({score_sum})::int, count(*), count(later.customer_id),
                   coalesce(sum(later.net_amount), 0)::bigint
            FROM (
                SELECT customer_id, {r} AS r, {f} AS f, {m} AS m FROM {population} AS population
            ) AS scored
            LEFT JOIN (
                SELECT customer_id, {totals} FROM ({purchases}) AS purchase GROUP BY customer_id
            ) AS later USING (customer_id)
            GROUP BY 1 ORDER BY 1
            """,
            score_sum=scoring.score_sum(self.model),
            totals=totals(),
            purchases=purchases(self.model, (self.run.as_of, until)),
            **self._scores(thresholds),
        )
        return {score_sum: (observed, buyers, amount) for score_sum, observed, buyers, amount in rows}


def _worst(worst: str, value: sql.Composable, better: str, threshold: int) -> sql.Composable:
    return sql.SQL("{}({}) FILTER (WHERE {} {} {})").format(
        sql.SQL(worst), value, value, sql.SQL(better), threshold
    )
