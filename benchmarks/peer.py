"""pretix, from PyPI and in a process of its own, as a peer of gift cards.

It is no part of the project: `PRETIX_PYTHON` names the Python of a virtual environment into which somebody
installed `pretix` and `gunicorn`. Its database stands on the same PostgreSQL server.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.servers import free_port, wait_for

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
    """Migrate a database for pretix, serve it with as many workers and threads as ours; None without it."""
    python = os.environ.get("PRETIX_PYTHON")
    if not python:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = _environment(folder, port)
        _manage(python, environment, "migrate")
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


def _manage(python: str, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [python, "-m", "pretix", *arguments], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def _environment(folder: str, port: int) -> dict[str, str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS pretix")
        cursor.execute("CREATE DATABASE pretix")
    settings = connection.settings_dict
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "PRETIX_DATABASE_BACKEND": "postgresql",
        "PRETIX_DATABASE_NAME": "pretix",
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
