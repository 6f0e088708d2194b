"""Early pytest plugin: real PostgreSQL and Valkey for the tests, started before Django reads its settings.

One server of each per test run, in a temporary folder, gone with the run however it ends. The database is
migrated once, into a template; every xdist worker works on a clone of it. With `TEST_DATABASE_URL` the
databases are made on that server instead and dropped afterwards.

After a test that commits (`transaction=True`) the worker's database is cloned anew instead of being
flushed: a flush would take away what migrations wrote and would leave tables that Django does not manage.
"""

from __future__ import annotations

import fcntl
import gc
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from loyalty_site.devserver.folder import REPOSITORY, short_temporary_folder
from loyalty_site.devserver.postgres import Postgres, wheel_folder
from loyalty_site.devserver.processes import StartFailed, birth_of
from loyalty_site.devserver.valkey import Valkey

PREFIX = "fidelio-tests-"
SERVER = "FIDELIO_TESTS_SERVER"
BROKER = "FIDELIO_TESTS_BROKER"
FOLDER = "FIDELIO_TESTS_FOLDER"
RUN = "FIDELIO_TESTS_RUN"
MEMORY, ROOM = "/dev/shm", 6 * 1024**3

_servers: list[Postgres | Valkey] = []


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """A wrapper, because pytest-django reads the settings in the same hook, as the first of the others."""
    options = early_config.known_args_namespace
    if not is_xdist_worker():
        idle = options.help or options.version or getattr(options, "collectonly", False)
        _open_run(start_servers=not idle)
    point_settings_at_tests()
    return (yield)


def pytest_configure() -> None:
    """What costs seconds and proves nothing: slow password hashes, a manifest of static files."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    plain_storage = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain_storage}
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    if not is_xdist_worker():
        from loyalty_site.catalogues import catalogue_paths, compile_catalogue

        for po in catalogue_paths():
            compile_catalogue(po)


def pytest_collection_finish() -> None:
    """Thousands of tests and models never go away: the collector need not walk over them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def collect_static_files() -> None:
    """For real web servers: with a manifest, as outside of tests. Kept between runs, made anew when stale."""
    kept = REPOSITORY / ".pytest_cache" / "static"
    kept.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(kept.with_suffix(".lock")):
        static = Path(os.environ["FIDELIO_DATA"], "static")
        if static.is_symlink():
            return
        shutil.rmtree(static, ignore_errors=True)
        static.symlink_to(kept)
        code = "import django; django.setup()\n"
        code += "from loyalty_site.devserver.preparation import collect_static_files as it; it()"
        subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


def pytest_unconfigure() -> None:
    if is_xdist_worker() or FOLDER not in os.environ:
        return
    if _servers and "TEST_DATABASE_URL" in os.environ:
        _drop_databases()
    for server in reversed(_servers):
        server.stop()
    _servers.clear()
    shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


def is_xdist_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def worker_number() -> int:
    """0 for a run without xdist and for its controller, else from 1."""
    return int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")) + 1 if is_xdist_worker() else 0


def point_settings_at_tests() -> None:
    """The variables that settings read: this worker's own database, broker and cache, nothing of `.data`."""
    number = worker_number()
    os.environ |= {
        "FIDELIO_DATA": str(Path(os.environ[FOLDER], "data")),
        "DATABASE_URL": database_url(worker_database()),
        "CELERY_BROKER_URL": broker_url(2 * number),
        "CACHE_URL": cache_url(2 * number + 1),
        "EMAIL_URL": "smtp://127.0.0.1:9",
        "SECRET_KEY": "only for tests, where nothing is secret and everything is thrown away",
        "DEMO": "0",
    }


def worker_database() -> str:
    return f"{os.environ[RUN]}_{worker_number()}"


def database_url(name: str) -> str:
    return urlunsplit(urlsplit(os.environ[SERVER])._replace(path=f"/{name}"))


def broker_url(database: int) -> str:
    return f"{os.environ[BROKER]}?virtual_host={database}"


def cache_url(database: int) -> str:
    return f"{os.environ[BROKER].replace('redis+socket://', 'unix://')}?db={database}"


def execute(statement: str) -> None:
    """Run one statement as the owner of the server, outside a transaction."""
    import psycopg

    with psycopg.connect(os.environ[SERVER], autocommit=True) as connection:
        connection.execute(statement)


def clone_template(name: str) -> None:
    """Make the database `name` anew from the migrated template, whoever is connected to the old one."""
    _make_template()
    execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    # Two thousand small files, which the log need not know of.
    execute(f'CREATE DATABASE "{name}" TEMPLATE "{_template()}" STRATEGY FILE_COPY')


def drop_database(name: str) -> None:
    execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker) -> None:
    """In place of pytest-django's: a clone of the template, not a database migrated by each worker."""
    from django.test import TransactionTestCase

    with django_db_blocker.unblock():
        clone_template(worker_database())
    TransactionTestCase._fixture_teardown = _restore_database


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """No test sees what another one left in the cache: throttles, locks, counters."""
    yield
    from django.core.cache import cache

    cache.clear()


def _restore_database(test_case) -> None:
    close_connections()
    clone_template(worker_database())


def close_connections() -> None:
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        connection.close_pool()


def _open_run(*, start_servers: bool) -> None:
    _sweep_up_killed_runs()
    prefix = f"{PREFIX}{os.getpid()}-{birth_of(os.getpid())}-"
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=_roomy_folder()))
    folder.chmod(0o711)
    os.environ[FOLDER] = str(folder)
    os.environ[RUN] = f"test_fidelio_{os.getpid()}"
    os.environ[SERVER] = os.environ.get("TEST_DATABASE_URL", "postgres://nobody@127.0.0.1:9/none")
    os.environ[BROKER] = "redis+socket:///nowhere"
    if start_servers:
        try:
            _start_servers(folder)
        except StartFailed as error:
            pytest.exit(str(error), returncode=3)


def _roomy_folder() -> str:
    """In memory where there is room: a disk takes up to 2 s for the files of a clone, memory 0.04 s."""
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free >= ROOM and os.access(MEMORY, os.W_OK):
            return MEMORY
    return short_temporary_folder()


def _start_servers(folder: Path) -> None:
    if "TEST_DATABASE_URL" not in os.environ:
        postgres = Postgres(folder / "postgres", folder, folder / "postgres.log", durable=False)
        postgres.start()
        _servers.append(postgres)
        os.environ[SERVER] = postgres.url("postgres")
    valkey = Valkey(folder / "valkey", folder, folder / "valkey.log", durable=False)
    valkey.start()
    _servers.append(valkey)
    os.environ[BROKER] = valkey.broker_url().partition("?")[0]
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _sweep_up_killed_runs() -> None:
    """The kernel ended the servers of a run that was killed; its folder is still there."""
    for where in {short_temporary_folder(), MEMORY}:
        for folder in Path(where).glob(f"{PREFIX}*"):
            pid, birth, _ = folder.name.removeprefix(PREFIX).split("-", 2)
            if birth_of(int(pid)) != birth:
                shutil.rmtree(folder, ignore_errors=True)


def _template() -> str:
    return f"{os.environ[RUN]}_template"


def _make_template() -> None:
    """Whichever worker comes first migrates; the others wait for it."""
    done = Path(os.environ[FOLDER], "template-is-made")
    if done.exists():
        return
    with _one_at_a_time(Path(os.environ[FOLDER], "lock")):
        if done.exists():
            return
        _create_template()
        if "TEST_DATABASE_URL" in os.environ:
            _migrate(_template())
        else:
            _migrate_from_dump(_dump_of_these_migrations())
        done.touch()


def _migrate_from_dump(dump: Path) -> None:
    """Only on a server of our own, whose version the programs in the wheel have."""
    if dump.exists() and not _restore(dump):
        dump.unlink()
        _create_template()
    _migrate(_template())
    if not dump.exists():
        _save(dump)


def _create_template() -> None:
    execute(f'DROP DATABASE IF EXISTS "{_template()}"')
    execute(f'CREATE DATABASE "{_template()}"')


def _dump_of_these_migrations() -> Path:
    """Where an earlier run of the same migrations left its result: restoring takes 1 s, migrating fifteen."""
    from django.apps import apps

    digest = hashlib.sha256()
    for config in sorted(apps.get_app_configs(), key=lambda config: config.label):
        for file in sorted(Path(config.path, "migrations").glob("*.py")):
            digest.update(f"{config.label} {file.name}".encode() + file.read_bytes())
    return REPOSITORY / ".pytest_cache" / "templates" / f"{digest.hexdigest()[:16]}.sql"


def _restore(dump: Path, url: str = "") -> bool:
    options = ["--quiet", "--single-transaction", "--set", "ON_ERROR_STOP=1", "--file", str(dump)]
    command = [_program("psql"), *options, "--dbname", url or database_url(_template())]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode == 0


def fill_database(url: str) -> None:
    """Bring an empty database on a server of a test's own to these migrations."""
    if _restore(_dump_of_these_migrations(), url):
        return
    environment = dict(os.environ) | {"DATABASE_URL": url}
    command = [sys.executable, "manage.py", "migrate", "-v", "0"]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)


def _save(dump: Path) -> None:
    dump.parent.mkdir(parents=True, exist_ok=True)
    unfinished = dump.with_suffix(f".{os.getpid()}")
    arguments = ["--dbname", database_url(_template()), "--file", str(unfinished)]
    subprocess.run([_program("pg_dump"), *arguments], check=True)
    unfinished.replace(dump)
    for old in sorted(dump.parent.glob("*.sql"), key=lambda file: file.stat().st_mtime)[:-5]:
        old.unlink(missing_ok=True)


def _program(name: str) -> str:
    return str(wheel_folder() / "pginstall" / "bin" / name)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrate(name: str) -> None:
    from django.core.management import call_command
    from django.db import connection

    close_connections()
    usual = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", interactive=False, verbosity=0)
    finally:
        close_connections()
        connection.settings_dict["NAME"] = usual


def _drop_databases() -> None:
    import psycopg

    with psycopg.connect(os.environ[SERVER], autocommit=True) as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [os.environ[RUN]]
        ).fetchall()
    for (name,) in rows:
        drop_database(name)
