import socket
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import redis

from operations import counters


@pytest.fixture
def cold_store():
    """As in a process that has just started: nobody has counted yet."""
    counters._made.cache_clear()
    yield
    counters._made.cache_clear()


def test_threads_that_count_first_at_once_share_one_client(cold_store, monkeypatch):
    make, made, gate = redis.Redis.from_url, [], Barrier(8)

    def make_slowly(*args, **options):
        made.append(args)
        time.sleep(0.05)
        return make(*args, **options)

    def count(number):
        gate.wait()
        return [counters.count("first-at-once", seconds=60) for _ in range(10)]

    monkeypatch.setattr(redis.Redis, "from_url", make_slowly)

    with ThreadPoolExecutor(8) as pool:
        counted = [units for mine in pool.map(count, range(8)) for units in mine]

    assert len(made) == 1
    assert sorted(counted) == list(range(1, 81))


def test_a_store_that_hangs_is_away(cold_store, settings, monkeypatch):
    monkeypatch.setattr(counters, "TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        location = f"redis://127.0.0.1:{server.getsockname()[1]}"
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location}}

        for _again in range(3):
            with pytest.raises(redis.RedisError):
                counters.count("rate:1", seconds=60)
