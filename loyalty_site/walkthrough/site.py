"""A site of its own for the walkthrough: a new database on the running server, web, worker and clock."""

import os
import signal
import socket
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections

from loyalty_site.demo.staff import create_logins
from loyalty_site.devserver.preparation import collect_static_files
from loyalty_site.devserver.processes import Program, tail_of
from loyalty_site.environment import BASE_DIR
from loyalty_site.walkthrough.client import Client
from loyalty_site.walkthrough.mailbox import wait_until
from operations.models import ApiClient

QUEUES = "celery,fast,rights,bulk,analytics"
# Databases of the broker's server that nothing else of Fidelio uses.
BROKER_DATABASE, CACHE_DATABASE = 8, 9


@contextmanager
def scratch_site(smtp_port: int, *, template: str = "") -> Iterator[Client]:
    """Run a fresh site that mails to `smtp_port`; everything is gone at the end of the block.

    `template` is a migrated database to copy, which is faster than to migrate a new one.
    """
    with ExitStack() as stack:
        name = stack.enter_context(_database(template))
        key = _prepare(name, migrate=not template)
        port = free_port()
        environment = _environment(name, port, smtp_port)
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="walkthrough-")))
        web = _start(
            stack, "web", environment, logs, "gunicorn", "--config", "loyalty_site/gunicorn.py",
            "--workers", "2", "--threads", "8", "--bind", f"127.0.0.1:{port}", "loyalty_site.wsgi",
        )  # fmt: skip
        worker = _start(
            stack, "worker", environment, logs, "celery", "-A", "loyalty_site", "worker", "--beat",
            "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler", "--queues", QUEUES,
            "--concurrency", "1", "--hostname", f"walkthrough-{os.getpid()}@%h", "--loglevel", "INFO",
        )  # fmt: skip
        base_url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(web, f"{base_url}/healthz"), "the web server")
        wait_until(lambda: _is_ready(worker), "the worker")
        yield Client(base_url, key)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def _database(template: str) -> Iterator[str]:
    """Make a database on the server in use, work on it, drop it."""
    usual = connection.settings_dict["NAME"]
    name = f"fidelio_walkthrough_{os.getpid()}"
    copied = f' TEMPLATE "{template}"' if template else ""
    _execute(f'CREATE DATABASE "{name}"{copied}')
    connections.close_all()
    connection.settings_dict["NAME"] = name
    try:
        yield name
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = usual
        _execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(statement: str) -> None:
    connections.close_all()
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement)


def _prepare(name: str, *, migrate: bool) -> str:
    """Migrate, make the staff and an API client; return its key."""
    collect_static_files()
    if migrate:
        call_command("migrate", interactive=False, verbosity=0)
    create_logins()
    _, key = ApiClient.objects.create_key(name="walkthrough", scopes=["all"])
    connections.close_all()
    return key


def _environment(name: str, port: int, smtp_port: int) -> dict[str, str]:
    broker, cache = _broker_urls()
    base_url = f"http://127.0.0.1:{port}"
    return dict(os.environ) | {
        "DATABASE_URL": urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}")),
        "CELERY_BROKER_URL": broker,
        "CACHE_URL": cache,
        "SECRET_KEY": settings.SECRET_KEY,
        "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
        "PUBLIC_URL": base_url,
        "PORT": str(port),
        "ALLOWED_HOSTS": "127.0.0.1",
        "ENVIRONMENT": "sandbox",
        # So that a stop finds one mail in the air, and not two now and then.
        "MESSAGE_CONNECTIONS": "1",
    }


def _broker_urls() -> tuple[str, str]:
    """Return broker and cache on databases of their own, emptied."""
    import redis

    parts = urlsplit(settings.CELERY_BROKER_URL)
    if parts.scheme == "redis+socket":
        broker = f"redis+socket://{parts.path}?virtual_host={BROKER_DATABASE}"
        address = f"unix://{parts.path}"
        cache = f"{address}?db={CACHE_DATABASE}"
        server = f"{address}?db={BROKER_DATABASE}"
    elif parts.scheme in ("redis", "rediss"):
        broker = server = urlunsplit(parts._replace(path=f"/{BROKER_DATABASE}"))
        cache = urlunsplit(parts._replace(path=f"/{CACHE_DATABASE}"))
    else:
        raise CommandError("The broker is no Redis or Valkey: give --base-url and --key of a fresh site.")
    for url in (server, cache):
        with redis.from_url(url) as database:
            database.flushdb()
    return broker, cache


def _start(stack: ExitStack, name: str, environment: dict[str, str], logs: Path, *arguments: str) -> Program:
    program = Program(
        name,
        [sys.executable, "-m", *arguments],
        log=logs / f"{name}.log",
        env=environment,
        cwd=BASE_DIR,
        death_signal=signal.SIGKILL,
        farewell=((signal.SIGTERM, 5.0), (signal.SIGQUIT, 2.0)),
    )
    program.start()
    stack.callback(program.stop)
    return program


def _answers(web: Program, url: str) -> bool:
    _must_run(web)
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _is_ready(worker: Program) -> bool:
    _must_run(worker)
    return " ready." in worker.log.read_text(errors="replace")


def _must_run(program: Program) -> None:
    if not program.running:
        raise CommandError(f"The {program.name} ended at once:\n{tail_of(program.log, lines=30)}")
