"""Counters that many requests share, in Valkey: one round trip each, on a connection that stays open."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_SECONDS = 1


def count(key: str, units: int = 1, *, seconds: int) -> int:
    """Add to the counter, which is forgotten so many seconds after its first unit; return where it stands.

    Raises redis.RedisError while the store is away.
    """
    commands = _store(_location()).pipeline(transaction=False)
    commands.incrby(_name(key), units)
    commands.expire(_name(key), seconds, nx=True)
    with _away_is_one_error():
        return commands.execute()[0]


def counted(*keys: str) -> list[int]:
    """Return where the counters stand. Raises redis.RedisError while the store is away."""
    with _away_is_one_error():
        return [int(value or 0) for value in _store(_location()).mget([_name(key) for key in keys])]


@contextmanager
def _away_is_one_error() -> Iterator[None]:
    """A store that does not answer while a connection is opened ends in a ValueError of redis-py's parser."""
    try:
        yield
    except ValueError as error:
        raise redis.ConnectionError(str(error)) from error


def _location() -> str:
    return settings.CACHES["default"]["LOCATION"]


def _name(key: str) -> str:
    return f"fidelio:count:{key}"


def _store(location: str) -> redis.Redis:
    # Of two clients that threads made at once the cache would keep one; the other, thrown away, would close
    # the connections of those who use it.
    with _making:
        return _made(location)


_making = Lock()


@cache
def _made(location: str) -> redis.Redis:
    return redis.Redis.from_url(
        location,
        socket_connect_timeout=TIMEOUT_SECONDS,
        socket_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
