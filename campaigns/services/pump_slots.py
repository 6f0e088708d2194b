"""How many pumps of a lane run at once, over all processes."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection


@contextmanager
def pump_slot(lane: str) -> Iterator[bool]:
    """Hold one of the lane's slots: a session lock, which dies with its process."""
    taken = None
    with connection.cursor() as cursor:
        for number in range(settings.MESSAGE_PUMPS_PER_LANE):
            key = int.from_bytes(hashlib.sha256(f"pump:{lane}:{number}".encode()).digest()[:8], signed=True)
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
            if cursor.fetchone()[0]:
                taken = key
                break
    try:
        yield taken is not None
    finally:
        if taken is not None:
            with suppress(OperationalError, InterfaceError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [taken])
