"""The whole of `make run`, without make."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from loyalty_site.devserver.processes import Program, birth_of, command_line_of
from loyalty_site.devserver.supervisor import hold_port
from tests.devserver.test_services import servers_of
from tests.processes import free_port, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
OWN = ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "EMAIL_URL", "SECRET_KEY")

PRINT_SECRET_KEY = "from django.conf import settings; print(settings.SECRET_KEY)"


class Run:
    """A supervisor in a process of its own, with what it prints."""

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.port = port
        self.environment = {key: value for key, value in os.environ.items() if key not in OWN}
        self.environment |= {"FIDELIO_DATA": str(data), "PORT": str(port), "DEMO": "0"}
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "loyalty_site.devserver"],
            cwd=REPOSITORY,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        self.lines += (line.rstrip() for line in self.process.stdout)

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, pattern: str, *, seconds: float = 90.0) -> str:
        return wait_until(
            lambda: re.search(pattern, self.output), seconds=seconds, what=f"{pattern!r} in the output"
        ).group()

    def end(self) -> int:
        status = self.process.wait(90)
        self.reader.join()
        return status


@pytest.fixture
def run(tmp_path):
    runs = []

    def run(*, port: int | None = None) -> Run:
        runs.append(Run(tmp_path / "a shop", port or free_port()))
        return runs[-1]

    yield run
    for each in runs:
        if each.process.poll() is None:
            each.process.terminate()
        each.end()


def processes_named(data: Path, *words: str) -> list[int]:
    """Processes of this data folder whose command line has all of `words`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        try:
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"FIDELIO_DATA={data}\0" in environment and all(word in command_line_of(pid) for word in words):
            found.append(pid)
    return found


@pytest.mark.slow
def test_it_starts_revives_what_dies_and_stops_the_databases_last(run):
    site = run()
    site.wait_for("Stop with Ctrl-C")
    services = json.loads((site.data / "services.json").read_text())
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/healthz") as response:
        assert response.status == 200
    told = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", PRINT_SECRET_KEY],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "FIDELIO_DATA": str(site.data)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == services["SECRET_KEY"]

    (beat,) = processes_named(site.data, "beat")
    os.kill(beat, signal.SIGKILL)
    site.wait_for("beat was killed by SIGKILL; starting it again in 1 s")
    wait_until(lambda: processes_named(site.data, "beat"), what="beat to be there again")
    (postgres,) = [pid for pid in servers_of(site.data) if "-D" in command_line_of(pid)]
    os.kill(postgres, signal.SIGKILL)
    site.wait_for("postgres was killed by SIGKILL")
    wait_until(lambda: _is_ready(site.port), seconds=60, what="the site to be ready again")

    site.process.send_signal(signal.SIGTERM)
    assert site.end() == 0
    stopped = [line.split("] ")[1] for line in site.lines if line.endswith("stopped")]
    assert stopped[0] == "web stopped"
    assert stopped[-1] == "Valkey and PostgreSQL stopped"
    assert {"beat stopped", "worker-fast stopped", "worker-bulk stopped"} < set(stopped)
    assert servers_of(site.data) == []
    assert processes_named(site.data) == []


@pytest.mark.slow
def test_after_a_kill_nothing_goes_on_and_the_next_start_is_complete(run):
    first = run()
    first.wait_for("Stop with Ctrl-C")
    wait_until(lambda: processes_named(first.data, "worker"), what="the workers")

    first.process.kill()
    first.process.wait()
    second = run(port=first.port)
    second.wait_for("Stop with Ctrl-C")

    with urllib.request.urlopen(f"http://127.0.0.1:{second.port}/readyz") as response:
        assert response.status == 200
    second.process.send_signal(signal.SIGINT)
    assert second.end() == 0
    assert processes_named(second.data) == []


@pytest.mark.slow
def test_a_signal_during_the_start_stops_what_was_started(run):
    site = run()
    site.wait_for("Database, catalogues and static files")

    site.process.send_signal(signal.SIGINT)

    assert site.end() == 130
    assert servers_of(site.data) == []
    assert processes_named(site.data) == []


def test_a_port_in_use_is_said_before_anything_starts(run):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        site = run(port=port)

        assert site.end() == 1
    assert f"Port {port} on 127.0.0.1 is in use" in site.output
    assert not (site.data / "postgres").exists()


def test_two_servers_never_hold_one_port_for_their_inboxes():
    with hold_port(0) as first:
        taken = first.getsockname()[1]

        assert hold_port(taken) is None

    with hold_port(taken) as next_one:
        assert next_one.getsockname()[1] == taken


@pytest.mark.parametrize("port", ["eight", "0", "65536"])
def test_a_port_that_is_no_port_is_refused(run, port):
    site = run(port=port)

    assert site.end() == 1
    assert site.output == f"PORT must be a number from 1 to 65535, not {port!r}."


def test_a_stop_takes_the_grandchildren_too(tmp_path):
    program = Program("family", ["/bin/sh", "-c", "sleep 61 & echo $!; wait"], log=tmp_path / "log")
    program.start()
    grandchild = int(wait_until(lambda: (tmp_path / "log").read_text().strip()))
    assert birth_of(grandchild) is not None

    program.stop()

    assert not program.running
    wait_until(lambda: command_line_of(grandchild) == [], what="the grandchild to end")


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False
