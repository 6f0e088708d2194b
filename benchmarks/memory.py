"""How much memory of their own this process and its database's processes take while something runs."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

EVERY = 0.05


def peak_megabytes(work: Callable[[], object]) -> float:
    """Run `work` and return how much anonymous memory came on top of what there was before, at its highest.

    Counts this process and the processes of the server it is connected to, and of no other server on this
    machine; what they share (buffers) is not theirs.
    """
    server = _server()
    before = highest = _anonymous(server)
    over = threading.Event()

    def watch() -> None:
        nonlocal highest
        while not over.wait(EVERY):
            highest = max(highest, _anonymous(server))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        work()
    finally:
        over.set()
        watcher.join()
    return max(highest - before, 0) / 1024


def _server() -> int:
    """Return the process that is the parent of every process of our PostgreSQL."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return _told(Path(f"/proc/{cursor.fetchone()[0]}"), "PPid")


def _anonymous(server: int) -> int:
    """Return the kilobytes of this process and of the server's."""
    processes = [Path(f"/proc/{os.getpid()}")]
    processes += [
        entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and _told(entry, "PPid") == server
    ]
    return sum(_told(process, "RssAnon") for process in processes)


def _told(process: Path, name: str) -> int:
    """Return a number that a process tells of itself; 0 when it has ended."""
    try:
        for line in (process / "status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
