"""How many requests a client may make."""

import time
from typing import TYPE_CHECKING

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

if TYPE_CHECKING:
    from rest_framework.views import APIView


class ClientRateThrottle(BaseThrottle):
    """Count a client's requests per minute in the cache, atomically; if the cache is away, let them pass."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if request.auth is None:
            return True
        key = f"rate:{request.auth.pk}:{int(time.time() // 60)}"
        try:
            cache.add(key, 0, 120)
            return cache.incr(key) <= request.auth.requests_per_minute
        except Exception:
            return True

    def wait(self) -> float:
        return 60 - time.time() % 60
