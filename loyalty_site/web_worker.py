"""The web server's workers: gunicorn's threads, with connections spread over the processes.

All workers wait on one listening socket, and whoever is quickest takes what comes. An idle machine wakes the
same one again and again: of eight connections that stay open one process often holds all, and its threads
share one interpreter while the others sleep.
"""

import mmap
import struct
import time
from collections.abc import Iterator
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

PLACES = 256
ABSENT = 2**32 - 1
PAUSE_SECONDS = 0.0005
MOST_PAUSES = 20


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
    """Leaves a new connection to a worker that holds fewer, for as long as that one may need to wake up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._connections = 0
        self._pauses = 0
        super().__init__(*args, **kwargs)

    @property
    def nr_conns(self) -> int:
        return self._connections

    @nr_conns.setter
    def nr_conns(self, connections: int) -> None:
        # gunicorn takes one off twice when an answer breaks off after its headers.
        self._connections = max(connections, 0)
        self._tell()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Stand on the board only while connections are taken: nobody waits for one that stops or is full."""
        super().set_accept_enabled(enabled)
        self._tell()

    def _tell(self) -> None:
        if self.booted:  # gunicorn makes the object in the master, which accepts nothing.
            BOARD.write(self.age, self.nr_conns if self._accepting else ABSENT)

    def accept(self, listener: Any) -> None:
        """Take a connection, unless another worker holds fewer and was woken by it just now."""
        if self._pauses < MOST_PAUSES and any(held < self.nr_conns for held in BOARD.others(self.age)):
            self._pauses += 1
            time.sleep(PAUSE_SECONDS)
            return
        self._pauses = 0
        super().accept(listener)


def forget(worker: EvenThreadWorker) -> None:
    """Take a worker that ends, or was killed, off the board."""
    BOARD.write(worker.age, ABSENT)
