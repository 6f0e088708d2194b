"""gunicorn with the settings of `make run`, for as long as a benchmark needs it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def web_server(application: str = "loyalty_site.wsgi") -> Iterator[int]:
    """Start gunicorn on the environment's database and yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--config", "loyalty_site/gunicorn.py", application]
    server = subprocess.Popen(command, env=os.environ | {"PORT": str(port), "HOST": "127.0.0.1"})
    try:
        wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int) -> None:
    """Wait until somebody listens on the port, at most a minute. Raises TimeoutError."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("The web server did not start.")
