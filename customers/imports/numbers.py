"""Which numbers a file has had so far, and on which line, for files of any length."""

import sqlite3
from types import TracebackType


class Numbers:
    """Numbers with the line where each stood first; millions of them lie in a file that nobody sees."""

    def __enter__(self) -> "Numbers":
        # A private one: SQLite deletes it when it is closed, or the process ends.
        self._table = sqlite3.connect("", isolation_level=None)
        self._table.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE number (text TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID; BEGIN"
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._table.close()

    def add(self, number: str, line: int) -> None:
        self._table.execute("INSERT OR IGNORE INTO number VALUES (?, ?)", (number, line))

    def line_of(self, number: str) -> int | None:
        """Return the line on which a number stood first; None for one that is new."""
        found = self._table.execute("SELECT line FROM number WHERE text = ?", (number,)).fetchone()
        return found[0] if found else None
