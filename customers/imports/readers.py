"""Records out of files: CSV, NDJSON and XLSX, one after the other, never the whole file at once."""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError

from customers.imports import sheets
from customers.imports.records import (
    MAXIMUM_SHOWN,
    MAXIMUM_TEXT,
    FileKind,
    Options,
    Record,
    UnreadableFile,
    column_names,
    shortened,
)
from operations.api.parsers import read_json

LINES_PER_RECORD = 200  # More lines in one record: a quotation mark was opened and not closed.
SAMPLED = 100

csv.field_size_limit(MAXIMUM_TEXT)


def read_columns(path: Path, options: Options) -> list[str]:
    """Return the names of the file's columns. Raises UnreadableFile."""
    if options.kind == FileKind.XLSX:
        return sheets.read_columns(path, options)
    if options.kind == FileKind.NDJSON:
        names: dict[str, None] = {}
        for record in islice(read_records(path, options), SAMPLED):
            names |= dict.fromkeys(record.cells)
        return column_names(list(names))
    with _open(path, options) as file:
        return _header(csv.reader(_Lines(file), delimiter=options.delimiter))


def read_records(path: Path, options: Options, *, after: int = 0) -> Iterator[Record]:
    """Yield the records that begin behind line `after`; one that cannot be read has a mistake.

    Raises UnreadableFile where nothing behind can be trusted.
    """
    reader = {FileKind.CSV: _csv, FileKind.NDJSON: _ndjson, FileKind.XLSX: sheets.read_records}[options.kind]
    for record in reader(path, options):
        if record.line > after:
            yield record


def _open(path: Path, options: Options) -> TextIO:
    try:
        return path.open(encoding=options.encoding, errors="replace", newline="")
    except LookupError as error:
        raise UnreadableFile.at("", _("This encoding is not known.")) from error


class _Lines:
    """The lines of a text, each of bounded length; remembers those of the record being read."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.number = 0
        self.seen: list[str] = []
        self.length = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.file.readline(MAXIMUM_TEXT)
        if not line:
            raise StopIteration
        if len(line) == MAXIMUM_TEXT:
            sentence = _("Line %(line)d is longer than 16 million characters.") % {"line": self.number + 1}
            raise UnreadableFile.at("", sentence)
        self.number += 1
        if self.length <= MAXIMUM_SHOWN:
            self.seen.append(line)
            self.length += len(line)
        return line

    def take(self) -> str:
        """Return the text of the record that was read, and forget it."""
        text = shortened("".join(self.seen))
        self.seen, self.length = [], 0
        return text


def _header(reader: Iterator[list[str]]) -> list[str]:
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                return column_names(row)
    except csv.Error as error:
        raise UnreadableFile.at("", _("The first line of the file cannot be read.")) from error
    raise UnreadableFile.at("", _("The file is empty."))


def _csv(path: Path, options: Options) -> Iterator[Record]:
    with _open(path, options) as file:
        lines = _Lines(file)
        reader = csv.reader(lines, delimiter=options.delimiter)
        columns = _header(reader)
        lines.take()
        while True:
            begin = lines.number + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                sentence = _(
                    "From line %(line)d on the file cannot be read: is a quotation mark never closed?"
                )
                raise UnreadableFile.at("", sentence % {"line": begin}) from error
            text = lines.take()
            if any(cell.strip() for cell in row):
                yield _csv_record(begin, lines.number, columns, row, text)


def _csv_record(begin: int, end: int, columns: list[str], row: list[str], text: str) -> Record:
    record = Record(begin, dict(zip(columns, row, strict=False)), text.rstrip("\r\n"))
    widths = {"cells": len(row), "columns": len(columns)}
    if end - begin >= LINES_PER_RECORD:
        sentence = _("A quotation mark is not closed: lines %(begin)d to %(end)d became one.")
        record.mistake = ("quote_not_closed", sentence % {"begin": begin, "end": end})
    elif len(row) > len(columns) and any(cell.strip() for cell in row[len(columns) :]):
        record.mistake = ("too_many_cells", _("%(cells)d cells, but only %(columns)d columns.") % widths)
    elif any("\x00" in cell for cell in row):
        record.mistake = ("control_character", _("The line holds a NUL character."))
    elif any("\ufffd" in cell for cell in row):
        record.mistake = ("undecodable", _("The line holds bytes that the encoding does not know."))
    return record


def _ndjson(path: Path, options: Options) -> Iterator[Record]:
    with _open(path, options) as file:
        lines = _Lines(file)
        for line in lines:
            text = lines.take().rstrip("\r\n")
            if line.strip():
                yield _json_record(lines.number, line, text)


def _json_record(number: int, line: str, text: str) -> Record:
    if "\ufffd" in line:
        return Record(
            number, {}, text, ("undecodable", _("The line holds bytes that the encoding does not know."))
        )
    try:
        content = read_json(line)
    except (ValueError, ParseError) as error:
        sentence = _("This line is not valid JSON: %(why)s") % {"why": getattr(error, "detail", error)}
        return Record(number, {}, text, ("not_json", sentence))
    if not isinstance(content, dict):
        return Record(number, {}, text, ("not_an_object", _("This line is not a JSON object.")))
    return Record(number, content, text)
