"""Records out of Excel workbooks, with the limits that keep a zip bomb out."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from customers.imports.records import (
    MAXIMUM_COLUMNS,
    Options,
    Record,
    UnreadableFile,
    column_names,
    line_of_cells,
)

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

UNPACKED = 400 * 1024 * 1024
STRINGS = 40 * 1024 * 1024  # The table of texts is held in memory.
PARTS = 2000
EMPTY_ROWS = 10_000  # So many in a row are the end of the sheet.


def read_columns(path: Path, options: Options) -> list[str]:
    with _sheet(path, options) as sheet:
        for _number, row in _rows(sheet):
            return column_names(_filled(row))
    raise UnreadableFile.at("", _("The sheet is empty."))


def sheet_names(path: Path) -> list[str]:
    """Return the names of the workbook's sheets. Raises UnreadableFile."""
    with _workbook(path) as book:
        return book.sheetnames


def read_records(path: Path, options: Options) -> Iterator[Record]:
    with _sheet(path, options) as sheet:
        rows = _rows(sheet)
        columns = column_names(_filled(next(rows, (0, []))[1]))
        for number, row in rows:
            texts = ["" if cell is None else str(cell) for cell in _filled(row)]
            record = Record(number, dict(zip(columns, row, strict=False)), line_of_cells(texts))
            if len(texts) > len(columns):
                widths = {"cells": len(texts), "columns": len(columns)}
                sentence = _("%(cells)d cells, but only %(columns)d columns.")
                record.mistake = ("too_many_cells", sentence % widths)
            yield record


def _rows(sheet: "Worksheet") -> Iterator[tuple[int, list[Any]]]:
    """Yield the rows that hold something, with their numbers."""
    empty = 0
    try:
        for number, row in enumerate(sheet.iter_rows(max_col=MAXIMUM_COLUMNS + 1, values_only=True), start=1):
            if any(cell is not None and str(cell).strip() for cell in row):
                empty = 0
                yield number, list(row)
            else:
                empty += 1
                if empty > EMPTY_ROWS:
                    return
    except UnreadableFile:
        raise
    except Exception as error:  # Whatever a broken or hostile part makes the parser raise.
        raise UnreadableFile.at("", _("The sheet is damaged and cannot be read to its end.")) from error


def _filled(row: list[Any]) -> list[Any]:
    """Return the row without the empty cells at its end."""
    last = max((place for place, cell in enumerate(row, start=1) if cell not in (None, "")), default=0)
    return row[:last]


@contextmanager
def _sheet(path: Path, options: Options) -> Iterator["Worksheet"]:
    with _workbook(path) as book:
        if options.sheet and options.sheet not in book.sheetnames:
            raise UnreadableFile.at("", _("The workbook has no sheet of this name."))
        name = options.sheet or next(iter(book.sheetnames), "")
        if not name or not hasattr(book[name], "iter_rows"):
            raise UnreadableFile.at("", _("The workbook has no sheet with rows."))
        sheet = book[name]
        if hasattr(sheet, "reset_dimensions"):
            sheet.reset_dimensions()  # What a file says of its own size is not to be trusted.
        yield sheet


@contextmanager
def _workbook(path: Path) -> Iterator["Workbook"]:
    from openpyxl import load_workbook

    _check_parts(path)
    with path.open("rb") as file:  # By its name openpyxl would judge it by the ending.
        try:
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except Exception as error:
            raise UnreadableFile.at("", _("This is no Excel workbook that can be read.")) from error
        try:
            yield book
        finally:
            book.close()


def _check_parts(path: Path) -> None:
    """Refuse an archive that unpacks to more than a list needs; sizes that lie fail while reading."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFile.at("", _("This is no Excel workbook that can be read.")) from error
    strings = sum(part.file_size for part in parts if part.filename.endswith("sharedStrings.xml"))
    if len(parts) > PARTS or sum(part.file_size for part in parts) > UNPACKED or strings > STRINGS:
        raise UnreadableFile.at("", _("The workbook is too large. Save it as .csv and import that."))
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        raise UnreadableFile.at("", _("This is an archive, not an Excel workbook. Unpack it first."))
