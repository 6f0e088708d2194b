"""The monthly partitions of the events: made ahead, filled with what came late, dropped after retention.

Months are months of UTC. An event of a month without a partition lands in the partition `other`, so that
nothing is ever refused for its date; maintenance then gives it a month, unless it is too old to be worth one.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from django.db import connection, transaction

from customers.models import Event, EventKey, PendingEvent
from operations.locks import lock_keys

TABLE = "customers_event"
OTHER = "customers_event_other"
FILING = "customers_event_filing"
MONTHS_AHEAD = 3
MONTHS_WITH_A_PARTITION = 120


@dataclass(frozen=True)
class Partition:
    """One month of events: its first day, its table and about how many rows it has."""

    month: date
    table: str
    rows: int


@dataclass(frozen=True)
class Maintenance:
    """What a run did: months made, events moved out of `other`, months detached, and those kept back."""

    created: list[date] = field(default_factory=list)
    filed: int = 0
    detached: list[date] = field(default_factory=list)
    waiting: list[date] = field(default_factory=list)


def event_partitions() -> list[Partition]:
    """Return the months that have a partition, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_date(right(relname, 7), 'YYYY_MM'), relname, greatest(reltuples, 0)::bigint "
            "FROM pg_inherits JOIN pg_class ON oid = inhrelid "
            "WHERE inhparent = %s::regclass AND relname <> %s ORDER BY relname",
            [TABLE, OTHER],
        )
        return [Partition(*row) for row in cursor.fetchall()]


def maintain_partitions(
    *, at: datetime, ahead: int = MONTHS_AHEAD, keep_months: int | None = None, drop: bool = True
) -> Maintenance:
    """Make this month's partition and the next `ahead`, file late events, and apply the retention.

    With `keep_months` every month that ended that many months ago is detached, and dropped unless `drop` is
    false: then its table stays beside the others, for an archive. Their keys go, so that nothing of them is
    left. A month some of whose events wait for a subscriber is kept until they are handled.
    Locks the events for the moment of each change; runs one after the other.
    """
    this_month = month_of(at)
    created, filed = _make_months(this_month, ahead=ahead)
    detached, waiting = [], []
    if keep_months is not None:
        for partition in event_partitions():
            if partition.month >= plus_months(this_month, -keep_months):
                break
            (detached if _detach(partition, drop=drop) else waiting).append(partition.month)
        _forget_other(plus_months(this_month, -keep_months))
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")  # Autovacuum looks at the partitions only, never at the whole.
    return Maintenance(created, filed, detached, waiting)


def month_of(instant: datetime) -> date:
    """Return the first day of the instant's month in UTC."""
    return instant.astimezone(UTC).date().replace(day=1)


def plus_months(month: date, count: int) -> date:
    """Return the first day of the month that is `count` months later."""
    years, index = divmod(month.month - 1 + count, 12)
    return date(month.year + years, index + 1, 1)


@transaction.atomic
def _make_months(this_month: date, *, ahead: int) -> tuple[list[date], int]:
    lock_keys("partitions", [TABLE])
    existing = {partition.month for partition in event_partitions()}
    wanted = {plus_months(this_month, count) for count in range(ahead + 1)}
    earliest = plus_months(this_month, -MONTHS_WITH_A_PARTITION)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date FROM {OTHER} "
            "WHERE occurred_at >= %s",
            [_start(earliest)],
        )
        late = {month for (month,) in cursor.fetchall()}
        missing = sorted((wanted | late) - existing)
        if not missing:
            return [], 0
        # What this transaction wrote has checks still to come, and a table with such cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if late:
            _set_other_aside(cursor)
        for month in missing:
            cursor.execute(
                f"CREATE TABLE {TABLE}_{month:%Y_%m} PARTITION OF {TABLE} FOR VALUES FROM (%s) TO (%s)",
                [_start(month), _start(plus_months(month, 1))],
            )
        filed = _file(cursor, earliest) if late else 0
    return missing, filed


def _set_other_aside(cursor) -> None:
    cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {OTHER}")
    cursor.execute(f"ALTER TABLE {OTHER} RENAME TO {FILING}")
    cursor.execute(f"ALTER INDEX {OTHER}_pkey RENAME TO {FILING}_pkey")
    cursor.execute(f"CREATE TABLE {OTHER} PARTITION OF {TABLE} DEFAULT")


def _file(cursor, earliest: date) -> int:
    """Give the events set aside back to the whole table; return how many found a month."""
    columns = ", ".join(f'"{each.column}"' for each in Event._meta.concrete_fields)
    cursor.execute(f"SELECT count(*) FROM {FILING} WHERE occurred_at >= %s", [_start(earliest)])
    (filed,) = cursor.fetchone()
    cursor.execute(f"INSERT INTO {TABLE} ({columns}) SELECT {columns} FROM {FILING}")
    cursor.execute(f"DROP TABLE {FILING}")
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return filed


@transaction.atomic
def _detach(partition: Partition, *, drop: bool) -> bool:
    """Take a month out of the events; False when some of its events still wait for a subscriber."""
    lock_keys("partitions", [TABLE])
    within = {
        "occurred_at__gte": _start(partition.month),
        "occurred_at__lt": _start(plus_months(partition.month, 1)),
    }
    events = Event.objects.filter(**within).values("pk")
    if PendingEvent.objects.filter(event_id__in=events).exists():
        return False
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {partition.table}")
        if drop:
            cursor.execute(f"DROP TABLE {partition.table}")
        else:
            cursor.execute(f"ALTER TABLE {partition.table} RENAME TO detached_{partition.table}")
    EventKey.objects.filter(**within)._raw_delete(connection.alias)
    return True


@transaction.atomic
def _forget_other(before: date) -> None:
    """Drop what `other` holds from before the retention: it is rare, so the table is written anew."""
    lock_keys("partitions", [TABLE])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {OTHER} WHERE occurred_at < %s)", [_start(before)])
        if not cursor.fetchone()[0]:
            return
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        _set_other_aside(cursor)
        cursor.execute(f"DELETE FROM {FILING} WHERE occurred_at < %s", [_start(before)])
        _file(cursor, before)
    pending = PendingEvent.objects.values("event_id")
    EventKey.objects.filter(occurred_at__lt=_start(before)).exclude(pk__in=pending)._raw_delete("default")


def _start(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)
