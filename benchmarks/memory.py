"""How much memory of their own this process and the database's processes take while something runs."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

EVERY = 0.05


def peak_megabytes(work: Callable[[], object]) -> float:
    """Run `work` and return how much anonymous memory came on top of what there was before, at its highest.

    Counts this process and every server process of PostgreSQL; what they share (buffers) is not theirs.
    """
    before = highest = _anonymous()
    over = threading.Event()

    def watch() -> None:
        nonlocal highest
        while not over.wait(EVERY):
            highest = max(highest, _anonymous())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        work()
    finally:
        over.set()
        watcher.join()
    return max(highest - before, 0) / 1024


def _anonymous() -> int:
    return sum(_of(Path(f"/proc/{pid}")) for pid in [os.getpid(), *_servers()])


def _servers() -> list[str]:
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit() and _is_server(entry)]


def _is_server(process: Path) -> bool:
    try:
        return (process / "comm").read_text().startswith("postgres")
    except OSError:
        return False


def _of(process: Path) -> int:
    """Return a process's anonymous memory in kilobytes; 0 when it has ended."""
    try:
        for line in (process / "status").read_text().splitlines():
            if line.startswith("RssAnon"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
