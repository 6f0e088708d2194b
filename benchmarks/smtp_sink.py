"""An SMTP server (aiosmtpd) that takes everything and keeps nothing, in a process of its own.

`python -m benchmarks.smtp_sink` prints its port; VRFY answers how many messages it has taken.
"""

import smtplib
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Swallow:
    """Takes every message; counts them."""

    taken = 0

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        # As every mail server in use says; smtplib makes no use of it.
        return [responses[0], "250-PIPELINING", *responses[1:]]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken += 1
        return "250 taken"

    async def handle_VRFY(self, server: Any, session: Any, envelope: Any, address: str) -> str:
        return f"252 {self.taken}"


@contextmanager
def smtp_sink() -> Iterator[int]:
    """Run the server in a process of its own and give its port."""
    command = [sys.executable, "-m", "benchmarks.smtp_sink"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def taken_by(port: int) -> int:
    """Return how many messages the sink has taken."""
    with smtplib.SMTP("127.0.0.1", port) as server:
        return int(server.verify("anybody")[1])


def main() -> None:
    from aiosmtpd.controller import Controller

    from benchmarks.servers import free_port

    controller = Controller(Swallow(), hostname="127.0.0.1", port=free_port())
    controller.start()
    print(controller.port, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
