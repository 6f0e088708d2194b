"""Which kinds of event challenges count: asked whenever an event is written, so remembered."""

import time
from collections.abc import Iterable

from loyalty.models import Challenge

# A challenge hears of events at latest so long after its start.
STALE_SECONDS = 5.0


class _Memory:
    types: frozenset[str] | None = None
    read_at = 0.0


def is_counted(type: str) -> bool:
    """Return whether a challenge counts events of this type, as known a few seconds ago at most."""
    if _Memory.types is None or time.monotonic() - _Memory.read_at > STALE_SECONDS:
        active = Challenge.objects.filter(status=Challenge.Status.ACTIVE).exclude(event_type="").order_by()
        remember_types(active.values_list("event_type", flat=True).distinct())
    return type in (_Memory.types or ())


def remember_types(types: Iterable[str]) -> None:
    """Take these as the types that are counted, until they are read again."""
    _Memory.types, _Memory.read_at = frozenset(types), time.monotonic()


def forget_types() -> None:
    """Read anew, the next time it matters: a challenge was started or stopped."""
    _Memory.types = None
