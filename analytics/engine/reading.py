"""Orders that several models of one window read together: once, into a table of totals by customer and place.

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
# Where an order was bought, as far as models ask for it: what is read is grouped by it, so that every model
# finds its own totals there.
PLACES = {
    Scope.CHANNEL: "sales_channel_id",
    Scope.BUSINESS_UNIT: "business_unit_id",
    Scope.STORE: "store_id",
    Scope.STORE_GROUP: "store_id",
    Scope.COUNTRY: "store_id",
    Scope.PRODUCT_LINE: "product_line",
}
READ = sql.SQL(
    """
    SELECT {group}, max(ordered_at) AS last_order_at, count(*)::int AS orders,
        sum(net_amount)::bigint AS net_amount
    FROM ({purchases}) AS bought GROUP BY {group}
    """
)
OWN = sql.SQL(
    "SELECT customer_id, last_order_at, orders, net_amount FROM {table} AS bought"
    " WHERE {scope} AND customer_id NOT IN ({refused})"
)
ADDED_UP = sql.SQL(
    "SELECT customer_id, max(last_order_at) AS last_order_at, sum(orders)::int AS orders,"
    " sum(net_amount)::bigint AS net_amount FROM ({own}) AS own GROUP BY customer_id"
)
TOTALS = sql.SQL(
    "SELECT customer_id, (last_order_at AT TIME ZONE {zone})::date AS last_order_on, orders, net_amount"
    " FROM ({totals}) AS totals"
)
MODELS_AT_ONCE = 16


@dataclass(frozen=True)
class Reading:
    """Orders of a window, read for several runs: `horizon` before it, `since` each model's last run."""

    table: sql.Identifier
    places: tuple[str, ...]
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
        totals = OWN.format(table=self.table, scope=_scope(model), refused=REFUSED)
        if not self._has_one_row_each(model):
            totals = ADDED_UP.format(own=totals)
        return TOTALS.format(zone=settings.PROGRAMME_TIME_ZONE, totals=totals)

    def _has_one_row_each(self, model: RfmModel) -> bool:
        """Return whether a model's customers have one row each: all were grouped by what it names one of."""
        one = model.scope in (Scope.CHANNEL, Scope.BUSINESS_UNIT, Scope.STORE, Scope.PRODUCT_LINE)
        return one and self.places == (PLACES[model.scope],)


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
    places = tuple(sorted({PLACES[model.scope] for model in models if model.scope in PLACES}))
    reading = Reading(
        table, places, window, changes.horizon(), {model.pk: model.last_run() for model in models}
    )
    drop = sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(table)
    with transaction.atomic():
        _execute("SET LOCAL work_mem = '64MB'", drop)
        if all(model.scope in IN_THE_INDEX for model in models):
            # Walked in the order of customers, what is grouped is one customer's alone.
            _execute("SET LOCAL enable_hashagg = off", "SET LOCAL enable_seqscan = off")
        query = _purchases(models, places, window)
        _execute(sql.SQL("CREATE TEMPORARY TABLE {} AS {}").format(table, query))
        _execute(sql.SQL("ANALYZE {} ({})").format(table, _group(places)))
    try:
        yield reading
    finally:
        if not connection.needs_rollback:
            _execute(drop)


def _purchases(models: list[RfmModel], places: tuple[str, ...], window: Window) -> sql.Composable:
    """Return a query of customers' totals in each place where they bought."""
    if models[0].scope == Scope.PRODUCT_LINE:
        values = [model.scope_value for model in models]
        purchases = LINES.format(values=values, counts=counts(window), whose=SOMEBODY)
    else:
        somewhere = sql.SQL("({})").format(sql.SQL(" OR ").join(map(place, models)))
        purchases = ORDERS.format(counts=counts(window), place=somewhere, whose=SOMEBODY)
    return READ.format(group=_group(places), purchases=purchases)


def _group(places: tuple[str, ...]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, ("customer_id", *places)))


def _scope(model: RfmModel) -> sql.Composable:
    if model.scope == Scope.PRODUCT_LINE:
        return sql.SQL("bought.product_line = {}").format(model.scope_value)
    return place(model)


def _execute(*statements: sql.Composable | str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
