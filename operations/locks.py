"""Locks on keys that have no row yet, held until the transaction ends."""

import hashlib
from collections.abc import Iterable

from django.db import connection

# Few enough that a bulk of hundreds of keys stays far below PostgreSQL's table of locks.
BUCKETS = 256


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


def _bucket(kind: str, key: str) -> int:
    return _number(f"{kind}:{key}") % BUCKETS


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big", signed=True)
