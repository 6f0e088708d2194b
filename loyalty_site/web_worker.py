"""The web server's workers: gunicorn's threads, with connections spread over the processes.

All workers wait on one listening socket, and whoever is quickest takes what comes. An idle machine wakes the
same one again and again: of eight connections that stay open one process often holds all, and its threads
share one interpreter while the others sleep.
"""

import mmap
import struct
import time
from collections.abc import Iterator
from math import inf
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

PLACES = 256
ABSENT = 2**32 - 1
BUSY = ABSENT - 1
PAUSE_SECONDS = 0.0005
PATIENCE_SECONDS = 0.01
# A pause so long ago was for another connection.
FORGOTTEN_SECONDS = 0.05


class Board:
    """How many connections each worker holds, in memory that all of them share; each writes its own place."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 4 * PLACES)
        for place in range(PLACES):
            self.write(place, ABSENT)

    def write(self, place: int, connections: int) -> None:
        struct.pack_into("I", self._memory, 4 * (place % PLACES), connections)

    def others(self, place: int) -> Iterator[int]:
        """Yield what the workers at other places hold."""
        for index, (connections,) in enumerate(struct.iter_unpack("I", self._memory[:])):
            if connections != ABSENT and index != place % PLACES:
                yield connections


# Made where the server's settings are read, before any worker is forked.
BOARD = Board()


class EvenThreadWorker(ThreadWorker):
    """Leaves a new connection to a worker that holds fewer, for as long as that one may need to wake up.

    One whose threads are all at work counts as holding more than any other.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._connections = 0
        self._running = 0
        self._first_pause = self._last_pause = -inf
        super().__init__(*args, **kwargs)

    @property
    def nr_conns(self) -> int:
        return self._connections

    @nr_conns.setter
    def nr_conns(self, connections: int) -> None:
        # gunicorn takes one off twice when an answer breaks off after its headers.
        self._connections = max(connections, 0)
        self._tell()

    @property
    def weight(self) -> int:
        """Return what stands on the board: the connections held, BUSY, or ABSENT while none are taken."""
        if not self._accepting:
            return ABSENT
        return BUSY if self._running >= self.cfg.threads else self._connections

    def set_accept_enabled(self, enabled: bool) -> None:
        """Stand on the board only while connections are taken: nobody waits for one that stops or is full."""
        super().set_accept_enabled(enabled)
        self._tell()

    def enqueue_req(self, conn: Any) -> None:
        self._running += 1
        super().enqueue_req(conn)
        self._tell()

    def finish_request(self, conn: Any, fs: Any) -> None:
        self._running -= 1
        super().finish_request(conn, fs)
        self._tell()

    def accept(self, listener: Any) -> None:
        """Take a connection, unless another worker is to have it and may still be waking up."""
        mine = self.weight
        if any(theirs < mine for theirs in BOARD.others(self.age)) and self._may_pause(time.monotonic()):
            time.sleep(PAUSE_SECONDS)
            return
        self._first_pause = self._last_pause = -inf
        super().accept(listener)

    def _may_pause(self, now: float) -> bool:
        """Return whether the others still have time to take what this worker was woken by."""
        if now - self._last_pause > FORGOTTEN_SECONDS:
            self._first_pause = now
        self._last_pause = now
        return now - self._first_pause < PATIENCE_SECONDS

    def _tell(self) -> None:
        if self.booted:  # gunicorn makes the object in the master, which accepts nothing.
            BOARD.write(self.age, self.weight)


def forget(worker: EvenThreadWorker) -> None:
    """Take a worker that ends, or was killed, off the board."""
    BOARD.write(worker.age, ABSENT)
