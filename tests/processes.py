"""Fixtures for tests that need real processes: gunicorn, Celery workers, an SMTP server.

The processes work on the test's own database, so the test must commit: `live_gunicorn` and
`celery_worker_process` make it a transactional one, and what it wrote is gone afterwards. `isolated_site`
has a database of its own for a whole module, for tests that share an expensive start.
"""

from __future__ import annotations

import email
import email.policy
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from loyalty_site.devserver.processes import Program, tail_of
from tests.embedded import (
    FOLDER,
    clone_template,
    collect_static_files,
    database_url,
    drop_database,
    worker_database,
)

REPOSITORY = Path(__file__).resolve().parents[1]
# A deadline, no wait: on a machine with much else to do a worker needs minutes.
START_SECONDS = 240.0
ALL_QUEUES = "celery,fast,rights,bulk,analytics"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(
    condition: Callable[[], object], *, seconds: float = 20.0, what: str = "the condition"
) -> object:
    """Return the first true answer of `condition`; fail the test when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.05)
    return answer


@dataclass
class Site:
    """A real gunicorn, and `manage.py` in the same environment."""

    base_url: str
    environment: dict[str, str]
    program: Program
    blocker: DjangoDbBlocker

    def manage(self, *arguments: str, text: str | None = None) -> str:
        """Run a management command in a process of its own; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"manage.py {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def database(self) -> Iterator[None]:
        """Point this process's ORM at the site's database, where that is not the test's own."""
        with orm_at(self.environment["DATABASE_URL"]), self.blocker.unblock():
            yield


@contextmanager
def orm_at(url: str) -> Iterator[None]:
    """Point this process's ORM at another database until the end of the block."""
    from django.db import connections

    from loyalty_site.settings import database_host

    usual = connections["default"]
    there = usual.copy()
    there.settings_dict["NAME"] = url.rpartition("/")[2]
    there.settings_dict["HOST"] = database_host(url, there.settings_dict["HOST"])
    connections["default"] = there
    try:
        yield
    finally:
        there.close()
        connections["default"] = usual


@contextmanager
def serve_site(
    environment: dict[str, str], blocker: DjangoDbBlocker, *, workers: int = 2, threads: int = 4
) -> Iterator[Site]:
    """Run gunicorn in `environment` until the end of the block."""
    collect_static_files()
    port = free_port()
    environment = environment | {"PORT": str(port), "WEB_CONCURRENCY": str(workers)}
    program = Program(
        "web",
        [sys.executable, "-m", "gunicorn", "-c", "loyalty_site/gunicorn.py", "--threads", str(threads),
         "--bind", f"127.0.0.1:{port}", "loyalty_site.wsgi"],
        log=_log("gunicorn", port),
        env=environment,
        cwd=REPOSITORY,
        death_signal=signal.SIGKILL,
    )  # fmt: skip
    program.start()
    site = Site(f"http://127.0.0.1:{port}", environment, program, blocker)
    try:
        wait_until(
            lambda: not program.running or _answers(f"{site.base_url}/healthz"),
            seconds=START_SECONDS,
            what=f"gunicorn to answer; its log:\n{tail_of(program.log)}",
        )
        if not program.running:
            pytest.fail(f"gunicorn ended at once:\n{tail_of(program.log, lines=40)}")
        yield site
    finally:
        program.stop()


@dataclass
class Worker:
    """A real Celery worker with its pool."""

    program: Program

    def kill(self) -> None:
        """`kill -9` the worker and its pool at once."""
        os.killpg(self.program.process.pid, signal.SIGKILL)
        self.program.bury()

    def stop(self) -> None:
        """Let it finish what it is doing."""
        self.program.stop()

    @property
    def log(self) -> str:
        return self.program.log.read_text(errors="replace")


@dataclass
class ReceivedMessage:
    sender: str
    recipients: list[str]
    message: EmailMessage


@dataclass
class SmtpSink:
    """A real SMTP server that keeps what it gets, and misbehaves when told to."""

    port: int
    pipelining: bool = True
    received: list[ReceivedMessage] = field(default_factory=list)
    _refusals: list[tuple[re.Pattern[str], str]] = field(default_factory=list)
    _open: threading.Event = field(default_factory=threading.Event)
    _delay: float = 0.0
    _hangs_up_on: re.Pattern[str] | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def messages(self) -> list[EmailMessage]:
        return [received.message for received in self.received]

    def refuse(self, recipients: str, reply: str = "550 5.1.1 No such mailbox") -> None:
        """Answer RCPT with `reply` for addresses that match the pattern `recipients`."""
        self._refusals.append((re.compile(recipients), reply))

    def accept_all(self) -> None:
        self._refusals.clear()

    def delay(self, seconds: float) -> None:
        """Take this long over every message."""
        self._delay = seconds

    def hang_up(self, recipients: str) -> None:
        """Take messages to matching addresses, and drop the connection in place of an answer."""
        self._hangs_up_on = re.compile(recipients)

    def stall(self) -> None:
        """Answer no DATA until `release`."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def wait_for(self, count: int, *, seconds: float = 30.0) -> list[EmailMessage]:
        """The messages, once there are at least `count`."""
        wait_until(lambda: len(self.received) >= count, seconds=seconds, what=f"{count} messages")
        return self.messages

    async def handle_EHLO(self, server, session, envelope, hostname, responses) -> list[str]:
        session.host_name = hostname
        return [responses[0], *(["250-PIPELINING"] if self.pipelining else []), *responses[1:]]

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options) -> str:
        for pattern, reply in self._refusals:
            if pattern.search(address):
                return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        import asyncio

        if self._delay:
            await asyncio.sleep(self._delay)
        while not self._open.is_set():
            await asyncio.sleep(0.02)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.received.append(ReceivedMessage(envelope.mail_from, list(envelope.rcpt_tos), message))
        if self._hangs_up_on and any(self._hangs_up_on.search(one) for one in envelope.rcpt_tos):
            server.transport.abort()
        return "250 Accepted"


@pytest.fixture
def process_environment() -> dict[str, str]:
    """The variables the processes of this test get; change it before starting one."""
    return dict(os.environ)


@pytest.fixture
def smtp_sink(process_environment: dict[str, str]) -> Iterator[SmtpSink]:
    """An SMTP server of this test's own; processes started by this test send to it."""
    from aiosmtpd.controller import Controller

    sink = SmtpSink(free_port())
    sink.release()
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    process_environment["EMAIL_URL"] = sink.url
    yield sink
    sink.release()
    controller.stop()


@pytest.fixture
def live_gunicorn(
    request: pytest.FixtureRequest, transactional_db, django_db_blocker, process_environment
) -> Iterator[Site]:
    """The site through gunicorn, on this test's database."""
    if "smtp_sink" in request.fixturenames:
        request.getfixturevalue("smtp_sink")
    with serve_site(process_environment, django_db_blocker) as site:
        yield site


@pytest.fixture(scope="module")
def isolated_site(django_db_setup, django_db_blocker) -> Iterator[Site]:
    """The site through gunicorn on a database of its own, shared by the tests of a module.

    Reach its database with `with isolated_site.database():`.
    """
    name = f"{worker_database()}_site"
    with django_db_blocker.unblock():
        clone_template(name)
    try:
        environment = dict(os.environ) | {"DATABASE_URL": database_url(name)}
        with serve_site(environment, django_db_blocker) as site:
            yield site
    finally:
        drop_database(name)


@pytest.fixture
def celery_worker_process(
    request: pytest.FixtureRequest, transactional_db, process_environment
) -> Iterator[Callable[..., Worker]]:
    """Starts real workers on this test's database and broker: `celery_worker_process(queues="fast")`."""
    if "smtp_sink" in request.fixturenames:
        request.getfixturevalue("smtp_sink")
    _empty_broker(process_environment["CELERY_BROKER_URL"])
    workers: list[Worker] = []

    def start(*, queues: str = ALL_QUEUES, concurrency: int = 2) -> Worker:
        name = f"test-{os.getpid()}-{len(workers)}"
        program = Program(
            name,
            [sys.executable, "-m", "celery", "-A", "loyalty_site", "worker", "-Q", queues,
             "-c", str(concurrency), "-n", f"{name}@%h", "--loglevel", "INFO"],
            log=_log("worker", f"{name}-{time.monotonic_ns()}"),
            env=process_environment,
            cwd=REPOSITORY,
            death_signal=signal.SIGKILL,
            farewell=((signal.SIGTERM, 15.0), (signal.SIGQUIT, 3.0)),
        )  # fmt: skip
        program.start()
        workers.append(Worker(program))
        wait_until(
            lambda: not program.running or " ready." in workers[-1].log,
            seconds=START_SECONDS,
            what="the Celery worker to be ready",
        )
        if not program.running:
            pytest.fail(f"the Celery worker ended at once:\n{tail_of(program.log, lines=40)}")
        return workers[-1]

    yield start
    for worker in workers:
        worker.stop()
    _empty_broker(process_environment["CELERY_BROKER_URL"])


def _empty_broker(url: str) -> None:
    import redis

    path, _, database = url.removeprefix("redis+socket://").partition("?virtual_host=")
    with redis.Redis(unix_socket_path=path, db=int(database)) as broker:
        broker.flushdb()


def _log(name: str, suffix: object) -> Path:
    return Path(os.environ[FOLDER], f"{name}-{suffix}.log")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False
