"""PostgreSQL and Valkey alone, in the foreground: `python -m loyalty_site.devserver.services`.

For work on the code without the web server and the workers: other shells reach them by themselves.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import dataclass, field

from .folder import DataFolder
from .postgres import Postgres
from .processes import StartFailed
from .valkey import Valkey


@dataclass
class Services:
    """The servers of one data folder; each only where no URL of a real one is given."""

    folder: DataFolder
    postgres: Postgres | None = field(default=None, init=False)
    valkey: Valkey | None = field(default=None, init=False)
    urls: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.urls = {
            key: os.environ[key] for key in ("DATABASE_URL", "CELERY_BROKER_URL") if os.environ.get(key)
        }

    def start(self) -> None:
        """Raises StartFailed."""
        if "DATABASE_URL" not in self.urls:
            self.postgres = Postgres(
                self.folder.path / "postgres", self.folder.sockets, self.folder.log("postgres")
            )
            self.postgres.start()
            self.urls["DATABASE_URL"] = self.postgres.url()
        if "CELERY_BROKER_URL" not in self.urls:
            self.valkey = Valkey(self.folder.path / "valkey", self.folder.sockets, self.folder.log("valkey"))
            self.valkey.start()
            self.urls["CELERY_BROKER_URL"] = self.valkey.broker_url()

    def stop(self) -> None:
        """Valkey first, PostgreSQL last."""
        for server in (self.valkey, self.postgres):
            if server is not None:
                server.stop()


def main() -> int:
    folder = DataFolder()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    services = None
    try:
        folder.claim()
        services = Services(folder)
        services.start()
        folder.publish(services.urls | {"SECRET_KEY": folder.secret_key()})
        for key, url in services.urls.items():
            print(f"{key}={url}", flush=True)
        stopping.wait()
    except StartFailed as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if services is not None:
            services.stop()
        folder.release()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
