"""Orders that several models of one window read together: once, into a table that each model folds.

The table has everybody's purchases by place, as finely as its models ask, or by product line. Who may be
profiled is asked when a model folds it, as late as if it had read the orders itself.
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
COLUMNS = {
    Scope.CHANNEL: "sales_channel_id",
    Scope.BUSINESS_UNIT: "business_unit_id",
    Scope.STORE: "store_id",
    Scope.STORE_GROUP: "store_id",
    Scope.COUNTRY: "store_id",
}
Window = tuple[date | None, date]
READ = sql.SQL(
    """
    SELECT {columns}, max(ordered_at) AS last_order_at, count(*) AS orders, sum(net_amount) AS net_amount
    FROM ({purchases}) AS purchase GROUP BY {columns}
    """
)
FOLDED = sql.SQL(
    """
    SELECT bought.customer_id, (max(bought.last_order_at) AT TIME ZONE {zone})::date AS last_order_on,
        sum(bought.orders)::int AS orders, sum(bought.net_amount)::bigint AS net_amount
    FROM {table} AS bought
    WHERE {scope} AND bought.customer_id NOT IN ({refused}) GROUP BY bought.customer_id
    """
)


@dataclass(frozen=True)
class Reading:
    """Orders read once for several runs: `horizon` is from before that; `since`, each model's last run."""

    table: sql.Identifier
    horizon: str
    since: dict[int, RfmRun | None]

    def is_for(self, run: RfmRun, since: RfmRun | None) -> bool:
        """Return whether the run may fold it: nobody has scored the model since."""
        return run.model_id in self.since and self.since[run.model_id] == since

    def totals(self, model: RfmModel) -> sql.Composable:
        """Return a query of each customer's totals: customer_id, last_order_on, orders, net_amount."""
        if model.scope == Scope.PRODUCT_LINE:
            scope = sql.SQL("bought.product_line = {}").format(model.scope_value)
        else:
            scope = place(model)
        return FOLDED.format(
            zone=settings.PROGRAMME_TIME_ZONE, table=self.table, scope=scope, refused=REFUSED
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
        for number, ((window, _lines), models) in enumerate(groups.items()):
            if len(models) > 1:
                table = sql.Identifier(f"fidelio_rfm_reading_{number}")
                reading = tables.enter_context(_read(table, list(models.values()), window))
                readings |= dict.fromkeys(models, reading)
        yield readings


@contextmanager
def _read(table: sql.Identifier, models: list[RfmModel], window: Window) -> Iterator[Reading]:
    """The table outlives the transactions of the runs, which begin and end one by one."""
    reading = Reading(table, changes.horizon(), {model.pk: model.last_run() for model in models})
    drop = sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(table)
    with transaction.atomic():
        _execute("SET LOCAL work_mem = '64MB'", drop)
        if all(model.scope in IN_THE_INDEX for model in models):
            # Walked in the order of customers, what is grouped is one customer's alone.
            _execute("SET LOCAL enable_hashagg = off", "SET LOCAL enable_seqscan = off")
        _execute(sql.SQL("CREATE TEMPORARY TABLE {} AS {}").format(table, _purchases(models, window)))
        _execute(sql.SQL("ANALYZE {}").format(table))
    try:
        yield reading
    finally:
        if not connection.needs_rollback:
            _execute(drop)


def _purchases(models: list[RfmModel], window: Window) -> sql.Composable:
    """Return a query of customers' purchases, by product line or by the places that the models tell apart."""
    if models[0].scope == Scope.PRODUCT_LINE:
        values = [model.scope_value for model in models]
        columns = ["customer_id", "product_line"]
        purchases = LINES.format(values=values, counts=counts(window), whose=SOMEBODY)
    else:
        columns = ["customer_id", *sorted({COLUMNS[one.scope] for one in models if one.scope in COLUMNS})]
        places = sql.SQL("({})").format(sql.SQL(" OR ").join(place(model) for model in models))
        purchases = ORDERS.format(counts=counts(window), place=places, whose=SOMEBODY)
    return READ.format(columns=sql.SQL(", ").join(map(sql.Identifier, columns)), purchases=purchases)


def _execute(*statements: sql.Composable | str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
