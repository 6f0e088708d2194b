"""How many requests a client may make."""

import time
from threading import Lock
from typing import TYPE_CHECKING

import redis
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from operations.counters import count
from operations.models import ApiClient

if TYPE_CHECKING:
    from rest_framework.views import APIView

SHARE_OF_THE_LIMIT = 2_000


class ClientRateThrottle(BaseThrottle):
    """Count a client's requests per minute in Valkey, atomically; if it is away, let them pass.

    Of a limit of thousands a process takes some at once and hands them out itself: most requests then wait
    for nothing. It never lets more pass than the limit; what a process took and had no request for, at most
    one in 2,000 of the limit, is lost to the others in that minute.
    """

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if request.auth is None:
            return True
        try:
            return _shares.take(request.auth, minute=int(time.time() // 60))
        except redis.RedisError:
            return True

    def wait(self) -> float:
        return 60 - time.time() % 60


class _Shares:
    """What this process may still let pass, by client and the latest minute it asked for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._left: dict[str, tuple[int, int]] = {}

    def take(self, client: ApiClient, *, minute: int) -> bool:
        """Let one request pass, or not. Raises redis.RedisError while the store is away."""
        if self._move(client, minute, -1):
            return True
        limit = client.requests_per_minute
        share = max(1, limit // SHARE_OF_THE_LIMIT)
        stands = count(f"rate:{client.pk}:{minute}", share, seconds=120)
        granted = min(share, limit - (stands - share))
        if granted > 1:
            self._move(client, minute, granted - 1)
        return granted > 0

    def _move(self, client: ApiClient, minute: int, units: int) -> bool:
        """Add units to what is left in this minute; False when there are not as many to take."""
        with self._lock:
            of, left = self._left.get(client.pk, (minute, 0))
            left = left + units if of == minute else units
            if left < 0:
                return False
            self._left[client.pk] = (minute, left)
            return True


_shares = _Shares()
