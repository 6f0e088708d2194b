"""What a file of records is made of, whatever its format. Everything here streams: a file may be 200 MB."""

import csv
import io
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from operations.errors import InvalidInput

MAXIMUM_COLUMNS = 500
MAXIMUM_TEXT = 16 * 1024 * 1024  # characters of one line or cell; behind it a quotation mark was never closed
MAXIMUM_SHOWN = 20_000  # characters of a refused line that the error file repeats


class FileKind(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"
    XLSX = "xlsx"


class UnreadableFile(InvalidInput):
    """The file as a whole cannot be read; the sentence says why and what to do."""

    key = "unreadable_file"


@dataclass(frozen=True)
class Options:
    """How a file is written: found by `detection`, corrected by a person.

    `decimal` is the sign before the decimals; `day_first` reads 3/4/2026 as the third of April;
    `minor_units` says that amounts are cents. `clear` lets an empty cell clear its field.
    """

    kind: FileKind = FileKind.CSV
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."
    day_first: bool = True
    minor_units: bool = False
    clear: bool = False
    sheet: str = ""

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Options":
        names = {one.name for one in fields(cls)}
        known = {name: value for name, value in stored.items() if name in names}
        if "kind" in known:
            known["kind"] = FileKind(known["kind"])
        return cls(**known)

    def stored(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Record:
    """One record: the line it begins on, its cells by column, and the line as it stands in the file.

    `mistake` is a `(code, message)` for one that could not be read.
    """

    line: int
    cells: dict[str, Any]
    text: str
    mistake: tuple[str, str] | None = None


def column_names(header: list[Any]) -> list[str]:
    """Return a name for each column: what stands there, made unique; nothing stands for its number.

    Raises UnreadableFile for no columns and for too many.
    """
    if len(header) > MAXIMUM_COLUMNS:
        raise UnreadableFile.at(
            "", _("The file has more than %(count)d columns.") % {"count": MAXIMUM_COLUMNS}
        )
    names: list[str] = []
    for number, cell in enumerate(header, start=1):
        text = " ".join(str("" if cell is None else cell).replace("\x00", "").split())[:120]
        name, copy = text or f"#{number}", 2
        while name in names:
            name, copy = f"{text or number} ({copy})", copy + 1
        names.append(name)
    while names and names[-1].startswith("#"):
        names.pop()
    if not names:
        raise UnreadableFile.at("", _("The first line of the file names no columns."))
    return names


def shortened(text: str) -> str:
    """Return the text as far as the error file repeats it."""
    return text if len(text) <= MAXIMUM_SHOWN else text[:MAXIMUM_SHOWN] + "…"


def line_of_cells(cells: list[str]) -> str:
    """Return cells as one line of CSV, for a file that has no lines of text."""
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return shortened(out.getvalue().rstrip("\r\n"))
