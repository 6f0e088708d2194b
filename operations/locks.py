"""Locks on keys that have no row yet, held until the transaction ends."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from django.db import OperationalError, connection

from operations.errors import TryLater

# Few enough that a bulk of hundreds of keys stays far below PostgreSQL's table of locks.
BUCKETS = 256
ATTEMPTS = 3
T = TypeVar("T")


class Contended(TryLater):
    """Somebody was faster with what this transaction counts on: all of it is to be done once more."""


def retry_deadlocks(work: Callable[[], T]) -> T:
    """Do the work, which opens its own transaction; where others were in its way, do it again.

    That is when it was chosen as the victim of a deadlock, and when it raises Contended.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return work()
        except Contended:
            if attempt == ATTEMPTS:
                raise
        except OperationalError as error:
            deadlock = isinstance(error.__cause__, psycopg.errors.DeadlockDetected)
            if not deadlock or attempt == ATTEMPTS or connection.in_atomic_block:
                raise
    raise AssertionError("unreachable")


def lock_keys(kind: str, keys: Iterable[str]) -> None:
    """Make whoever else names one of these keys wait for the end of this transaction.

    Taken in a fixed order. Two keys may share a lock: more waiting than needed, never less.
    """
    buckets = sorted({_bucket(kind, key) for key in keys})
    if buckets:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, bucket) FROM unnest(%s::int[]) AS bucket",
                [_number(kind), buckets],
            )


def lock_alone(name: str) -> None:
    """Wait until nobody else has this name, alone or shared, and keep it to the end of the transaction."""
    _lock_name("pg_advisory_xact_lock", name)


def lock_shared(name: str) -> None:
    """Wait until nobody has this name alone, and keep it, as others may, to the end of the transaction."""
    _lock_name("pg_advisory_xact_lock_shared", name)


def _lock_name(function: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [_wide_number(name)])


@contextmanager
def only_one(name: str, *, otherwise: type[Exception]) -> Iterator[None]:
    """Let one process at a time do what has this name; the others get the exception `otherwise` at once.

    The lock ends with the connection at last. Inside a caller's transaction it lasts until what was written
    can be seen.
    """
    key = _wide_number(name)
    borrowed = connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_{'xact_' if borrowed else ''}lock(%s)", [key])
        if not cursor.fetchone()[0]:
            raise otherwise
        try:
            yield
        finally:
            if not borrowed:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _bucket(kind: str, key: str) -> int:
    return _number(f"{kind}:{key}") % BUCKETS


def _wide_number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big", signed=True)
