"""Connections that stay open are spread over the web server's processes."""

import os
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from gunicorn.config import Config

from loyalty_site.web_worker import BOARD, BUSY, PLACES, Board, EvenThreadWorker, forget
from tests.processes import Site, wait_until

CONNECTIONS = 16
# Half of them, when nothing else runs; on a busy machine a worker may wake up too late for some.
FEWEST = 2


def test_a_worker_sees_what_the_others_hold_and_not_its_own():
    board = Board()
    for place, connections in ((1, 7), (2, 0), (3, 5)):
        board.write(place, connections)

    assert list(board.others(1)) == [0, 5]
    assert list(board.others(1 + PLACES)) == [0, 5]


def test_a_worker_that_was_killed_is_not_waited_for(worker):
    worker.set_accept_enabled(True)
    before = list(BOARD.others(0))

    forget(worker)

    assert (before, list(BOARD.others(0))) == ([0], [])


def test_a_worker_whose_threads_are_all_at_work_is_left_alone(worker):
    worker.set_accept_enabled(True)
    worker.cfg.set("threads", 2)
    worker.nr_conns = 2
    idle = worker.weight

    worker._running = 2

    assert (idle, worker.weight) == (2, BUSY)
    assert list(BOARD.others(0)) == [2]
    worker.nr_conns = 3
    assert list(BOARD.others(0)) == [BUSY]


def test_another_worker_is_waited_for_ten_milliseconds(worker):
    asked = (100.0, 100.005, 100.0099, 100.011, 100.02, 100.2)

    assert [worker._may_pause(now) for now in asked] == [True, True, True, False, False, True]


def test_a_worker_is_waited_for_only_while_it_takes_connections(worker):
    worker.set_accept_enabled(True)
    worker.nr_conns = 3
    taking = list(BOARD.others(0))
    worker.set_accept_enabled(False)
    worker.nr_conns = 2

    assert taking == [3]
    assert list(BOARD.others(0)) == []


def test_a_connection_taken_off_twice_leaves_none(worker):
    worker.set_accept_enabled(True)

    worker.nr_conns -= 1

    assert worker.nr_conns == 0
    assert list(BOARD.others(0)) == [0]


@pytest.fixture
def worker():
    found = EvenThreadWorker(7, os.getpid(), [], None, 60, Config(), None)
    found.booted = True
    yield found
    found.tmp.close()
    forget(found)


@pytest.mark.slow
def test_connections_that_stay_open_are_spread_over_the_workers(live_gunicorn):
    first = spread(live_gunicorn)
    os.kill(next(iter(first)), signal.SIGKILL)
    wait_until(lambda: not first.keys() <= workers(live_gunicorn), what="the end of a worker")
    second = spread(live_gunicorn)

    assert len(first | second) == 3
    for found in (first, second):
        assert sum(found.values()) == CONNECTIONS
        assert min(found.values()) >= FEWEST


def spread(site: Site) -> Counter[int]:
    """Return how many of some connections each of two workers holds, once both take any."""
    wait_until(lambda: len(+opened(site)) == 2, what="two workers that take connections")
    return opened(site)


def opened(site: Site) -> Counter[int]:
    with kept_open(site):
        return held(site)


@contextmanager
def kept_open(site: Site) -> Iterator[None]:
    address = urlsplit(site.base_url)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(socket.create_connection((address.hostname, address.port)))
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        yield


def workers(site: Site) -> set[int]:
    """Return the processes of the workers: the children of the server."""
    master = site.program.process.pid
    return {int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()}


def held(site: Site) -> Counter[int]:
    """Return how many connections to the site each of its workers holds."""
    port = urlsplit(site.base_url).port
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    here = {row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"}
    found: Counter[int] = Counter()
    for pid in workers(site):
        found[pid] = sum(link.removeprefix("socket:[").removesuffix("]") in here for link in _open_files(pid))
    return found


def _open_files(pid: int) -> list[str]:
    try:
        return [_target(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except FileNotFoundError:  # It ended since it was listed.
        return []


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:  # It was closed since the folder was read.
        return ""
