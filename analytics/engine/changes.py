"""Whose orders have to be read again: noted changes, and orders that enter the window or leave it."""

from datetime import date, timedelta

from django.db import connection
from psycopg import sql

from analytics.engine.purchases import between
from analytics.models import RfmRun

# Notes are kept a little longer (customers.services.purchase_changes).
FOLLOWED = timedelta(days=14)
# Who changes orders and scores them in one transaction sees their own notes whatever the snapshot.
UNSEEN = sql.SQL(
    """
    (writer >= pg_snapshot_xmin({horizon}::pg_snapshot)::text::bigint
        AND NOT pg_visible_in_snapshot(writer::text::xid8, {horizon}::pg_snapshot)
     OR writer = pg_current_xact_id_if_assigned()::text::bigint)
    """
)
WINDOW_EDGES = sql.SQL(
    " UNION SELECT bought.customer_id FROM customers_order bought"
    " WHERE bought.status = 'PAID' AND bought.customer_id IS NOT NULL AND {}"
)


def horizon() -> str:
    """Return PostgreSQL's snapshot: which transactions can be seen now."""
    return _value(sql.SQL("SELECT pg_current_snapshot()::text"))


def can_follow(since: RfmRun | None, run: RfmRun) -> bool:
    """Return whether what changed since a run is known, so that nobody else's orders need to be read."""
    if since is None or not since.horizon or since.definition != run.definition or since.as_of > run.as_of:
        return False
    if run.started_at - since.started_at > FOLLOWED:
        return False
    (old_from, old_before), (from_, _before) = (
        run.model.window(since.as_of),
        run.model.window(run.as_of),
    )
    if from_ is not None and (old_from is None or from_ >= old_before):
        return False  # Another season, or so long ago that no day is left.
    scopes = ["ALL", run.model.scope]
    return _value(
        # A database restored into another server counts its transactions from elsewhere.
        sql.SQL(
            "SELECT pg_snapshot_xmin({horizon}::pg_snapshot) <= pg_snapshot_xmin(pg_current_snapshot())"
            " AND NOT EXISTS (SELECT FROM customers_purchasechange WHERE scope = ANY ({scopes}) AND {unseen})"
        ).format(
            horizon=since.horizon, scopes=scopes, unseen=UNSEEN.format(horizon=sql.Literal(since.horizon))
        )
    )


def changed_customers(since: RfmRun, run: RfmRun) -> sql.Composable:
    """Return a query of the customers whose purchases may count otherwise than they did in that run."""
    query = sql.SQL("SELECT unnest(customers) AS customer_id FROM customers_purchasechange WHERE {}").format(
        UNSEEN.format(horizon=sql.Literal(since.horizon))
    )
    for from_, before in _edges(run.model.window(since.as_of), run.model.window(run.as_of)):
        query += WINDOW_EDGES.format(between(from_, before))
    return sql.SQL("SELECT DISTINCT customer_id FROM ({}) AS changed").format(query)


def _edges(old: tuple[date | None, date], new: tuple[date | None, date]) -> list[tuple[date, date]]:
    """Return the days that one of two windows has and the other has not."""
    pairs = [(old[1], new[1])] + ([(old[0], new[0])] if old[0] and new[0] else [])
    return [(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]]


def _value(query: sql.Composable):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]
