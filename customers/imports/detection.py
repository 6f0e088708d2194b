"""How a file is written, found by looking at it."""

import codecs
import csv
import re
from collections import Counter
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.imports.records import FileKind, Options, UnreadableFile

BLOCK = 1024 * 1024
SAMPLE = 256 * 1024
DELIMITERS = ",;\t|"
# What the first bytes say of files that people upload by mistake.
FOREIGN = {
    b"\xd0\xcf\x11\xe0": gettext_lazy(
        "This is an Excel file of the old kind (.xls). Save it as .xlsx or .csv."
    ),
    b"%PDF": gettext_lazy("This is a PDF. Export the list as .csv or .xlsx."),
    b"\x1f\x8b": gettext_lazy("This file is compressed. Unpack it first."),
    b"Rar!": gettext_lazy("This file is compressed. Unpack it first."),
    b"7z\xbc\xaf": gettext_lazy("This file is compressed. Unpack it first."),
}
MARKS = [
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
NUMBER = re.compile(r"[+-]?\d[\d.,' \u00a0]*")
SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}\b")


def detect(path: Path) -> Options:
    """Return how the file seems to be written. Raises UnreadableFile for what is no table of records."""
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.strip():
        raise UnreadableFile.at("", _("The file is empty."))
    for mark, sentence in FOREIGN.items():
        if start.startswith(mark):
            raise UnreadableFile.at("", str(sentence))
    if start.startswith(b"PK"):
        return Options(kind=FileKind.XLSX)
    encoding = _encoding(path, start)
    text = sample(path, encoding)
    first = text.lstrip()[:1]
    if first == "[":
        raise UnreadableFile.at("", _("This is a JSON list. Write one JSON object per line instead."))
    if first == "{":
        return Options(kind=FileKind.NDJSON, encoding=encoding, minor_units=True)
    delimiter = _delimiter(text)
    cells = [cell for row in _rows(text, delimiter)[1:] for cell in row]
    return Options(
        kind=FileKind.CSV,
        encoding=encoding,
        delimiter=delimiter,
        decimal=_decimal(cells, delimiter),
        day_first=not any(_is_month_first(cell) for cell in cells),
    )


def sample(path: Path, encoding: str) -> str:
    """Return the beginning of a text file; what cannot be decoded stands as U+FFFD."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        return file.read(SAMPLE)


def _encoding(path: Path, start: bytes) -> str:
    for mark, name in MARKS:
        if start.startswith(mark):
            return name
    # Latin text in UTF-16 without a mark has a zero in every second byte.
    if len(start) >= 4 and start[1::2].count(0) > len(start) // 4:
        return "utf-16-le"
    if len(start) >= 4 and start[::2].count(0) > len(start) // 4:
        return "utf-16-be"
    good, bad = _utf8_characters(path)
    return "utf-8" if good >= bad * 10 else "cp1252"


def _utf8_characters(path: Path) -> tuple[int, int]:
    """Return how many characters beyond ASCII are valid UTF-8, and how many places are not."""
    good = bad = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            if block.isascii() and not decoder.getstate()[0]:
                continue
            text = decoder.decode(block)
            broken = text.count("\ufffd")
            bad += broken
            good += sum(1 for character in text if character > "\x7f") - broken
    return good, bad


def _rows(text: str, delimiter: str) -> list[list[str]]:
    lines = text.splitlines(keepends=True)
    if len(lines) > 1:
        lines = lines[:-1][:200]  # The last one may be cut off.
    try:
        return [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return []


def _delimiter(text: str) -> str:
    """Return the sign that cuts most lines into the same number (over one) of cells."""
    best, delimiter = 0.0, ","
    for candidate in DELIMITERS:
        widths = Counter(len(row) for row in _rows(text, candidate))
        if not widths:
            continue
        width, agreeing = widths.most_common(1)[0]
        score = agreeing / widths.total() * min(width, 50) if width > 1 else 0
        if score > best:
            best, delimiter = score, candidate
    return delimiter


def _decimal(cells: list[str], delimiter: str) -> str:
    numbers = [cell.strip() for cell in cells if NUMBER.fullmatch(cell.strip())]
    commas = sum(1 for number in numbers if re.search(r",\d{1,2}$", number))
    points = sum(1 for number in numbers if re.search(r"\.\d{1,2}$", number))
    if commas == points:
        return "," if delimiter == ";" else "."
    return "," if commas > points else "."


def _is_month_first(cell: str) -> bool:
    match = SLASHED.match(cell.strip())
    return bool(match) and int(match[1]) <= 12 < int(match[2])
