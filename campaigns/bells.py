"""The doorbells: a lost one costs seconds, because beat rings them all."""

import structlog
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def ring(*names: str) -> None:
    """Call campaigns' tasks by name, now; a broker that is away is no error."""
    from campaigns import tasks

    for name in names:
        try:
            getattr(tasks, name).delay()
        except OperationalError:
            log.warning("doorbell_unreachable", bell=name)


def ring_on_commit(*names: str) -> None:
    """Call the tasks once the current transaction has committed."""
    transaction.on_commit(lambda: ring(*names))
