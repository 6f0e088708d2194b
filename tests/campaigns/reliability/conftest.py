"""Workers, a beat and what is wrong with the world, for the scenarios of sending."""

import contextlib
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.db import connection

from campaigns.bells import ring
from campaigns.models import OPEN, Campaign, Message
from loyalty_site.devserver.folder import short_temporary_folder
from loyalty_site.devserver.postgres import Postgres
from tests.embedded import fill_database
from tests.processes import SmtpSink, Worker, orm_at


@pytest.fixture
def beat() -> Iterator[Callable[[], None]]:
    """Start a clock that ticks as beat does, only faster; start two, and there are two beats."""
    over, clocks = threading.Event(), []

    def tick() -> None:
        while not over.wait(0.5):
            with contextlib.suppress(redis.RedisError, OSError):
                ring("plan_runs", "pump_bulk", "pump_fast")

    def start() -> None:
        clocks.append(threading.Thread(target=tick, daemon=True))
        clocks[-1].start()

    yield start
    over.set()
    for clock in clocks:
        clock.join()


@pytest.fixture
def own_server(process_environment, transactional_db, tmp_path: Path) -> Iterator[Postgres]:
    """A database server that may crash; the processes and the ORM of this test use it."""
    folder = Path(short_temporary_folder()) / f"restarts-{os.getpid()}"
    folder.mkdir(mode=0o711)
    server = Postgres(folder / "data", folder, tmp_path / "postgres.log")
    try:
        server.start()
        fill_database(server.url())
        process_environment["DATABASE_URL"] = server.url()
        with orm_at(server.url()):
            yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def crash(server: Postgres) -> None:
    """End a database server at once with all that it was doing, and start it again."""
    os.kill(server.program.process.pid, signal.SIGQUIT)
    server.program.process.wait()
    server.start()
    connection.close()


def flush_broker(url: str) -> None:
    """Forget every bell that was rung."""
    path, _, database = url.removeprefix("redis+socket://").partition("?virtual_host=")
    with redis.Redis(unix_socket_path=path, db=int(database)) as broker:
        broker.flushdb()


def end_connections() -> None:
    """End every other connection to this test's database in the middle of what it does, as a restart does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def kill_one_of(worker: Worker, chance: random.Random) -> int:
    """`kill -9` one process of a worker's pool, which its parent replaces; return how many were killed."""
    parent = worker.program.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    if not children:
        return 0
    os.kill(int(chance.choice(children)), signal.SIGKILL)
    return 1


@contextlib.contextmanager
def stopped(worker: Worker) -> Iterator[None]:
    """Freeze a worker with its pool, as a machine that is out of memory or suspended does."""
    group = os.getpgid(worker.program.process.pid)
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


def finish(campaign: Campaign, *, seconds: float) -> None:
    """Wait until nothing of the campaign is on its way."""
    deadline = time.monotonic() + seconds
    while campaign.messages.filter(state__in=OPEN).exists():
        assert time.monotonic() < deadline, Counter(campaign.messages.values_list("state", flat=True))
        time.sleep(0.2)


def assert_accounted_for(campaign: Campaign, sink: SmtpSink, audience: int, *, unknown_at_most: int) -> None:
    """Nobody got two mails; everybody is sent or unknown; whoever is sent got theirs; each has a code."""
    mails = Counter(recipient for mail in list(sink.received) for recipient in mail.recipients)
    states = Counter(campaign.messages.values_list("state", flat=True))
    sent = set(campaign.messages.filter(state="SENT").values_list("address", flat=True))
    unknown = set(campaign.messages.filter(state="UNKNOWN").values_list("address", flat=True))
    assert states["SENT"] + states["UNKNOWN"] == audience, states
    assert states["UNKNOWN"] <= unknown_at_most
    assert max(mails.values()) == 1
    assert sent <= set(mails) <= sent | unknown


def waiting(campaign: Campaign) -> int:
    return Message.objects.filter(campaign=campaign, state="PENDING").count()
