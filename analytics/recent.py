"""Figures that were counted a moment ago: pages of a large shop need not count them at every look."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from django.core.cache import cache

log = structlog.get_logger(__name__)
T = TypeVar("T")


def counted_lately(key: str, count: Callable[[], T], *, seconds: int, slower_than: float = 0.0) -> T:
    """Return what was counted under this key within so many seconds, or count it now.

    It is only kept where counting took longer than `slower_than` seconds: what is quick is never late.
    Without the cache everything is counted.
    """
    try:
        known = cache.get(key)
    except Exception:
        log.error("figures_unremembered", key=key)
        return count()
    if known is not None:
        return known
    started = time.monotonic()
    found = count()
    if time.monotonic() - started >= slower_than:
        cache.set(key, found, seconds)
    return found
