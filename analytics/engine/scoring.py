"""A customer's scores and segment as SQL expressions over their totals; the same as `analytics.rules`."""

from datetime import date, timedelta
from typing import Any

from psycopg import sql

from analytics.engine.interface import Thresholds
from analytics.models import RfmModel
from analytics.rules import LEVELS, scaled_weights

Recency = RfmModel.Recency
LEAST, MOST = -(2**63), 2**63 - 1


def days(as_of: date) -> sql.Composable:
    """Return the days since the last order."""
    return sql.SQL("({}::date - last_order_on)").format(as_of)


def money(model: RfmModel) -> sql.Composable:
    """Return the sum, or the average order rounded half up: integers, so that no float moves a customer."""
    if model.monetary == RfmModel.Monetary.SUM:
        return sql.SQL("net_amount")
    # Division of integers cuts towards zero; below it, that is up.
    return sql.SQL(
        "((2 * net_amount + orders) / (2 * orders)"
        " - (2 * net_amount + orders < 0 AND (2 * net_amount + orders) % (2 * orders) <> 0)::int)"
    )


def scores(model: RfmModel, as_of: date, thresholds: Thresholds) -> dict[str, sql.Composable]:
    """Return R, F and M over the columns last_order_on, orders and net_amount."""
    fixed = model.binning == RfmModel.Binning.FIXED
    return {
        "r": _recency(model, as_of, thresholds.r),
        "f": _count(sql.SQL("orders"), ">=" if fixed else ">", thresholds.f),
        "m": _count(money(model), ">=" if fixed else ">", thresholds.m),
    }


def moved(model: RfmModel, as_of: date, thresholds: Thresholds) -> sql.Composable:
    """Return the condition that one of the stored scores old_r, old_f and old_m is not right any more.

    A stored score names the two thresholds between which its value has to lie: two comparisons in place of
    four, for everybody every night.
    """
    fixed = model.binning == RfmModel.Binning.FIXED
    if model.recency == Recency.REPLACEMENT:
        recency = sql.SQL("{} <> old_r").format(_recency(model, as_of, thresholds.r))
    else:
        days = [str(day) for day in _days_since(as_of, thresholds.r)]
        steps = sql.SQL("{}::date[]").format(["-infinity", *days, "infinity"])
        old = "(6 - old_r)" if model.recency == Recency.INVERTED else "old_r"
        recency = _left(sql.SQL("last_order_on"), steps, old, inclusive=fixed)
    counts = [
        _left(value, sql.SQL("{}::bigint[]").format([LEAST, *own, MOST]), old, inclusive=fixed)
        for value, own, old in (
            (sql.SQL("orders"), thresholds.f, "old_f"),
            (money(model), thresholds.m, "old_m"),
        )
    ]
    return sql.SQL(" OR ").join([recency, *counts])


def score_sum(model: RfmModel) -> sql.Composable:
    """Return the weighted sum of r, f and m, 3 to 15."""
    r, f, m = scaled_weights(model.weights)
    if r == f == m:
        return sql.SQL("(r + f + m)::numeric(5, 3)")
    return sql.SQL("({} * r + {} * f + {} * m)::numeric(5, 3)").format(r, f, m)


def segment(model: RfmModel) -> sql.Composable:
    """Return the segment that the map gives to r, f and m."""
    return sql.SQL("({}::text[])[(r - 1) * 25 + (f - 1) * 5 + m]").format(model.segments.in_order())


def level(score_sum: str) -> sql.Composable:
    """Return the number of the loyalty level of a sum, 0 to 3."""
    steps = [sql.SQL("({} >= {})::int").format(sql.Identifier(score_sum), one.lowest) for one in LEVELS[1:]]
    return sql.SQL("({})").format(sql.SQL(" + ").join(steps))


def _recency(model: RfmModel, as_of: date, thresholds: list[int]) -> sql.Composable:
    if model.recency == Recency.REPLACEMENT:
        return _count(sql.SQL("abs({} - {})").format(days(as_of), model.cycle_days), "<=", thresholds)
    # Fewer days than so many is a later day than that: compared as days, nothing is subtracted row by row.
    comparison = ">=" if model.binning == RfmModel.Binning.FIXED else ">"
    score = _count(sql.SQL("last_order_on"), comparison, _days_since(as_of, thresholds))
    return sql.SQL("(6 - {})").format(score) if model.recency == Recency.INVERTED else score


def _days_since(as_of: date, thresholds: list[int]) -> list[date]:
    return [as_of - timedelta(days=min(step, (as_of - date.min).days)) for step in thresholds]


def _left(value: sql.Composable, steps: sql.Composable, old: str, *, inclusive: bool) -> sql.Composable:
    above, below = (">=", "<") if inclusive else (">", "<=")
    return sql.SQL("NOT ({value} {above} ({steps})[{old}] AND {value} {below} ({steps})[{old} + 1])").format(
        value=value, steps=steps, old=sql.SQL(old), above=sql.SQL(above), below=sql.SQL(below)
    )


def _count(value: sql.Composable, comparison: str, thresholds: list[Any]) -> sql.Composable:
    steps = [sql.SQL("({} {} {})::int").format(value, sql.SQL(comparison), step) for step in thresholds]
    return sql.SQL("(1 + {})").format(sql.SQL(" + ").join(steps))
