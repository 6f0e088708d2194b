"""One run of a model at a time, and one writer of its scores, whichever process they are in."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import Model

from analytics.errors import RunInProgress
from operations.locks import lock_keys


def lock_scores(model: Model) -> None:
    """Let others who write scores of the model wait until the transaction ends: two would lock crosswise."""
    lock_keys("analytics.rfm_scores", [str(model.pk)])


@contextmanager
def only_run_of(model: Model) -> Iterator[None]:
    """Hold the model's advisory lock, or raise RunInProgress; it ends with the connection at last."""
    digest = hashlib.sha256(f"{model._meta.label}:{model.pk}".encode()).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    # Inside a caller's transaction the lock has to outlast this run: until what it wrote can be seen.
    borrowed = connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_{'xact_' if borrowed else ''}lock(%s)", [key])
        if not cursor.fetchone()[0]:
            raise RunInProgress
        try:
            yield
        finally:
            if not borrowed:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
