"""How far a long load is, for whoever watches: a terminal, or a job's page in the console."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TextIO

from django.db import connection

from operations.models import JobRun
from operations.services import advance_job
from operations.services.jobs import JobCancelled


class Progress:
    """Counts records through named steps. This one tells nobody."""

    def __init__(self) -> None:
        self.done = 0
        self.total = 0
        self.step = ""

    def expect(self, total: int) -> None:
        """Say how many records the whole work has."""
        self.total = total
        self.show()

    def begin(self, step: str) -> None:
        self.step = step
        self.show()

    def add(self, count: int) -> None:
        self.done += count
        self.show()

    def show(self) -> None:
        """Tell the watcher. May raise JobCancelled."""

    def close(self) -> None:
        """Tell the watcher that nothing more comes."""


class TerminalProgress(Progress):
    """A bar that moves on a terminal; on anything else one line for each step with its seconds."""

    width = 30

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream
        self.moves = stream.isatty()
        self.began_at = self.step_began_at = time.monotonic()

    def begin(self, step: str) -> None:
        self._end_step()
        self.step_began_at = time.monotonic()
        super().begin(step)

    def show(self) -> None:
        if not self.moves or not self.total:
            return
        share = min(1.0, self.done / self.total)
        bar = "█" * int(share * self.width)
        self.stream.write(f"\r\033[K{bar:░<{self.width}} {share:4.0%}  {self.done:>9,}  {self.step}")
        self.stream.flush()

    def close(self) -> None:
        self._end_step()
        self.step = ""

    def _end_step(self) -> None:
        if not self.step:
            return
        if self.moves:
            self.stream.write("\r\033[K")
        self.stream.write(f"{time.monotonic() - self.step_began_at:6.1f} s  {self.step}\n")


class JobProgress(Progress):
    """Writes into the job on a connection of its own: it is seen while the load's transaction runs."""

    pause_seconds = 0.3

    def __init__(self, job: JobRun) -> None:
        super().__init__()
        self.job = job
        self.shown_at = 0.0
        self.shown_step = ""
        self.thread = ThreadPoolExecutor(max_workers=1)  # Django's connections belong to a thread.

    def show(self) -> None:
        now = time.monotonic()
        if now - self.shown_at < self.pause_seconds and self.step == self.shown_step:
            return
        self.shown_at, self.shown_step = now, self.step
        self.thread.submit(self._write).result()

    def close(self) -> None:
        self.thread.submit(self._write_last).result()
        self.thread.shutdown()

    def _write_last(self) -> None:
        with suppress(JobCancelled):
            self._write()
        connection.close()

    def _write(self) -> None:
        if self.job.total != self.total:
            self.job.total = self.total
            self.job.save(update_fields=["total"])
        advance_job(self.job, done=self.done, step=self.step)
