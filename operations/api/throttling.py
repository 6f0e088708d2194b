"""How many requests a client may make."""

import time
from typing import TYPE_CHECKING

import redis
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from operations.counters import count

if TYPE_CHECKING:
    from rest_framework.views import APIView


class ClientRateThrottle(BaseThrottle):
    """Count a client's requests per minute in Valkey, atomically; if it is away, let them pass."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if request.auth is None:
            return True
        key = f"rate:{request.auth.pk}:{int(time.time() // 60)}"
        try:
            return count(key, seconds=120) <= request.auth.requests_per_minute
        except redis.RedisError:
            return True

    def wait(self) -> float:
        return 60 - time.time() % 60
