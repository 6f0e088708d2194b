"""One line of a file of codes, read into what a coupon needs. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from coupons.rules import canonical_code, code_mistake
from customers.imports import values
from customers.imports.plan import RowMistake
from customers.imports.records import Options, Record
from customers.imports.values import CellMistake
from customers.rules import normalise_email
from operations.instants import YEARS

MOST_USES = 2**31 - 1
# How people head the columns, in lower case without signs.
HEADINGS = {
    "code": {"code", "codes", "codice", "codici", "coupon", "coupon code", "voucher", "promo code"},
    "max_uses": {"max uses", "uses", "usi", "utilizzi", "usage limit"},
    "valid_from": {"valid from", "starts at", "good from", "dal", "valido dal"},
    "valid_until": {"valid until", "expires at", "expiry", "good until", "scadenza", "al", "valido fino al"},
    "email": {"email", "e mail", "mail", "holder", "customer email", "intestatario"},
}
# A code of a pasted list: in quotation marks, as a file has it, or up to the next separator.
PASTED = re.compile(r'[ \t]*(?:"((?:[^"]|"")*+)"[ \t]*(?=[;,]|$)|([^;,]*))')
UNLIMITED = {"∞", "unlimited", "illimitato", "illimitati"}


@dataclass
class CodeLine:
    """A code as a line of a file has it; what is None is the batch's. `mistake` says why it is refused."""

    record: Record
    code: str = ""
    canonical: str = ""
    max_uses: int | None = None
    unlimited: bool = False
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    email: str = ""
    holder: int | None = None
    mistake: tuple[str, str] | None = None

    @property
    def line(self) -> int:
        return self.record.line

    @property
    def records(self) -> list[Record]:
        """Return the record, as an error file takes what it repeats."""
        return [self.record]

    @property
    def mistakes(self) -> list[RowMistake]:
        """Return what is wrong, as an error file takes it."""
        return [RowMistake(self.line, "", *self.mistake)] if self.mistake else []


def pasted_codes(text: str) -> list[str]:
    """Return the codes of a list, one per line or separated by commas or semicolons.

    A code that holds such a sign stands in quotation marks, within which `""` is one of them.
    """
    cells = (cell for line in text.splitlines() for cell in PASTED.findall(line))
    codes = (quoted.replace('""', '"') or plain.strip() for quoted, plain in cells)
    return [code for code in codes if code]


def name_columns(columns: Iterable[str]) -> dict[str, str]:
    """Return which column holds what, by how it is headed."""
    named: dict[str, str] = {}
    for column in columns:
        heading = " ".join(column.casefold().replace("_", " ").replace("-", " ").split())
        for target, headings in HEADINGS.items():
            if heading in headings and target not in named:
                named[target] = column
    return named


def read_line(record: Record, columns: dict[str, str], options: Options, *, zone: str) -> CodeLine:
    """Return what stands on the line, or what is wrong with it."""
    line = CodeLine(record)
    try:
        if record.mistake:
            raise CellMistake(*record.mistake)
        cells = {target: record.cells.get(column) for target, column in columns.items()}
        _fill(line, {name: cell for name, cell in cells.items() if cell not in (None, "")}, options, zone)
    except ValueError as mistake:
        line.mistake = (getattr(mistake, "code", "email"), str(mistake))
    return line


def _fill(line: CodeLine, cells: dict[str, Any], options: Options, zone: str) -> None:
    line.code = values.plain(cells.get("code", ""))
    if message := code_mistake(line.code):
        raise CellMistake("code", message)
    line.canonical = canonical_code(line.code)
    if "max_uses" in cells:
        line.unlimited, line.max_uses = _uses(cells["max_uses"], options)
    if "valid_from" in cells:
        line.valid_from = _moment(cells["valid_from"], options, zone)
    if "valid_until" in cells:
        line.valid_until = _moment(cells["valid_until"], options, zone, end=True)
    if line.valid_from and line.valid_until and line.valid_until <= line.valid_from:
        raise CellMistake("valid_until", _("A coupon ends after it starts."))
    if "email" in cells:
        line.email = normalise_email(values.plain(cells["email"]))


def _uses(cell: Any, options: Options) -> tuple[bool, int | None]:
    if values.plain(cell).casefold() in UNLIMITED:
        return True, None
    uses = values.integer(cell, options)
    if not 1 <= uses <= MOST_USES:
        raise CellMistake("max_uses", _("A code can be used once or more."))
    return False, uses


def _moment(cell: Any, options: Options, zone: str, *, end: bool = False) -> datetime:
    """Return an instant; a day alone is its beginning in the promotion's zone, as an end its last moment."""
    written = values.plain(cell)
    moment = datetime.fromisoformat((values.instant if ":" in written else values.day)(cell, options))
    if moment.year not in YEARS:
        raise CellMistake("not_a_date", _("This instant is too far from today."))
    if moment.tzinfo:
        return moment
    return moment.replace(tzinfo=ZoneInfo(zone)) + timedelta(days=1 if end else 0)
