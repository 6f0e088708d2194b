"""Customers by their first order of all time: who came in which span, and how many."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from analytics.binary import binary_rows
from analytics.engine.postgres import first_instant
from analytics.purchases import ANYWHERE
from analytics.windows import STORE_GROUP, Scope, Window
from customers.models import Segment

FIRST = """
SELECT customer_id, first_order_at FROM customers_rollup
WHERE scope = 'ALL' AND scope_value = '' AND first_order_at >= %(start_at)s AND first_order_at < %(end_at)s
"""
FIRST_IN_SCOPE = """
SELECT customer_id, first_order_at FROM customers_scopedrollup
WHERE scope = %(scope)s AND scope_value = %(value)s
  AND first_order_at >= %(start_at)s AND first_order_at < %(end_at)s
"""
FIRST_IN_GROUP = """
SELECT customer_id, min(first_order_at) AS first_order_at
FROM customers_scopedrollup JOIN customers_store ON code = scope_value
WHERE scope = 'STORE' AND store_group = %(value)s
GROUP BY customer_id
HAVING min(first_order_at) >= %(start_at)s AND min(first_order_at) < %(end_at)s
"""
# Put together in the database: a million rows through the driver, one by one, take many times as long.
BY_WINDOW = """
SELECT width_bucket(first_order_at, %(bounds)s::timestamptz[]), {told}
FROM ({first}) AS came {member} GROUP BY 1
"""
MEMBERS = """
WHERE customer_id IN (SELECT customer_id FROM customers_segmentmembership
                      WHERE segment_id = %(segment)s AND left_at IS NULL)
"""


def new_customers(
    windows: Sequence[Window], *, scope: Scope = ANYWHERE, segment: Segment | None = None
) -> list[np.ndarray]:
    """Return the ids of whose first order fell into each of these spans, which follow each other in time."""
    found = _by_window("string_agg(int8send(customer_id), ''::bytea)", windows, scope, segment)
    told = [found.get(number, b"") for number in range(1, len(windows) + 1)]
    return [np.frombuffer(ids, ">i8").astype(np.int64) for ids in told]


def count_new_customers(
    windows: Sequence[Window], *, scope: Scope = ANYWHERE, segment: Segment | None = None
) -> list[int]:
    """Return how many they are."""
    found = _by_window("count(*)", windows, scope, segment)
    return [found.get(number, 0) for number in range(1, len(windows) + 1)]


def _by_window(told: str, windows: Sequence[Window], scope: Scope, segment: Segment | None) -> dict[int, Any]:
    first = FIRST_IN_GROUP if scope.kind == STORE_GROUP else FIRST_IN_SCOPE if scope else FIRST
    bounds = [first_instant(window.start) for window in windows]
    values = {
        "bounds": bounds,
        "start_at": bounds[0],
        "end_at": first_instant(windows[-1].end),
        "scope": scope.kind,
        "value": scope.value,
        "segment": segment.pk if segment else None,
    }
    statement = BY_WINDOW.format(told=told, first=first, member=MEMBERS if segment else "")
    return dict(binary_rows(statement, values))
