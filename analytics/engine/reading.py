"""Orders that several models of one window read together: once, into a table with every model's totals.

Who may be profiled is asked when a run takes its own from there, as late as if it had read the orders itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from analytics.engine import changes
from analytics.engine.purchases import IN_THE_INDEX, LINES, ORDERS, REFUSED, SOMEBODY, counts, place
from analytics.models import RfmModel, RfmRun

Scope = RfmModel.Scope
Window = tuple[date | None, date]
# Of each model three columns: one walk, and nothing has to be grouped again.
OF_A_MODEL = sql.SQL(
    """
    max(ordered_at) FILTER (WHERE {scope}) AS {last_order_at},
    count(*) FILTER (WHERE {scope}) AS {orders},
    sum(net_amount) FILTER (WHERE {scope}) AS {net_amount}
    """
)
READ = sql.SQL("SELECT customer_id, {totals} FROM ({purchases}) AS bought GROUP BY customer_id")
TOTALS = sql.SQL(
    """
    SELECT customer_id, ({last_order_at} AT TIME ZONE {zone})::date AS last_order_on,
        {orders}::int AS orders, {net_amount}::bigint AS net_amount
    FROM {table} WHERE {orders} > 0 AND customer_id NOT IN ({refused})
    """
)
# PostgreSQL allows 1,600 columns, and rows stay narrow.
MODELS_AT_ONCE = 16


@dataclass(frozen=True)
class Reading:
    """Orders of a window, read for several runs: `horizon` before it, `since` each model's last run."""

    table: sql.Identifier
    window: Window
    horizon: str
    since: dict[int, RfmRun | None]

    def is_for(self, run: RfmRun, since: RfmRun | None) -> bool:
        """Return whether the run may use it: it is of this window, and nobody has scored the model since."""
        if run.model_id not in self.since or run.model.window(run.as_of) != self.window:
            return False
        return self.since[run.model_id] == since

    def totals(self, model: RfmModel) -> sql.Composable:
        """Return a query of each customer's totals: customer_id, last_order_on, orders, net_amount."""
        return TOTALS.format(
            zone=settings.PROGRAMME_TIME_ZONE, table=self.table, refused=REFUSED, **_columns(model)
        )


@contextmanager
def read_together(runs: Iterable[RfmRun]) -> Iterator[dict[int, Reading]]:
    """Read the orders of runs that each would read all of them; give the reading by the model's id.

    Runs of one window share one, those of product lines another. Whoever is alone reads on their own.
    """
    groups: dict[tuple, dict[int, RfmModel]] = defaultdict(dict)
    for run in runs:
        model = run.model
        groups[model.window(run.as_of), model.scope == Scope.PRODUCT_LINE][model.pk] = model
    readings: dict[int, Reading] = {}
    with ExitStack() as tables:
        for (window, _lines), models in groups.items():
            for some in _few_at_once(list(models.values())):
                reading = tables.enter_context(_read(some, window))
                readings |= dict.fromkeys((model.pk for model in some), reading)
        yield readings


def _few_at_once(models: list[RfmModel]) -> Iterator[list[RfmModel]]:
    for start in range(0, len(models), MODELS_AT_ONCE):
        some = models[start : start + MODELS_AT_ONCE]
        if len(some) > 1:
            yield some


@contextmanager
def _read(models: list[RfmModel], window: Window) -> Iterator[Reading]:
    """The table outlives the transactions of the runs, which begin and end one by one."""
    # Two nights of the same models may wait together.
    table = sql.Identifier(f"fidelio_rfm_reading_{models[0].pk}_{window[1]:%Y%m%d}")
    reading = Reading(table, window, changes.horizon(), {model.pk: model.last_run() for model in models})
    drop = sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(table)
    with transaction.atomic():
        _execute("SET LOCAL work_mem = '64MB'", drop)
        if all(model.scope in IN_THE_INDEX for model in models):
            # Walked in the order of customers, what is grouped is one customer's alone.
            _execute("SET LOCAL enable_hashagg = off", "SET LOCAL enable_seqscan = off")
        _execute(sql.SQL("CREATE TEMPORARY TABLE {} AS {}").format(table, _purchases(models, window)))
        _execute(sql.SQL("ANALYZE {} (customer_id)").format(table))
    try:
        yield reading
    finally:
        if not connection.needs_rollback:
            _execute(drop)


def _purchases(models: list[RfmModel], window: Window) -> sql.Composable:
    """Return a query of customers' totals: one row for each, three columns for each model."""
    if models[0].scope == Scope.PRODUCT_LINE:
        values = [model.scope_value for model in models]
        purchases = LINES.format(values=values, counts=counts(window), whose=SOMEBODY)
    else:
        somewhere = sql.SQL("({})").format(sql.SQL(" OR ").join(map(place, models)))
        purchases = ORDERS.format(counts=counts(window), place=somewhere, whose=SOMEBODY)
    of_each = [OF_A_MODEL.format(scope=_scope(model), **_columns(model)) for model in models]
    return READ.format(totals=sql.SQL(", ").join(of_each), purchases=purchases)


def _scope(model: RfmModel) -> sql.Composable:
    if model.scope == Scope.PRODUCT_LINE:
        return sql.SQL("bought.product_line = {}").format(model.scope_value)
    return place(model)


def _columns(model: RfmModel) -> dict[str, sql.Identifier]:
    names = ("last_order_at", "orders", "net_amount")
    return {name: sql.Identifier(f"{name}_{model.pk}") for name in names}


def _execute(*statements: sql.Composable | str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
