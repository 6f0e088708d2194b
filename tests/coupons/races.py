"""Many at once: threads with database connections of their own, let go together."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import close_old_connections, connection

from operations.errors import FidelioError


def at_once(works: Iterable[Callable[[], Any]]) -> list[Any]:
    """Run every work in a thread of its own, started together; return results, or the keys of refusals."""
    works = list(works)
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        close_old_connections()
        connection.ensure_connection()
        gate.wait()
        try:
            return work()
        except FidelioError as error:
            return error.key
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))
