"""PostgreSQL and Valkey of the data folder, started and stopped for real."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from loyalty_site.devserver.folder import DataFolder, short_temporary_folder
from loyalty_site.devserver.postgres import Postgres
from loyalty_site.devserver.processes import StartFailed
from tests.processes import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def data(tmp_path):
    return tmp_path / 'it\'s a "shop" with spaces'


@pytest.fixture
def sockets():
    """A short path that an unprivileged account can reach, which `tmp_path` is not."""
    folder = Path(tempfile.mkdtemp(prefix="fidelio-", dir=short_temporary_folder()))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def start(data):
    """Starts the services of the data folder as `make run` does; returns the process once it is up."""
    processes = []

    def start() -> subprocess.Popen:
        environment = {key: value for key, value in os.environ.items() if key != "SECRET_KEY"}
        environment |= {"FIDELIO_DATA": str(data), "DATABASE_URL": "", "CELERY_BROKER_URL": ""}
        process = subprocess.Popen(
            [sys.executable, "-m", "loyalty_site.devserver.services"],
            cwd=REPOSITORY,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        process.first_line = process.stdout.readline()
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def published(data: Path) -> dict:
    return json.loads((data / "services.json").read_text())


def servers_of(data: Path) -> list[int]:
    """The processes that work in the data folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd").startswith(str(data)):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def test_they_start_in_any_folder_and_leave_nothing_behind(start, data):
    process = start()
    services = wait_until(lambda: (data / "services.json").exists() and published(data))

    with psycopg.connect(services["DATABASE_URL"]) as connection:
        (encoding,) = connection.execute("SHOW server_encoding").fetchone()
    assert encoding == "UTF8"
    assert (data / "services.json").stat().st_mode & 0o077 == 0
    assert (data / "secret_key").stat().st_mode & 0o077 == 0
    assert len(services["SECRET_KEY"]) > 50

    sockets = Path(services["CELERY_BROKER_URL"].removeprefix("redis+socket://").partition("?")[0]).parent
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert servers_of(data) == []
    assert not sockets.exists()
    assert not (data / "services.json").exists()


def test_a_second_start_on_the_same_folder_is_refused(start, data):
    first = start()
    wait_until(lambda: (data / "services.json").exists())

    second = start()

    assert second.wait(30) == 1
    assert f"The data folder {data} is in use" in second.stderr.read()
    assert first.poll() is None


def test_a_start_after_a_kill_finds_everything_again(start, data):
    first = start()
    before = wait_until(lambda: (data / "services.json").exists() and published(data))
    with psycopg.connect(before["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

    first.kill()
    first.wait()
    second = start()
    wait_until(lambda: (data / "services.json").exists() and published(data) != before)
    after = published(data)

    with psycopg.connect(after["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    assert after["SECRET_KEY"] == before["SECRET_KEY"]
    assert second.poll() is None


def test_a_server_left_without_a_supervisor_and_a_pid_of_another_process_are_no_obstacle(data, sockets):
    def server() -> Postgres:
        return Postgres(data / "postgres", sockets, sockets / "postgres.log", durable=False)

    left = server()
    left.start()
    again = server()
    again.start()
    assert wait_until(lambda: not left.program.running)
    again.stop()

    (data / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{data / 'postgres'}\n")
    again = server()
    again.start()
    again.stop()


def test_the_log_of_a_server_that_does_not_start_is_shown(data, sockets):
    server = Postgres(data / "postgres", sockets, sockets / "postgres.log", durable=False)
    server.start()
    server.stop()
    (data / "postgres" / "PG_VERSION").write_text("9\n")

    with pytest.raises(StartFailed, match="initialized by PostgreSQL version 9"):
        server.start()


def test_a_folder_is_claimed_once(data):
    first, second = DataFolder(data), DataFolder(data)
    first.claim()

    with pytest.raises(StartFailed, match="is in use"):
        second.claim()

    first.release()
    second.claim()
    second.release()


def test_a_process_remembered_by_a_killed_supervisor_is_ended_but_not_its_namesake(data):
    folder = DataFolder(data)
    folder.claim()
    sleepers = [subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(2)]
    folder.remember_children([sleeper.pid for sleeper in sleepers])
    remains = json.loads((data / "remains.json").read_text())
    remains["children"][str(sleepers[1].pid)] = "born another day"
    (data / "remains.json").write_text(json.dumps(remains))
    os.close(folder._lock)

    successor = DataFolder(data)
    successor.claim()
    successor.release()

    assert sleepers[0].wait(10) == -signal.SIGKILL
    time.sleep(0.1)
    assert sleepers[1].poll() is None
    sleepers[1].kill()
    sleepers[1].wait()
