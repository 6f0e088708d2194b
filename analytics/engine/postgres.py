"""RFM in PostgreSQL: read in the order of the covering index, cut by percentiles, write only what differs.

The measured alternatives stand in analytics.md, section 2: hashing the orders costs three times the time and
eleven times the memory of walking the index `order_purchases` in customer order, so the aggregate turns hash
aggregation and sequential scans off for its own statement.
"""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from psycopg import sql

from analytics.engine.interface import Aggregate, Applied, Cell, Thresholds, Written
from analytics.models import RfmModel, RfmRun, RfmScore, RfmTransition
from analytics.rules import scaled_weights
from customers.models import Order

CUSTOMERS, CHANGED = (sql.Identifier(name) for name in ("fidelio_rfm_customers", "fidelio_rfm_changed"))
ORDERS, SCORES, TRANSITIONS = (
    sql.Identifier(model._meta.db_table) for model in (Order, RfmScore, RfmTransition)
)
MANY_ROWS = 10_000
COLUMNS = [
    "r", "f", "m", "sum", "segment", "candidate_segment", "candidate_runs", "entered_sum", "last_order_on",
    "orders", "net_amount",
]  # fmt: skip
VALUES, OLD, NEW, EXCLUDED = (
    sql.SQL(", ").join(sql.SQL(prefix) + sql.Identifier(column) for column in COLUMNS)
    for prefix in ("", "old.", "new.", "EXCLUDED.")
)


class PostgresEngine:
    """One run of one model, through temporary tables that live as long as the run's transaction."""

    def __init__(self, run: RfmRun) -> None:
        self.run = run
        self.model = run.model
        self._scored: sql.Composable = sql.SQL("")

    def aggregate(self, *, from_: date | None, before: date) -> Aggregate:
        window = self._window(from_, before)
        self._make_table(
            CUSTOMERS,
            sql.SQL(
                """
                SELECT customer_id, (max(ordered_at) AT TIME ZONE {zone})::date AS last_order_on,
                       count(*)::int AS orders, sum(net_amount)::bigint AS net_amount
                FROM {orders}
                WHERE status = 'PAID' AND customer_id IS NOT NULL AND {window}
                  AND customer_id NOT IN (
                      SELECT id FROM customers_customer
                      WHERE restricted_at IS NOT NULL OR profiling <> 'ALLOWED'
                  )
                GROUP BY customer_id
                """
            ).format(zone=settings.PROGRAMME_TIME_ZONE, orders=ORDERS, window=window),
            settings_for_it=("enable_hashagg", "enable_seqscan"),
        )
        known = self._row(
            "SELECT count(*), coalesce(sum(orders), 0), coalesce(sum(net_amount), 0) FROM {customers}"
        )
        anonymous = self._row(
            """
            SELECT count(*), coalesce(sum(net_amount), 0) FROM {orders}
            WHERE status = 'PAID' AND customer_id IS NULL AND {window}
            """,
            window=window,
        )
        return Aggregate(*map(int, known + anonymous))

    def quantiles(self) -> Thresholds:
        r, f, m = self._row(
            """
            SELECT percentile_disc(ARRAY[.2, .4, .6, .8]) WITHIN GROUP (ORDER BY {days} DESC),
                   percentile_disc(ARRAY[.2, .4, .6, .8]) WITHIN GROUP (ORDER BY orders),
                   percentile_disc(ARRAY[.2, .4, .6, .8]) WITHIN GROUP (ORDER BY {money})
            FROM {customers}
            """,
            days=self._days(),
            money=self._money(),
        )
        return Thresholds(r, f, m)

    def apply(self, thresholds: Thresholds) -> Applied:
        # Arithmetic over a narrow table: cheaper done again by the next step than written down.
        self._scored = sql.SQL(
            """(
            SELECT customer_id, r, f, m, {sum} AS sum,
                   ({segments}::text[])[(r - 1) * 25 + (f - 1) * 5 + m] AS segment,
                   ({segments}::text[])[(r - 1) * 25 + (f - 1) * 5 + m] AS candidate_segment,
                   0 AS candidate_runs, {sum} AS entered_sum, last_order_on, orders, net_amount
            FROM (SELECT *, {r} AS r, {f} AS f, {m} AS m FROM {customers}) AS customers)
            """
        ).format(
            sum=self._sum(),
            segments=self.model.segments.in_order(),
            r=self._recency(thresholds.r),
            f=self._value(sql.SQL("orders"), thresholds.f),
            m=self._value(self._money(), thresholds.m),
            customers=CUSTOMERS,
        )
        rows = self._rows(
            "SELECT r, f, m, count(*), sum(net_amount)::bigint FROM {scored} AS scored GROUP BY r, f, m"
        )
        return Applied([Cell(*row) for row in sorted(rows)])

    def write(self) -> Written:
        self._find_changes()
        self._upsert_scores()
        self._delete_scores()
        self._note_moves()
        changed = self._row("SELECT count(*) FROM {changed}")[0]
        if changed > MANY_ROWS:
            # The rest of this transaction reads what was just written; statistics come by themselves later.
            self._execute("ANALYZE {scores}")
        moves = self._rows(
            """
            SELECT coalesce(old_segment, ''), coalesce(segment, ''), count(*) FROM {changed}
            WHERE old_segment IS DISTINCT FROM segment GROUP BY 1, 2
            """
        )
        return Written(changed, {(old, new): customers for old, new, customers in moves})

    def _find_changes(self) -> None:
        self._make_table(
            CHANGED,
            sql.SQL(
                """
                SELECT customer_id, {new}, old.segment AS old_segment
                FROM {scored} AS new
                FULL JOIN (SELECT customer_id, {values} FROM {scores} WHERE model_id = {model}) AS old
                    USING (customer_id)
                WHERE ({new}) IS DISTINCT FROM ({old})
                """
            ).format(
                scored=self._scored, scores=SCORES, values=VALUES, new=NEW, old=OLD, model=self.model.pk
            ),
        )

    def _upsert_scores(self) -> None:
        self._execute(
            """
            INSERT INTO {scores} AS old (model_id, customer_id, {values})
            SELECT {model}, customer_id, {values} FROM {changed} WHERE segment IS NOT NULL
            ON CONFLICT (model_id, customer_id) DO UPDATE SET ({values}) = ROW ({excluded})
            WHERE ({old}) IS DISTINCT FROM ({excluded})
            """,
            old=OLD,
            excluded=EXCLUDED,
        )

    def _delete_scores(self) -> None:
        self._execute(
            """
            DELETE FROM {scores} WHERE model_id = {model}
                AND customer_id = ANY (ARRAY(SELECT customer_id FROM {changed} WHERE segment IS NULL))
            """
        )

    def _note_moves(self) -> None:
        self._execute(
            """
            INSERT INTO {transitions} (run_id, customer_id, from_segment, to_segment)
            SELECT {run}, customer_id, coalesce(old_segment, ''), coalesce(segment, '') FROM {changed}
            WHERE old_segment IS DISTINCT FROM segment
            """
        )

    def _window(self, from_: date | None, before: date) -> sql.Composable:
        end = sql.SQL("currency = {} AND ordered_at < {}").format(
            settings.PROGRAMME_CURRENCY, first_instant(before)
        )
        if from_ is None:
            return end
        return sql.SQL("ordered_at >= {} AND {}").format(first_instant(from_), end)

    def _days(self) -> sql.Composable:
        return sql.SQL("({}::date - last_order_on)").format(self.run.as_of)

    def _money(self) -> sql.Composable:
        """The sum, or the average order rounded half up: integers, so that no float moves a customer."""
        if self.model.monetary == RfmModel.Monetary.AVERAGE:
            return sql.SQL("((2 * net_amount + orders) / (2 * orders))")
        return sql.SQL("net_amount")

    def _recency(self, thresholds: list[int]) -> sql.Composable:
        comparison = "<=" if self.model.binning == RfmModel.Binning.FIXED else "<"
        score = _count(self._days(), comparison, thresholds)
        if self.model.recency == RfmModel.Recency.INVERTED:
            return sql.SQL("6 - {}").format(score)
        return score

    def _value(self, value: sql.Composable, thresholds: list[int]) -> sql.Composable:
        comparison = ">=" if self.model.binning == RfmModel.Binning.FIXED else ">"
        return _count(value, comparison, thresholds)

    def _sum(self) -> sql.Composable:
        r, f, m = scaled_weights(self.model.weights)
        if r == f == m:
            return sql.SQL("(r + f + m)::numeric(5, 3)")
        return sql.SQL("({} * r + {} * f + {} * m)::numeric(5, 3)").format(r, f, m)

    def _make_table(
        self, name: sql.Identifier, query: sql.Composable, *, settings_for_it: tuple[str, ...] = ()
    ) -> None:
        for setting in settings_for_it:
            self._execute(f"SET LOCAL {setting} = off")
        # Two runs may share one transaction, so a table of an earlier one may still be there.
        self._execute("DROP TABLE IF EXISTS pg_temp.{table}", table=name)
        self._execute("CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {query}", table=name, query=query)
        for setting in settings_for_it:
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
        return sql.SQL(statement).format(
            **{
                "customers": CUSTOMERS,
                "scored": self._scored,
                "changed": CHANGED,
                "orders": ORDERS,
                "scores": SCORES,
                "transitions": TRANSITIONS,
                "values": VALUES,
                "model": self.model.pk,
                "run": self.run.pk,
            }
            | parts
        )


def first_instant(day: date) -> datetime:
    """Return when the day begins in the programme's time zone."""
    return datetime.combine(day, time.min, ZoneInfo(settings.PROGRAMME_TIME_ZONE))


def _count(value: sql.Composable, comparison: str, thresholds: list[int]) -> sql.Composable:
    steps = [sql.SQL("({} {} {})::int").format(value, sql.SQL(comparison), step) for step in thresholds]
    return sql.SQL("(1 + {})").format(sql.SQL(" + ").join(steps))
