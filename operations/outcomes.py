"""What a bulk service says about each item."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from operations.errors import FidelioError


class WriteMode(StrEnum):
    """Which items a bulk write takes: those that are new, those that are known, or both."""

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"


@dataclass(frozen=True)
class Notice:
    """Something the sender should know about an item that was taken all the same."""

    key: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """What became of one item: the row it led to, or the error that stopped it.

    `trace` is what the write changed, for whoever must be able to take it back; each service says its kind.
    """

    row: Any = None
    created: bool = False
    error: FidelioError | None = None
    warnings: tuple[Notice, ...] = ()
    trace: Any = None

    @property
    def status(self) -> int:
        """201 for a new row, 200 for a row that was there, else the error's own status."""
        if self.error:
            return self.error.status
        return 201 if self.created else 200
