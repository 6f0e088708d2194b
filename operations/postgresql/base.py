"""Django's PostgreSQL backend, on connections that notice when their server has stopped answering.

A server that was frozen, or a machine that vanished from the network, answers nothing and closes nothing:
whoever waits for it waits for ever, and soon every thread of the web server does. So whoever has waited for a
while asks the server for another connection, and gives up when that is not answered either. A statement that
merely takes long goes on. Named in settings as the database's ENGINE; Django looks for `DatabaseWrapper` in a
module called `base`.
"""

import select
import time
from collections.abc import Generator
from math import inf
from typing import Any, ClassVar

import psycopg
from django.db.backends.postgresql import base
from django.utils.asyncio import async_unsafe
from psycopg import IsolationLevel
from psycopg._preparing import PrepareManager

PATIENCE_SECONDS = 1.0
PROBE_SECONDS = 2
# Whoever wants a connection so soon after another was given up need not wait for the same silence again.
REMEMBERED_SECONDS = 1.0
SILENT = "The server does not answer any more."


class KeptStatements(PrepareManager):
    """The statements that a connection has prepared, also after a ROLLBACK.

    psycopg forgets all of them then, lest one names a table that was made and undone in the transaction. Ours
    (operations.statements) name tables that migrations made, and PostgreSQL itself keeps what was prepared:
    every refusal would make the next requests prepare everything anew.
    """

    def clear(self) -> bool:
        return False


class WatchfulConnection(psycopg.Connection):
    """A connection whose statements end with OperationalError when the server answers nobody any more."""

    silent_at: ClassVar[float] = -inf

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepared = KeptStatements()

    def wait(self, gen: Generator, *args: Any, **kwargs: Any) -> Any:
        return super().wait(self._watched(gen), *args, **kwargs)

    def _watched(self, gen: Generator) -> Generator:
        """Pass everything on between psycopg and its waiting; look at the server after 1, 2, 4 ... s."""
        patience = PATIENCE_SECONDS
        began = time.monotonic()
        try:
            state = next(gen)
            while True:
                ready = yield state
                if not ready and time.monotonic() - began > patience:
                    patience = 2 * (time.monotonic() - began)
                    self._look_at_server()
                state = gen.send(ready)
        except StopIteration as done:
            return done.value

    def _look_at_server(self) -> None:
        """Close this connection and raise OperationalError when the server answers nobody any more."""
        try:
            psycopg.connect(self.info.dsn, password=self.info.password, connect_timeout=PROBE_SECONDS).close()
        except psycopg.errors.ConnectionTimeout as error:
            self.pgconn.finish()
            WatchfulConnection.silent_at = time.monotonic()
            raise psycopg.OperationalError(SILENT) from error
        except psycopg.OperationalError:
            pass  # It answers, if only to refuse, or this statement will hear of its end.


class DatabaseWrapper(base.DatabaseWrapper):
    """As Django's, without its options for a pool and for isolation levels, which Fidelio does not use."""

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection:
        if time.monotonic() - WatchfulConnection.silent_at < REMEMBERED_SECONDS:
            raise psycopg.OperationalError(SILENT)
        self.isolation_level = IsolationLevel.READ_COMMITTED
        return WatchfulConnection.connect(**conn_params)

    def close_if_health_check_failed(self) -> None:
        """Look at the connection as Django does, but ask the server only when it has something to say.

        A server that ends a connection says so, and it says nothing else to one that is idle: a look at the
        socket is enough, and no request waits for a SELECT 1.
        """
        if self.connection is not None and not self.health_check_done and not _has_news(self.connection):
            self.health_check_done = True
        super().close_if_health_check_failed()


def _has_news(connection: psycopg.Connection) -> bool:
    """Return whether the server sent something, or closed the connection."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
