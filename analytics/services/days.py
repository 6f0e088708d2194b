"""Days of purchases as columns: kept ones as they are, the others from the orders; and how they are kept.

A day is kept once it has been over for two hours. Whoever changes purchases of the past leaves a mark in the
same transaction (a trigger), and a marked day is read from the orders until it has been counted again: what
is answered is always what the orders say.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from django.db import transaction

from analytics.binary import binary_rows
from analytics.engine.postgres import first_instant
from analytics.models import PurchaseDay, StaleDay
from analytics.purchases import (
    ANYWHERE,
    Purchases,
    among,
    copied,
    count_orders,
    day_of,
    joined,
    members_of,
    span_parameters,
    spans_of,
)
from analytics.windows import EPOCH, Scope, Window, places_of
from customers.models import Order, Product, RollupScope, Segment
from operations.locks import lock_keys

# So many days are read at once when the spans asked for are shorter, and counted in one transaction.
DAYS_AT_ONCE = 92
DAYS_COUNTED_AT_ONCE = 31
# A transaction that records a purchase as one of now is over by then; see the trigger.
OVER_FOR = timedelta(hours=2)
COLUMNS = {"sales_channel_id": "channels", "store_id": "stores", "business_unit_id": "units"}


def purchases_by_window(
    windows: Sequence[Window], *, scope: Scope = ANYWHERE, segment: Segment | None = None
) -> Iterator[Purchases]:
    """Yield the purchases of each of these spans, which follow each other in time.

    With a segment, only those of its members of now. Never holds more than three months or one span at once.
    """
    members = members_of(segment) if segment else None
    for group in _groups(windows):
        read = read_days(group[0].start, group[-1].end, scope=scope)
        if members is not None:
            read = read.where(among(read.customers, members))
        yield from (read.within(window) for window in group)


def read_days(start: date, end: date, *, scope: Scope = ANYWHERE) -> Purchases:
    """Return the purchases from one day until before another."""
    line = scope.value if scope.kind == RollupScope.PRODUCT_LINE else ""
    counted = _counted_days(start, end, line)
    kept = _kept(start, end, scope, line) if counted else {}
    every = [start + timedelta(days=number) for number in range((end - start).days)]
    missing = spans_of([day for day in every if day not in counted])
    return joined(
        [
            *(kept[day] for day in every if day in counted and day in kept),
            *(count_orders(*span, scope) for span in missing),
        ]
    )


@dataclass(frozen=True)
class DayTotal:
    """All orders of a day, anonymous ones too."""

    orders: int
    net_amount: int


def totals_by_day(start: date, end: date) -> dict[date, DayTotal]:
    """Return the totals of the days that have orders, from `start` until before `end`."""
    counted = _counted_days(start, end, "")
    kept = PurchaseDay.objects.filter(product_line="", day__in=counted)
    totals = {day: DayTotal(*rest) for day, *rest in kept.values_list("day", "orders", "net_amount")}
    every = [start + timedelta(days=number) for number in range((end - start).days)]
    for span in spans_of([day for day in every if day not in counted]):
        totals |= _totals(count_orders(*span, ANYWHERE))
    return {day: total for day, total in totals.items() if total.orders}


def refresh_days(*, at: datetime) -> int:
    """Keep the days that are over and count marked ones again; return how many days were counted.

    One process does it at a time; each portion is a transaction of its own, after which its marks are gone.
    """
    counted = 0
    for line in _stale_lines():
        counted += _recount_line(line, at=at)
    for marked in _portions(sorted(_marked_days(StaleDay.objects.filter(day__isnull=False)))):
        counted += _recount_marked(marked, at=at)
    for days in _portions(_days_never_kept(at)):
        with transaction.atomic():
            lock_keys("analytics.days", ["refresh"])
            _keep(days, at=at)
        counted += len(days)
    return counted


def _recount_marked(utc_days: Sequence[date], *, at: datetime) -> int:
    with transaction.atomic():
        lock_keys("analytics.days", ["refresh"])
        # The marks first: what is committed after they were read leaves one of its own.
        marks = list(StaleDay.objects.filter(day__in=utc_days).values_list("pk", flat=True))
        days = [day for day in sorted(_local_days(utc_days)) if is_over(day, at)]
        _keep(days, at=at)
        StaleDay.objects.filter(pk__in=marks).delete()
    return len(days)


def _recount_line(line: str, *, at: datetime) -> int:
    """Count everything of a product line again: articles came to it or left it."""
    with transaction.atomic():
        lock_keys("analytics.days", ["refresh"])
        marks = list(StaleDay.objects.filter(product_line=line).values_list("pk", flat=True))
        PurchaseDay.objects.filter(product_line=line).delete()
        days = list(PurchaseDay.objects.filter(product_line="").order_by("day").values_list("day", flat=True))
        for portion in _portions(days):
            bought = count_orders(
                portion[0], portion[-1] + timedelta(days=1), Scope(RollupScope.PRODUCT_LINE, line)
            )
            _write_line(bought, set(portion), line, at)
        StaleDay.objects.filter(pk__in=marks).delete()
    return len(days)


def is_over(day: date, at: datetime) -> bool:
    """Return whether a day of the programme's zone has been over for long enough to be kept."""
    return first_instant(day + timedelta(days=1)) + OVER_FOR <= at


PLACED = """
SELECT (ordered_at AT TIME ZONE %(zone)s)::date - date '1970-01-01', coalesce(customer_id, 0), net_amount,
       coalesce(sales_channel_id, 0), coalesce(store_id, 0), coalesce(business_unit_id, 0)
FROM customers_order
WHERE status = 'PAID' AND currency = %(currency)s
  AND ordered_at >= %(start_at)s AND ordered_at < %(end_at)s
"""
SOLD = """
SELECT day, customer, line, amount FROM (
    SELECT (bought.ordered_at AT TIME ZONE %(zone)s)::date - date '1970-01-01' AS day,
           coalesce(bought.customer_id, 0) AS customer,
           (array_position(%(lines)s, product.product_line))::bigint AS line,
           sum(item.amount - item.discount_amount - CASE WHEN bought.refunded_amount > 0 THEN
               (SELECT coalesce(sum(back.refund_amount), 0) FROM customers_returnline back
                WHERE back.line_id = item.id) ELSE 0 END)::bigint AS amount
    FROM customers_order bought
    JOIN customers_orderline item ON item.order_id = bought.id
    JOIN customers_product product ON product.id = item.product_id
    WHERE bought.status = 'PAID' AND bought.currency = %(currency)s AND product.product_line = ANY(%(lines)s)
      AND bought.ordered_at >= %(start_at)s AND bought.ordered_at < %(end_at)s
    GROUP BY bought.id, product.product_line
) AS sold
"""


def _keep(days: Sequence[date], *, at: datetime) -> None:
    """Write these days as the orders tell them now."""
    lines = list(
        Product.objects.exclude(product_line="").order_by().values_list("product_line", flat=True).distinct()
    )
    PurchaseDay.objects.filter(day__in=days).delete()
    for start, end in spans_of(days):
        values = span_parameters(start, end)
        placed = _sorted(copied(PLACED, values, ["day", "customer", "amount", *COLUMNS.values()]))
        PurchaseDay.objects.bulk_create(_row(day, rows, at) for day, rows in _by_day(placed, start, end))
        if lines:
            sold = copied(SOLD, values | {"lines": lines}, ["day", "customer", "line", "amount"])
            for place, line in enumerate(lines, start=1):
                rows = _sorted(sold[sold["line"] == place])
                _write_line(Purchases(rows["day"], rows["customer"], rows["amount"]), set(days), line, at)


def _write_line(bought: Purchases, days: set[date], line: str, at: datetime) -> None:
    found = np.unique(bought.days)
    rows = ((day_of(number), bought.within(_day_window(day_of(number)))) for number in found)
    PurchaseDay.objects.bulk_create(
        PurchaseDay(
            day=day,
            product_line=line,
            orders=len(part),
            net_amount=int(part.amounts.sum()),
            customers=_ids(part.customers),
            amounts=part.amounts.astype("<i8").tobytes(),
            counted_at=at,
        )
        for day, part in rows
        if day in days
    )


def _row(day: date, rows: np.ndarray, at: datetime) -> PurchaseDay:
    return PurchaseDay(
        day=day,
        orders=len(rows),
        net_amount=int(rows["amount"].sum()),
        customers=_ids(rows["customer"]),
        amounts=rows["amount"].astype("<i8").tobytes(),
        counted_at=at,
        **{name: _ids(rows[name]) for name in COLUMNS.values()},
    )


def _ids(column: np.ndarray) -> bytes:
    if len(column) and int(column.max()) > np.iinfo(np.int32).max:
        raise OverflowError("An id does not fit into the days of purchases.")
    return column.astype("<i4").tobytes()


KEPT = """
SELECT day, customers, amounts{column} FROM analytics_purchaseday
WHERE product_line = %(line)s AND day >= %(start)s AND day < %(end)s AND orders > 0
"""


def _kept(start: date, end: date, scope: Scope, line: str) -> dict[date, Purchases]:
    """Return what is kept of these days."""
    ids: list[int] = []
    column = ""
    if scope and not line:
        name, ids = places_of(scope)
        column = f", {COLUMNS[name]}"
    values = {"line": line, "start": start, "end": end}
    found = {}
    for day, customers, amounts, *places in binary_rows(KEPT.format(column=column), values):
        bought = Purchases.of_day(
            day.toordinal() - EPOCH, np.frombuffer(customers, "<i4"), np.frombuffer(amounts, "<i8")
        )
        if places:
            bought = bought.where(np.isin(np.frombuffer(places[0], "<i4"), ids))
        found[day] = bought
    return found


def _counted_days(start: date, end: date, line: str) -> set[date]:
    """Return the days whose rows are what the orders say; a line without a row on such a day sold nothing."""
    if line and StaleDay.objects.filter(product_line=line).exists():
        return set()
    days = PurchaseDay.objects.filter(product_line="", day__gte=start, day__lt=end).order_by()
    around = StaleDay.objects.filter(day__gte=start - timedelta(days=2), day__lte=end + timedelta(days=1))
    return set(days.values_list("day", flat=True)) - _local_days(_marked_days(around))


def _marked_days(marks) -> set[date]:
    return set(marks.order_by().values_list("day", flat=True).distinct())


def _local_days(utc_days: Iterable[date]) -> set[date]:
    """Return the programme's days that a day of UTC touches."""
    zone = ZoneInfo(settings.PROGRAMME_TIME_ZONE)
    found = set()
    for day in utc_days:
        begins = datetime.combine(day, time.min, UTC)
        found |= {
            begins.astimezone(zone).date(),
            (begins + timedelta(days=1, microseconds=-1)).astimezone(zone).date(),
        }
    return found


def _stale_lines() -> list[str]:
    return list(
        StaleDay.objects.filter(day__isnull=True).order_by().values_list("product_line", flat=True).distinct()
    )


def _days_never_kept(at: datetime) -> list[date]:
    """Return the days that are over, from the first order on, that have no row."""
    first = Order.objects.order_by("ordered_at").values_list("ordered_at", flat=True).first()
    if first is None:
        return []
    zone = ZoneInfo(settings.PROGRAMME_TIME_ZONE)
    kept = set(PurchaseDay.objects.filter(product_line="").values_list("day", flat=True))
    day, found = first.astimezone(zone).date(), []
    while is_over(day, at):
        if day not in kept:
            found.append(day)
        day += timedelta(days=1)
    return found


def _portions(days: Sequence[date]) -> Iterator[list[date]]:
    for start in range(0, len(days), DAYS_COUNTED_AT_ONCE):
        yield list(days[start : start + DAYS_COUNTED_AT_ONCE])


def _totals(bought: Purchases) -> dict[date, DayTotal]:
    if not len(bought):
        return {}
    first = int(bought.days[0])
    orders = np.bincount(bought.days - first)
    amounts = np.zeros(len(orders), np.int64)
    np.add.at(amounts, bought.days - first, bought.amounts)
    return {
        day_of(first + place): DayTotal(int(orders[place]), int(amounts[place]))
        for place in np.flatnonzero(orders)
    }


def _by_day(rows: np.ndarray, start: date, end: date) -> Iterator[tuple[date, np.ndarray]]:
    for number in range(start.toordinal() - EPOCH, end.toordinal() - EPOCH):
        first, last = np.searchsorted(rows["day"], (number, number + 1))
        yield day_of(number), rows[first:last]


def _sorted(rows: np.ndarray) -> np.ndarray:
    return rows[np.argsort(rows["day"], kind="stable")]


def _day_window(day: date) -> Window:
    return Window(day, day + timedelta(days=1))


def _groups(windows: Sequence[Window]) -> Iterator[list[Window]]:
    group: list[Window] = []
    for window in windows:
        if group and (window.end - group[0].start).days > DAYS_AT_ONCE:
            yield group
            group = []
        group.append(window)
    if group:
        yield group
