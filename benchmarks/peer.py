"""pretix, from PyPI and in a process of its own, as a peer of gift cards.

It is no part of the project: `PRETIX_PYTHON` names the Python of a virtual environment into which somebody
installed `pretix` and `gunicorn`. Its database stands on the same PostgreSQL server. Its some four hundred
migrations take minutes, so they run once: what they leave is kept in the user's cache folder, by version.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import free_port, wait_for
from loyalty_site.devserver.postgres import wheel_folder

DATABASE = "pretix"

ORGANISER = """
import sys
from decimal import Decimal
from pretix.base.models import Organizer
from django_scopes import scopes_disabled
with scopes_disabled():
    organiser = Organizer.objects.create(name="Bench", slug="bench")
    team = organiser.teams.create(name="Till", all_events=True, all_organizer_permissions=True)
    token = team.tokens.create(name="till").token
    cards = []
    for _ in range({cards}):
        card = organiser.issued_gift_cards.create(currency="EUR")
        card.transactions.create(value=Decimal("1000000.00"), acceptor=organiser)
        cards.append(str(card.pk))
print("READY", token, ",".join(cards))
"""


@dataclass(frozen=True)
class Peer:
    """A running pretix: where it listens, its token, and the ids of its gift cards."""

    port: int
    token: str
    cards: list[str]


@contextmanager
def pretix(cards: int) -> Iterator[Peer | None]:
    """Make a database for pretix, serve it with as many workers and threads as ours; None without it."""
    python = os.environ.get("PRETIX_PYTHON")
    if not python:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = _environment(folder, port)
        _fill(python, environment)
        said = _manage(python, environment, "shell", "-c", ORGANISER.format(cards=cards))
        token, ids = next(line for line in said.splitlines() if line.startswith("READY")).split()[1:]
        command = [python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--preload", "--keep-alive", "5"]
        command += ["--workers", str(max(2, os.cpu_count() or 2)), "--worker-class", "gthread"]
        server = subprocess.Popen(
            [*command, "--threads", "4", "--no-control-socket", "pretix.wsgi"], env=environment, cwd=folder
        )
        try:
            wait_for(port)
            yield Peer(port, token, ids.split(","))
        finally:
            server.terminate()
            server.wait(timeout=30)


def _fill(python: str, environment: dict[str, str]) -> None:
    """Fill pretix's empty database from the cache, or migrate it and keep what that leaves."""
    kept = _kept(python)
    if kept.exists():
        _tool("pg_restore", "--no-owner", "--exit-on-error", str(kept))
        return
    print("Migrating pretix, once and for all: this takes minutes.", file=sys.stderr, flush=True)
    _manage(python, environment, "migrate")
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(".part")
    _tool("pg_dump", "--format", "custom", "--file", str(unfinished))
    unfinished.rename(kept)


def _kept(python: str) -> Path:
    asked = "from importlib.metadata import version; print(version('pretix'))"
    said = subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True)
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return folder / "fidelio" / f"pretix-{said.stdout.strip()}.dump"


def _tool(name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on pretix's database, of the version that serves it."""
    from django.db import connection

    settings = connection.settings_dict
    command = [wheel_folder() / "pginstall" / "bin" / name, "--host", settings["HOST"]]
    command += ["--port", str(settings["PORT"] or 5432), "--username", settings["USER"]]
    password = {"PGPASSWORD": settings["PASSWORD"]} if settings["PASSWORD"] else {}
    subprocess.run([*command, "--dbname", DATABASE, *arguments], env=os.environ | password, check=True)


def _manage(python: str, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [python, "-m", "pretix", *arguments], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def _environment(folder: str, port: int) -> dict[str, str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    settings = connection.settings_dict
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "PRETIX_DATABASE_BACKEND": "postgresql",
        "PRETIX_DATABASE_NAME": DATABASE,
        "PRETIX_DATABASE_USER": settings["USER"],
        "PRETIX_DATABASE_PASSWORD": settings["PASSWORD"],
        "PRETIX_DATABASE_HOST": settings["HOST"],
        "PRETIX_DATABASE_PORT": str(settings["PORT"]),
        "PRETIX_PRETIX_DATADIR": folder,
        "PRETIX_PRETIX_URL": f"http://127.0.0.1:{port}",
        "DATA_DIR": folder,
        # As its handbook has it: what follows a booking goes to a queue.
        "PRETIX_CELERY_BROKER": os.environ["CELERY_BROKER_URL"],
        "PRETIX_CELERY_BACKEND": os.environ["CELERY_BROKER_URL"],
    }
