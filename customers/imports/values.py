"""From a cell to what the API would have been sent: numbers, days and words as people write them. Pure.

Each converter takes a cell that is not empty and raises CellMistake with a sentence about it.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django_countries import countries
from rest_framework.exceptions import ParseError

from customers.imports.records import Options
from operations.api.parsers import read_json

YES = {"1", "true", "yes", "y", "x", "si", "sì", "s", "vero", "ok", "granted", "ja", "oui", "opt-in", "optin"}
NO = {"0", "false", "no", "n", "falso", "denied", "nein", "non", "opt-out", "optout"}
CURRENCY_SIGNS = re.compile(r"(?:EUR|USD|GBP|CHF|[€$£\s\u00a0\u202f'])")
PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
# Longer ones are numbers of something, and so are those with a zero in front: their digits are a name.
COUNT = re.compile(r"-?(?:0|[1-9]\d{0,8})", re.ASCII)
MEASURE = re.compile(r"-?(?:0|[1-9]\d{0,8})[.,]\d{1,6}", re.ASCII)
LOCAL_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)
ISO_DAY = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})", re.ASCII)
CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?")
LONGEST = 10_000
FORMULA = re.compile(r"[=@]|[+-](?=.*[(!|])")
SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")


class CellMistake(ValueError):
    """What is wrong with one cell: a stable code and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


Converter = Callable[[Any, Options], Any]


def text(value: Any, options: Options) -> str:
    """Return the cell as text; a formula is refused, because it would run in whoever opens an export."""
    if isinstance(value, dict | list):
        raise CellMistake("not_a_text", _("Here stands a text, not an object or a list."))
    written = plain(value)
    if len(written) > LONGEST:
        raise CellMistake("too_long", _("This text is too long for any field."))
    if FORMULA.match(written):
        raise CellMistake("formula", _("The cell holds a formula, not a text."))
    return written


def plain(value: Any) -> str:
    """Return the cell as it reads: a whole number of a workbook without decimals, no space around."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value).strip()


def key(value: Any, options: Options) -> str:
    """Return a code, number or address; letters of two alphabets in one are a look-alike and refused."""
    written = text(value, options)
    if not written.isascii():
        scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in written if letter.isalpha()}
        if len(scripts.intersection(SCRIPTS)) > 1:
            raise CellMistake(
                "mixed_alphabets", _("Letters of two alphabets that look alike stand together.")
            )
    return written


def phone(value: Any, options: Options) -> str:
    return plain(value)


def number(value: Any, options: Options) -> Decimal:
    """Return a number written with the file's decimal sign, with or without signs between thousands."""
    if isinstance(value, bool):
        raise CellMistake("not_a_number", _("This is not a number."))
    if isinstance(value, int | float):
        written = repr(value) if abs(value) < 1e15 else ""
    else:
        written = _without_thousands(CURRENCY_SIGNS.sub("", str(value)), options.decimal)
    if not PLAIN_NUMBER.fullmatch(written) or len(written) > 30:
        raise CellMistake("not_a_number", _("This is not a number."))
    return Decimal(written)


def _without_thousands(written: str, decimal: str) -> str:
    thousands = "." if decimal == "," else ","
    if thousands in written:
        whole, sign, rest = written.partition(decimal)
        groups = whole.lstrip("+-").split(thousands)
        if (
            thousands in rest
            or not all(len(group) == 3 for group in groups[1:])
            or not 1 <= len(groups[0]) <= 3
        ):
            return ""
        written = whole.replace(thousands, "") + sign + rest
    return written.replace(",", ".") if decimal == "," else written


def decimal(value: Any, options: Options) -> str:
    return f"{number(value, options):f}"


def integer(value: Any, options: Options) -> Any:
    return _whole(number(value, options))


def _whole(amount: Decimal) -> int:
    if amount != amount.to_integral_value():
        raise CellMistake("too_many_decimals", _("There are more decimals than this takes."))
    return int(amount)


def amount(value: Any, options: Options, digits: int = 2) -> int:
    """Return minor units; `digits` is how many decimals the currency has."""
    written = number(value, options)
    return _whole(written if options.minor_units else written.scaleb(digits))


def day(value: Any, options: Options) -> str:
    """Return a date as ISO writes it."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    written = plain(value)
    found = _day(written.split("T")[0].split(" ")[0], options)
    return found.isoformat()


def _day(written: str, options: Options) -> date:
    if match := ISO_DAY.fullmatch(written):
        year, month, day_of_month = (int(part) for part in match.groups())
    elif match := LOCAL_DAY.fullmatch(written):
        first, second, year = (int(part) for part in match.groups())
        day_of_month, month = (first, second) if options.day_first else (second, first)
    else:
        raise CellMistake("not_a_date", _("This is not a date."))
    try:
        return date(year, month, day_of_month)
    except ValueError as error:
        raise CellMistake("not_a_date", _("This day does not exist.")) from error


def instant(value: Any, options: Options) -> str:
    """Return an instant with its offset; a local time is one of the programme's time zone."""
    if isinstance(value, datetime):
        return _zoned(value)
    if isinstance(value, date):
        return _zoned(datetime.combine(value, time()))
    written = plain(value)
    try:
        parsed = parse_datetime(written) if "T" in written or "-" in written[:5] else None
    except ValueError as error:
        raise CellMistake("not_an_instant", _("This day or time does not exist.")) from error
    if parsed is not None:
        return _zoned(parsed)
    on, _space, rest = written.replace("T", " ").partition(" ")
    found = _day(on.rstrip(","), options)
    return _zoned(datetime.combine(found, _clock(rest.strip())))


def _clock(written: str) -> time:
    if not written:
        return time()
    match = CLOCK.fullmatch(written)
    try:
        return time(*(int(part or 0) for part in match.groups()))
    except (AttributeError, ValueError) as error:
        raise CellMistake("not_an_instant", _("This is not a time of day.")) from error


def _zoned(moment: datetime) -> str:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(settings.PROGRAMME_TIME_ZONE))
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError as error:
        raise CellMistake("not_an_instant", _("This instant is too far from today.")) from error


def granted(value: Any, options: Options) -> str:
    """Return GRANTED or DENIED for the ways in which people write yes and no; a state's own name stays."""
    written = plain(value).casefold()
    if written in YES:
        return "GRANTED"
    if written in NO:
        return "DENIED"
    return state(value, options)


def state(value: Any, options: Options) -> str:
    """Return the name of a state in capitals."""
    return plain(value).upper().replace(" ", "_").replace("-", "_")


def lower(value: Any, options: Options) -> str:
    return key(value, options).lower()


def currency(value: Any, options: Options) -> str:
    return {"€": "EUR", "$": "USD", "£": "GBP"}.get(plain(value), plain(value).upper())


def country(value: Any, options: Options) -> str:
    """Return the two letters of a country written as such or by its English or local name."""
    written = text(value, options)
    return written.upper() if len(written) == 2 else _countries().get(written.casefold(), written)


@cache
def _countries() -> dict[str, str]:
    names = {str(name).casefold(): code for code, name in countries}
    return names | {"italia": "IT", "deutschland": "DE", "francia": "FR", "españa": "ES", "schweiz": "CH"}


def language(value: Any, options: Options) -> str:
    written = key(value, options)
    return {"italiano": "it", "italian": "it", "english": "en", "inglese": "en"}.get(
        written.casefold(), written.replace("_", "-") if len(written) > 3 else written.lower()
    )


def structure(value: Any, options: Options) -> Any:
    """Return a JSON object or list, as it stands or written out."""
    if isinstance(value, dict | list):
        return value
    try:
        return read_json(plain(value))
    except (ValueError, ParseError) as error:
        raise CellMistake("not_json", _("This is not valid JSON.")) from error


def evidence(value: Any, options: Options) -> dict[str, Any]:
    """Return a proof: an object as it stands, a sentence as `{"statement": ...}`."""
    if isinstance(value, dict):
        return value
    written = text(value, options)
    return structure(written, options) if written.startswith("{") else {"statement": written}


def anything(value: Any, options: Options) -> Any:
    """Return what an attribute holds: a value of JSON as it stands, a cell as number, yes or no, or text."""
    if isinstance(value, bool | dict | list):
        return value
    if isinstance(value, int | float):
        return int(value) if float(value).is_integer() else value
    if isinstance(value, datetime | date):
        return plain(value)
    written = text(value, options)
    if COUNT.fullmatch(written):
        return int(written)
    if MEASURE.fullmatch(written) and options.decimal in written:
        return float(written.replace(",", "."))
    return {"true": True, "false": False}.get(written, written)
