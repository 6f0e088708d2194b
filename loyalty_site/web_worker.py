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
        self._present = False
        super().__init__(*args, **kwargs)

    @property
    def nr_conns(self) -> int:
        return self._connections

    @nr_conns.setter
    def nr_conns(self, connections: int) -> None:
        self._connections = connections
        if self._present:
            BOARD.write(self.age, connections)

    def run(self) -> None:
        self._present = True
        BOARD.write(self.age, self.nr_conns)
        try:
            super().run()
        finally:
            forget(self)

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
