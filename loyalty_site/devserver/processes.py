"""Child processes that end when their parent does, whatever ends it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class StartFailed(Exception):
    """A process could not be started; the message is for a person and carries the end of its log."""


@dataclass(frozen=True)
class Account:
    """The operating system's user a process runs as."""

    name: str
    uid: int
    gid: int


def current_account() -> Account:
    """The account of this process; the name may be missing from the user database."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    return Account(name, os.geteuid(), os.getegid())


def unprivileged_account() -> Account:
    """An existing account without rights, for servers that refuse to run as root.

    Raises StartFailed where the machine has neither `postgres` nor `nobody`.
    """
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise StartFailed(
        "PostgreSQL does not run as root and this machine has no account named postgres or nobody."
        " Start Fidelio as a plain user, or set DATABASE_URL."
    )


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    hands: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own; the kernel sends it `death_signal` when this process dies.

    `hands` are open files it inherits under the same numbers.
    The signal comes when the *thread* that called this ends: call it from the main thread.
    Raises StartFailed when the program cannot be executed.
    """
    parent = os.getpid()
    options: dict = {}
    if account is not None and account.uid != os.geteuid():
        options = {"user": account.uid, "group": account.gid, "extra_groups": []}
    with log.open("ab") as output:
        try:
            # The hook runs after the change of user, which would clear the death signal.
            return subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(env) if env is not None else None,
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_die_with(parent, death_signal),
                pass_fds=hands,
                **options,
            )
        except OSError as error:
            raise StartFailed(f"Cannot execute {argv[0]}: {error.strerror}.") from error


def _die_with(parent: int, death_signal: signal.Signals) -> Callable[[], None]:
    def set_death_signal() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return set_death_signal


@dataclass
class Program:
    """What to run, and how it likes to be stopped: each signal with the seconds it is given."""

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    account: Account | None = None
    death_signal: signal.Signals = signal.SIGTERM
    farewell: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 10.0),)
    hands: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Raises StartFailed when the program cannot be executed."""
        self.process = spawn(
            self.argv,
            log=self.log,
            env=self.env,
            cwd=self.cwd,
            account=self.account,
            death_signal=self.death_signal,
            hands=self.hands,
        )

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        """Send the first signal of the farewell and return at once; `stop` waits for the end."""
        if self.running:
            self.process.send_signal(self.farewell[0][0])

    def stop(self, *, in_a_hurry: Callable[[], bool] = lambda: False) -> None:
        """Work through the farewell, then kill the whole session, so that no grandchild stays behind."""
        if self.process is None:
            return
        for number, seconds in self.farewell:
            if self.process.poll() is not None or in_a_hurry():
                break
            self.process.send_signal(number)
            _wait(self.process, seconds, in_a_hurry)
        kill_session(self.process.pid)
        self.process.wait()
        self.process = None

    def bury(self) -> int:
        """Clear up after a program that ended by itself; returns its exit status."""
        status = self.process.wait()
        kill_session(self.process.pid)
        self.process = None
        return status


def _wait(process: subprocess.Popen[bytes], seconds: float, in_a_hurry: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline and not in_a_hurry():
        time.sleep(0.05)


def kill_session(leader: int) -> None:
    """Kill what is left of the process group that `spawn` made for `leader`."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def birth_of(pid: int) -> str | None:
    """When a process started, in clock ticks since boot: with the pid it names one process for good."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def command_line_of(pid: int) -> list[str]:
    """The argv of a running process; empty for one that is gone or a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def tail_of(log: Path, *, lines: int = 15) -> str:
    """The last lines of a log, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 8192))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
