"""Orders of many days as two columns of numbers: who bought, and for how much.

What counts is an order that was paid, in the programme's currency, with its net amount (goods after
discounts, less refunds), on its day in the programme's zone. Key figures are counted from these columns:
a set of buyers is an array of ids, what two sets share is one pass (docs/decisions/0126).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.conf import settings

from analytics.binary import binary_rows
from analytics.engine.postgres import first_instant
from analytics.windows import EPOCH, Scope, Window, places_of
from customers.models import RollupScope, Segment

ANYWHERE = Scope()


@dataclass(frozen=True)
class Purchases:
    """Orders: parallel columns of the day (since 1970, ascending), the customer or 0, and the net amount."""

    days: np.ndarray
    customers: np.ndarray
    amounts: np.ndarray

    @classmethod
    def of_day(cls, number: int, customers: np.ndarray, amounts: np.ndarray) -> "Purchases":
        return cls(np.full(len(customers), number, np.int32), customers, amounts)

    def __len__(self) -> int:
        return len(self.customers)

    def within(self, window: Window) -> "Purchases":
        first, end = np.searchsorted(self.days, window.numbers)
        return Purchases(self.days[first:end], self.customers[first:end], self.amounts[first:end])

    def where(self, mask: np.ndarray) -> "Purchases":
        return Purchases(self.days[mask], self.customers[mask], self.amounts[mask])


def joined(parts: Sequence[Purchases]) -> Purchases:
    """Return purchases of different days as one, in the order of days."""
    parts = sorted((part for part in parts if len(part)), key=lambda part: int(part.days[0]))
    if not parts:
        return Purchases(*(np.empty(0, dtype) for dtype in (np.int32, np.int64, np.int64)))
    if len(parts) == 1:
        return parts[0]
    return Purchases(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("days", "customers", "amounts")
        )
    )


def members_of(segment: Segment) -> np.ndarray:
    """Return the ids of who is in a segment now, ascending."""
    statement = """
        SELECT customer_id FROM customers_segmentmembership
        WHERE segment_id = %(segment)s AND left_at IS NULL
    """
    return np.sort(copied(statement, {"segment": segment.pk}, ["customer"])["customer"])


ORDERS = """
SELECT (ordered_at AT TIME ZONE %(zone)s)::date - date '1970-01-01', coalesce(customer_id, 0), net_amount
FROM customers_order
WHERE status = 'PAID' AND currency = %(currency)s
  AND ordered_at >= %(start_at)s AND ordered_at < %(end_at)s {where}
"""
LINES = """
SELECT (bought.ordered_at AT TIME ZONE %(zone)s)::date - date '1970-01-01', coalesce(bought.customer_id, 0),
       sum(line.amount - line.discount_amount - CASE WHEN bought.refunded_amount > 0 THEN
           (SELECT coalesce(sum(back.refund_amount), 0) FROM customers_returnline back
            WHERE back.line_id = line.id) ELSE 0 END)::bigint
FROM customers_order bought
JOIN customers_orderline line ON line.order_id = bought.id
JOIN customers_product product ON product.id = line.product_id
WHERE bought.status = 'PAID' AND bought.currency = %(currency)s AND product.product_line = %(value)s
  AND bought.ordered_at >= %(start_at)s AND bought.ordered_at < %(end_at)s
GROUP BY bought.id
"""


def count_orders(start: date, end: date, scope: Scope) -> Purchases:
    """Return the purchases of the days from `start` until before `end`, from the orders themselves.

    Over the whole business that is a scan of an index in the order of days.
    """
    values: dict[str, Any] = span_parameters(start, end)
    if scope.kind == RollupScope.PRODUCT_LINE:
        statement, values["value"] = LINES, scope.value
    elif scope:
        column, ids = places_of(scope)
        statement, values["ids"] = ORDERS.format(where=f"AND {column} = ANY(%(ids)s)"), ids
    else:
        statement = ORDERS.format(where="")
    found = copied(statement, values, ["day", "customer", "amount"])
    found = found[np.argsort(found["day"], kind="stable")]
    return Purchases(found["day"], found["customer"], found["amount"])


def copied(statement: str, values: dict[str, Any], names: Sequence[str]) -> np.ndarray:
    """Return what a SELECT of whole numbers answers, none of them NULL, as columns; `day` is an int32.

    The database puts each column together as bytes: row by row through the driver takes ten times as long.
    """
    columns = ", ".join(f"string_agg(int8send({name}::bigint), ''::bytea)" for name in names)
    told = f"SELECT {columns} FROM ({statement}) AS rows ({', '.join(names)})"
    rows = [np.frombuffer(column or b"", ">i8") for column in binary_rows(told, values)[0]]
    plain = np.empty(len(rows[0]), [(name, np.int32 if name == "day" else np.int64) for name in names])
    for name, column in zip(names, rows, strict=True):
        plain[name] = column
    return plain


def span_parameters(start: date, end: date) -> dict[str, Any]:
    return {
        "currency": settings.PROGRAMME_CURRENCY,
        "zone": settings.PROGRAMME_TIME_ZONE,
        "start_at": first_instant(start),
        "end_at": first_instant(end),
    }


def among(customers: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return which of these ids are in a sorted array of ids."""
    if not len(members):
        return np.zeros(len(customers), bool)
    places = np.searchsorted(members, customers)
    places[places == len(members)] = 0
    return members[places] == customers


def day_of(number: int) -> date:
    """Return the day of a number of days since 1970."""
    return date.fromordinal(int(number) + EPOCH)


def spans_of(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Yield stretches of days in a row, from the first until before the end."""
    start: date | None = None
    for day in days:
        if start is None:
            start = end = day
        elif day != end:
            yield start, end
            start = day
        end = day + timedelta(days=1)
    if start is not None:
        yield start, end
