"""What became of the records of a file: counts, reasons, and the file that says it line by line."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from django.utils.translation import gettext_lazy as _

from customers.imports.plan import Draft, RowMistake
from customers.imports.records import Record
from operations.cells import inert

REASONS_KEPT = 50


@dataclass
class Report:
    """Counts of records; `reasons` by code and column, each with an example; `notices` by key."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    reasons: dict[str, dict[str, Any]] = field(default_factory=dict)
    notices: Counter[str] = field(default_factory=Counter)
    error_bytes: int = 0

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Report":
        known = {name: value for name, value in stored.items() if name in cls.__dataclass_fields__}
        report = cls(**known)
        report.notices = Counter(report.notices)
        report.reasons = {code: dict(reason) for code, reason in report.reasons.items()}
        return report

    def stored(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {
            "notices": dict(self.notices)
        }

    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("created", "updated", "unchanged", "rejected")}

    def reject(self, draft: Draft) -> None:
        self.rejected += len(draft.records)
        for mistake in draft.mistakes[:1]:
            kind, reason = mistake.code, self.reasons.get(mistake.code)
            if reason and reason["column"] != mistake.column:
                kind = f"{mistake.code} {mistake.column}"
                reason = self.reasons.get(kind)
            if reason is None and len(self.reasons) < REASONS_KEPT:
                where = {"line": mistake.line, "column": mistake.column, "message": mistake.message}
                reason = self.reasons[kind] = {"count": 0} | where
            if reason is not None:
                reason["count"] += 1


class Refused(Protocol):
    """Records that were not taken, and why."""

    records: list[Record]
    mistakes: list[RowMistake]


class ErrorFile:
    """The refused records as CSV: line, column, code, sentence, and the line as it stood in the file.

    `size` is how much of it is agreed; what a killed process wrote behind that is cut off.
    """

    HEADER = (_("line"), _("column"), _("code"), _("message"), _("original"))

    def __init__(self, path: Path, *, size: int = 0) -> None:
        self.path, self.size = path, size

    def __enter__(self) -> "ErrorFile":
        self.file = self.path.open("r+b" if self.path.exists() else "w+b")
        self.file.truncate(self.size)
        self.file.seek(self.size)
        if not self.size:
            self._write("\ufeff" + _line([str(name) for name in self.HEADER]))
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def add(self, drafts: Sequence[Refused]) -> int:
        """Write what is wrong with these and return the size of the file then; on disk when it returns."""
        for draft in drafts:
            texts = {record.line: record.text for record in draft.records}
            for mistake in draft.mistakes:
                cells = [str(mistake.line), mistake.column, mistake.code, mistake.message]
                self._write(_line([*cells, texts.get(mistake.line, draft.records[0].text)]))
        self.file.flush()
        return self.file.tell()

    def _write(self, text: str) -> None:
        self.file.write(text.encode("utf-8", "replace"))


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([inert(cell) for cell in cells])
    return out.getvalue()
