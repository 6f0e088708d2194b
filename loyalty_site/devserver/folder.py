"""The data folder: what lies where in it, who may use it, and what is written down for other shells."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from .processes import StartFailed, birth_of, command_line_of, kill_session

REPOSITORY = Path(__file__).resolve().parents[2]
SOCKET_PATH_BYTES = 107


def data_path() -> Path:
    """`FIDELIO_DATA`, or `.data` in the repository."""
    return Path(os.environ.get("FIDELIO_DATA") or REPOSITORY / ".data").absolute()


@dataclass
class DataFolder:
    """Used by one supervisor at a time, which holds it from `claim` to `release`."""

    path: Path = field(default_factory=data_path)
    sockets: Path | None = field(default=None, init=False)
    _lock: int | None = field(default=None, init=False)

    @property
    def logs(self) -> Path:
        return self.path / "log"

    @property
    def services_file(self) -> Path:
        return self.path / "services.json"

    def claim(self) -> None:
        """Make the folder and take it for this process.

        Sockets go to a short path elsewhere, because the path of a socket has at most 107 bytes. What a
        killed supervisor left running or lying about is cleared away.
        Raises StartFailed when another supervisor has the folder or it cannot be written.
        """
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StartFailed(f"Cannot use the data folder {self.path}: {error.strerror}.") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = None
            raise StartFailed(self._who_has_it()) from None
        self._clear_remains()
        self.sockets = Path(tempfile.mkdtemp(prefix="fidelio-", dir=short_temporary_folder()))
        self.sockets.chmod(0o711)
        self._write("remains.json", {"sockets": str(self.sockets), "children": {}})

    def release(self) -> None:
        if self._lock is None:
            return
        self.services_file.unlink(missing_ok=True)
        shutil.rmtree(self.sockets, ignore_errors=True)
        (self.path / "remains.json").unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = None

    def publish(self, services: dict[str, str | int]) -> None:
        """Tell other shells where the services are; readable by this user only."""
        self._write("services.json", services | {"SUPERVISOR_PID": os.getpid()})

    def remember_children(self, pids: list[int]) -> None:
        """So that the next start can end them, should this process be killed before it could."""
        children = {str(pid): birth_of(pid) for pid in pids}
        self._write("remains.json", {"sockets": str(self.sockets), "children": children})

    def secret_key(self) -> str:
        """`SECRET_KEY` from the environment, else one that is generated once and kept."""
        if os.environ.get("SECRET_KEY"):
            return os.environ["SECRET_KEY"]
        file = self.path / "secret_key"
        if not file.exists():
            self._write_text(file, secrets.token_urlsafe(50))
        return file.read_text().strip()

    def log(self, name: str) -> Path:
        """The log of one process; a long one starts anew, its predecessor is kept."""
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > 10 * 1024 * 1024:
            path.replace(path.with_suffix(".log.1"))
        return path

    def _who_has_it(self) -> str:
        try:
            services = json.loads(self.services_file.read_text())
            who = f" by process {services['SUPERVISOR_PID']}, on http://127.0.0.1:{services['PORT']}"
        except (OSError, ValueError, KeyError):
            who = ""
        return (
            f"The data folder {self.path} is in use{who}. Stop that one first (Ctrl-C where it runs),"
            " or give this one another folder with FIDELIO_DATA and another PORT."
        )

    def _clear_remains(self) -> None:
        self.services_file.unlink(missing_ok=True)
        file = self.path / "remains.json"
        try:
            remains = json.loads(file.read_text())
        except (OSError, ValueError):
            return
        for pid, birth in remains.get("children", {}).items():
            if birth is not None and birth_of(int(pid)) == birth:
                kill_session(int(pid))
                _wait_for_the_end_of(int(pid))
        sockets = Path(remains.get("sockets", ""))
        if sockets.name.startswith("fidelio-"):
            shutil.rmtree(sockets, ignore_errors=True)
        file.unlink()

    def _write(self, name: str, content: dict) -> None:
        self._write_text(self.path / name, json.dumps(content, indent=1))

    def _write_text(self, file: Path, content: str) -> None:
        unfinished = file.with_name(file.name + ".new")
        unfinished.unlink(missing_ok=True)
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT, 0o600), "w") as output:
            output.write(content)
        unfinished.replace(file)


def _wait_for_the_end_of(pid: int) -> None:
    """It holds its port until then; a zombie holds nothing."""
    deadline = time.monotonic() + 10
    while command_line_of(pid) and time.monotonic() < deadline:
        time.sleep(0.02)


def short_temporary_folder() -> str:
    """The system's temporary folder, unless its name is long or has capitals, which a URL's host loses."""
    preferred = tempfile.gettempdir()
    longest = len(os.fsencode(preferred)) + len("/fidelio-12345678/pg/.s.PGSQL.5432.lock")
    return preferred if longest <= SOCKET_PATH_BYTES and preferred == preferred.lower() else "/tmp"
