"""Counters that many requests share, in Valkey: one round trip each, on a connection that stays open."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_SECONDS = 1


def count(key: str, units: int = 1, *, seconds: int) -> int:
    """Add to the counter, which is forgotten so many seconds after its first unit; return where it stands.

    Raises redis.RedisError while the store is away.
    """
    name = _name(key)
    return _told(("INCRBY", name, units), ("EXPIRE", name, seconds, "NX"))[0]


def counted(*keys: str) -> list[int]:
    """Return where the counters stand. Raises redis.RedisError while the store is away."""
    (values,) = _told(("MGET", *map(_name, keys)))
    return [int(value or 0) for value in values]


def _told(*commands: tuple) -> list[Any]:
    """Return what the store says to these commands, sent as one packet.

    On a connection of the pool: what redis-py does around every command takes as long again.
    """
    pool = _store(_location()).connection_pool
    with _away_is_one_error():
        for again in (True, False):
            connection = pool.get_connection()
            try:
                connection.send_packed_command(connection.pack_commands(commands))
                return [connection.read_response() for _command in commands]
            except BaseException as error:
                connection.disconnect()  # Answers may still come that nobody would ask for.
                if not again or not isinstance(error, redis.ConnectionError):
                    raise
            finally:
                pool.release(connection)
    raise AssertionError("unreachable")


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
