"""Everything Fidelio needs on one machine, under one process: `python -m loyalty_site.devserver`.

Started from the bottom up: PostgreSQL, Valkey, the site brought up to date, web, then the workers. Stopped
from the top down, the databases last. A child that ends by itself is started again, later and later.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .folder import REPOSITORY, DataFolder
from .processes import Program, StartFailed, tail_of
from .services import Services

HEALTHY_SECONDS = 60.0
STABLE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 30.0
INBOX_PORT = 8025
# What the demo takes messages to cost, in minor units, unless the environment says otherwise.
PRICES = {"THOUSAND_MESSAGES_AMOUNT": "100", "THOUSAND_SMS_AMOUNT": "5000"}


class StopRequested(Exception):
    """A signal came while the site was starting."""


@dataclass
class Revival:
    """When a child that ended is started again: after 1, 2, 4 ... 30 seconds, as long as it keeps ending."""

    pause_seconds: float = 1.0
    started_at: float = field(default_factory=time.monotonic)
    due_at: float | None = None

    def plan(self) -> float:
        if time.monotonic() - self.started_at > STABLE_SECONDS:
            self.pause_seconds = 1.0
        pause, self.pause_seconds = self.pause_seconds, min(self.pause_seconds * 2, LONGEST_PAUSE_SECONDS)
        self.due_at = time.monotonic() + pause
        return pause

    def done(self) -> None:
        self.started_at, self.due_at = time.monotonic(), None


@dataclass
class Supervisor:
    """Owns the data folder, the services and the site's processes until it is told to stop."""

    folder: DataFolder = field(default_factory=DataFolder)
    host: str = field(default_factory=lambda: os.environ.get("HOST") or "127.0.0.1")
    port: int = field(default_factory=lambda: _port("PORT", 8000))
    services: Services | None = field(default=None, init=False)
    environment: dict[str, str] = field(default_factory=dict, init=False)
    programs: list[Program] = field(default_factory=list, init=False)
    _inbox: socket.socket | None = field(default=None, init=False)
    _signals: int = field(default=0, init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)
    _revivals: dict[str, Revival] = field(default_factory=dict, init=False)
    _began_at: float = field(default_factory=time.monotonic, init=False)

    def run(self) -> int:
        """Start, watch until a signal comes, stop; returns the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self.folder.claim()
            self._choose_ports()
            self._start()
            self._watch()
        except StartFailed as error:
            print(f"\n{error}", file=sys.stderr, flush=True)
            return 1
        except StopRequested:
            return 130
        finally:
            self._stop()
        return 0

    def _on_signal(self, number: int, frame: object) -> None:
        self._signals += 1
        self._stopping.set()

    def _in_a_hurry(self) -> bool:
        return self._signals > 1

    def _choose_ports(self) -> None:
        """Raises StartFailed when somebody else listens there, before anything has been started."""
        if not _port_is_free(self.host, self.port):
            raise StartFailed(
                f"Port {self.port} on {self.host} is in use by another program."
                f" Choose another one: PORT={self.port + 1} make run"
            )
        if os.environ.get("EMAIL_URL"):
            return
        if os.environ.get("INBOX_PORT"):
            port = _port("INBOX_PORT", INBOX_PORT)
            self._inbox = hold_port(port)
            if self._inbox is None:
                raise StartFailed(f"INBOX_PORT {port} is in use by another program.")
        else:
            self._inbox = hold_port(INBOX_PORT) or hold_port(0)

    def _start(self) -> None:
        self.services = Services(self.folder)
        self._say("PostgreSQL and Valkey")
        self.services.start()
        self._describe_environment()
        self._say("Database, catalogues and static files")
        self._prepare_site()
        self._say("Web server")
        web, *others = self._describe_programs()
        self._add(web)
        self._wait_until_healthy(web)
        for program in others:
            self._add(program)
        self._greet()

    def _describe_environment(self) -> None:
        """What the children get, and what `manage.py` in another shell finds."""
        published: dict[str, str | int] = dict(self.services.urls)
        published |= {"SECRET_KEY": self.folder.secret_key(), "PORT": self.port}
        if self._inbox is not None:
            port = self._inbox.getsockname()[1]
            published |= {"EMAIL_URL": f"smtp://127.0.0.1:{port}", "INBOX_PORT": port}
        else:
            published["EMAIL_URL"] = os.environ["EMAIL_URL"]
        self.folder.publish(published)
        prices = PRICES if os.environ.get("DEMO", "1") != "0" else {}
        self.environment = prices | dict(os.environ) | {key: str(value) for key, value in published.items()}
        self.environment |= {
            "FIDELIO_DATA": str(self.folder.path),
            "HOST": self.host,
            "DJANGO_SETTINGS_MODULE": "loyalty_site.settings",
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def _demo_logins(self) -> Path:
        return self.folder.sockets / "demo-logins"

    def _prepare_site(self) -> None:
        log = self.folder.log("preparation")
        preparation = self._python(
            "preparation", "-m", "loyalty_site.devserver.preparation", str(self._demo_logins)
        )
        preparation.start()
        while preparation.running:
            self._pause(0.05, preparation)
        if preparation.bury() != 0:
            raise StartFailed(f"Preparing the site failed. The end of {log}:\n{tail_of(log, lines=40)}")

    def _describe_programs(self) -> Iterator[Program]:
        yield self._python(
            "web", "-m", "gunicorn", "--config", "loyalty_site/gunicorn.py", "loyalty_site.wsgi", seconds=15
        )
        if self._inbox is not None and any(REPOSITORY.glob("*/management/commands/run_inbox.py")):
            handed = self._inbox.fileno()
            yield self._python(
                "inbox", "manage.py", "run_inbox", "--socket", str(handed), seconds=5, hands=[handed]
            )
        # Two workers, so that a send to everybody leaves the fast lane free.
        yield self._celery("worker-fast", "worker", "--queues", "fast,celery,rights", "--hostname", "fast@%h")
        yield self._celery("worker-bulk", "worker", "--queues", "bulk,analytics", "--hostname", "bulk@%h")
        yield self._celery(
            "beat", "beat", "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler", "--pidfile="
        )

    def _celery(self, name: str, kind: str, *arguments: str) -> Program:
        options = ["--loglevel", "INFO"]
        if kind == "worker":
            options += ["--concurrency", str(max(2, len(os.sched_getaffinity(0))))]
        return self._python(
            name, "-m", "celery", "-A", "loyalty_site", kind, *arguments, *options, seconds=20
        )

    def _python(self, name: str, *arguments: str, seconds: float = 10, hands: Sequence[int] = ()) -> Program:
        return Program(
            name,
            [sys.executable, *arguments],
            log=self.folder.log(name),
            env=self.environment,
            cwd=REPOSITORY,
            farewell=((signal.SIGTERM, seconds), (signal.SIGQUIT, 3.0)),
            hands=hands,
        )

    def _add(self, program: Program) -> None:
        program.start()
        self.programs.append(program)
        self._revivals[program.name] = Revival()
        self._remember_children()

    def _remember_children(self) -> None:
        running = [program for program in self.programs if program.running]
        self.folder.remember_children([program.process.pid for program in running])

    def _wait_until_healthy(self, web: Program) -> None:
        deadline = time.monotonic() + HEALTHY_SECONDS
        while not self._is_healthy():
            if not web.running or time.monotonic() > deadline:
                raise StartFailed(
                    f"The web server did not start. The end of {web.log}:\n{tail_of(web.log, lines=40)}"
                )
            self._pause(0.1, web)

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection(_reachable(self.host), self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _pause(self, seconds: float, underway: Program) -> None:
        """Raises StopRequested, with `underway` stopped, when a signal came."""
        if self._stopping.wait(seconds):
            underway.stop(in_a_hurry=self._in_a_hurry)
            raise StopRequested

    def _greet(self) -> None:
        self._say("Ready")
        address = f"http://{_reachable(self.host)}:{self.port}"
        print(f"\nFidelio   {address}/console/")
        print(f"API       {address}/api/v1/docs")
        print(f"Logs      {self.folder.logs}")
        if self._demo_logins.exists():
            print(f"\n{self._demo_logins.read_text().rstrip()}")
        print("\nStop with Ctrl-C.", flush=True)

    def _watch(self) -> None:
        while not self._stopping.wait(0.3):
            servers = [server for server in (self.services.postgres, self.services.valkey) if server]
            for server in servers:
                self._revive(server.program, start=server.start)
            for program in self.programs:
                self._revive(program, start=program.start)

    def _revive(self, program: Program, *, start) -> None:
        revival = self._revivals.setdefault(program.name, Revival())
        if program.running:
            return
        if revival.due_at is None:
            status = program.bury() if program.process is not None else None
            pause = revival.plan()
            self._say(
                f"{program.name} {_ending(status)}; starting it again in {pause:g} s (see {program.log})"
            )
        elif time.monotonic() >= revival.due_at:
            revival.done()
            try:
                start()
            except StartFailed as error:
                self._say(str(error))
            self._remember_children()

    def _stop(self) -> None:
        """From the top down; a second signal hurries."""
        if self.programs or self.services is not None:
            print("\nStopping ...", flush=True)
        for program in self.programs:
            # All but the inbox, to which a worker may still be sending, are told before any is waited for.
            if program.name != "inbox":
                program.ask_to_stop()
        order = ["web", "beat", "worker-fast", "worker-bulk", "inbox"]
        for program in sorted(self.programs, key=lambda each: order.index(each.name)):
            program.stop(in_a_hurry=self._in_a_hurry)
            self._say(f"{program.name} stopped")
        if self.services is not None:
            self.services.stop()
            self._say("Valkey and PostgreSQL stopped")
        if self._inbox is not None:
            self._inbox.close()
        self.folder.release()

    def _say(self, sentence: str) -> None:
        print(f"[{time.monotonic() - self._began_at:5.1f} s] {sentence}", flush=True)


def _port(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise StartFailed(f"{variable} must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _port_is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise StartFailed(f"Port {port} may be used by root only; choose one above 1023.") from error
        except OSError:
            return False
        return True


def hold_port(port: int) -> socket.socket | None:
    """Return a socket that listens on a port of this machine (0: any free one); None where it is taken.

    Whoever looks for a port at the same moment finds it taken, before a child answers on it.
    """
    try:
        return socket.create_server(("127.0.0.1", port))
    except PermissionError as error:
        raise StartFailed(f"Port {port} may be used by root only; choose one above 1023.") from error
    except OSError:
        return None


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "") else host


def _ending(status: int | None) -> str:
    if status is None:
        return "is not running"
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def main() -> int:
    try:
        supervisor = Supervisor()
    except StartFailed as error:
        print(error, file=sys.stderr)
        return 1
    return supervisor.run()
