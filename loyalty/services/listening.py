"""Which kinds of event are rewarded: asked whenever an event is written, so remembered."""

import time
from collections.abc import Iterable

from loyalty.models import EarningRule
from loyalty.rules import ORDER

# A rule hears of events at latest so long after it was written.
STALE_SECONDS = 5.0


class _Memory:
    types: frozenset[str] | None = None
    read_at = 0.0


def is_rewarded(type: str) -> bool:
    """Return whether a rule rewards events of this type, as known a few seconds ago at most."""
    if _Memory.types is None or time.monotonic() - _Memory.read_at > STALE_SECONDS:
        remember_types(rewarded_types())
    return type in (_Memory.types or ())


def rewarded_types() -> set[str]:
    """Return what active rules reward beside orders."""
    rules = EarningRule.objects.filter(active=True).exclude(event_type=ORDER).order_by()
    return set(rules.values_list("event_type", flat=True).distinct())


def remember_types(types: Iterable[str]) -> None:
    """Take these as the types that are rewarded, until they are read again."""
    _Memory.types, _Memory.read_at = frozenset(types), time.monotonic()


def forget_types() -> None:
    """Read anew, the next time it matters: a rule was written."""
    _Memory.types = None
