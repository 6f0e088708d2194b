"""What holds for customers and orders whatever the database says: normal forms, days, money. Pure."""

import hashlib
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import email_validator
import phonenumbers
from django.utils.translation import gettext

# Only the syntax is judged here; whether a domain takes mail is found out by sending.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()

MAXIMUM_EMAIL_LENGTH = 254
SHORTEST_TAX_CODE = 5
CLOCK_TOLERANCE = timedelta(minutes=5)
# What people at tills type when a field must not stay empty. Such a value identifies nobody.
BLOCKED_MAILBOXES = {
    "noemail", "no-email", "nomail", "no-mail", "noreply", "no-reply", "none", "null", "nessuna", "nomail1",
    "senzamail", "senza-mail", "nonhamail", "sconosciuto", "unknown", "anonymous", "anonimo",
}  # fmt: skip
BLOCKED_DIGITS = {"1234567890", "0123456789", "123456789"}


def normalise_email(text: str) -> str:
    """Return the address in the one form we store: NFC, all lower case, no space around.

    Raises ValueError with a sentence for the person who typed it.
    """
    found = email_validator.validate_email(text.strip(), check_deliverability=False)
    address = found.normalized.lower()
    if len(address) > MAXIMUM_EMAIL_LENGTH:
        raise ValueError("The e-mail address is too long.")
    return address


def normalise_phone(text: str, country: str) -> str:
    """Return the number as E.164 (`+393471234567`), read as dialled in `country` (ISO 3166, two letters).

    Raises ValueError when no telephone could have this number.
    """
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException as error:
        raise ValueError("This is not a telephone number.") from error
    if not phonenumbers.is_possible_number(number):
        raise ValueError("This telephone number has too few or too many digits.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normalise_key(text: str) -> str:
    """Return a card number or a tax code without spaces and dashes, in capitals."""
    return "".join(text.split()).replace("-", "").upper()


def normalise_serial(text: str) -> str:
    """Return a serial number without spaces, in capitals; its dashes may tell two articles apart."""
    return "".join(text.split()).upper()


def normalise_tax_code(text: str) -> str:
    """Return a tax code without spaces and dashes, in capitals. Raises ValueError for what is none."""
    key = normalise_key(text)
    if len(key) < SHORTEST_TAX_CODE or not (key.isascii() and key.isalnum()):
        raise ValueError(gettext("A tax code has at least 5 letters and digits."))
    return key


def is_blocked_email(text: str) -> bool:
    """Return whether the address is a filler that many people share."""
    return text.strip().lower().partition("@")[0] in BLOCKED_MAILBOXES


def is_blocked_phone(text: str) -> bool:
    """Return whether the number is a filler: one digit repeated, or counting."""
    digits = "".join(character for character in text if character.isdecimal())
    national = digits.removeprefix("0039").removeprefix("39")
    return any(len(set(number)) <= 1 or number in BLOCKED_DIGITS for number in (digits, national))


def is_blocked_key(text: str) -> bool:
    """Return whether a card number or tax code is a filler."""
    key = normalise_key(text)
    return len(set(key)) <= 1 or key in BLOCKED_DIGITS


def normalise_address(channel: str, text: str, country: str = "") -> str:
    """Return a contact point in the normal form of its channel. Raises ValueError."""
    if channel == "email":
        return normalise_email(text)
    if channel in ("sms", "phone"):
        return normalise_phone(text, country)
    return " ".join(text.split())


def address_hash(address: str) -> str:
    """Return the SHA-256 of a normalised contact point, as hex: what a suppression keeps of it."""
    return hashlib.sha256(address.encode()).hexdigest()


def month_of(instant: datetime, zone: str) -> date:
    """Return the first day of the month in which the instant falls in that time zone."""
    return instant.astimezone(ZoneInfo(zone)).date().replace(day=1)


def round_half_up(value: Decimal) -> int:
    """Return the value as a whole number of minor units."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def line_amount(quantity: Decimal, unit_price: int) -> int:
    """Return what the quantity costs before discounts, in minor units."""
    return round_half_up(quantity * unit_price)


def goods_total(lines: Iterable[tuple[int, int]]) -> int:
    """Return the sum of `(amount, discount)` pairs after discounts."""
    return sum(amount - discount for amount, discount in lines)


def net_of_tax(gross: int, rate: Decimal) -> int:
    """Return the amount without VAT: half up of gross * 100 / (100 + rate); the tax is the rest."""
    return round_half_up(Decimal(gross) * 100 / (100 + rate))


def refund_for(total: int, quantity: Decimal, *, returned: Decimal, more: Decimal) -> int:
    """Return what `more` units of a line refund when `returned` of its `quantity` came back before.

    `total` is the line after discounts. A refund is the difference of two cumulated shares, each rounded half
    up, so that all units together refund exactly what was paid (incentives.md, R2).
    """
    return _share(total, quantity, returned + more) - _share(total, quantity, returned)


def _share(total: int, quantity: Decimal, part: Decimal) -> int:
    return round_half_up(Decimal(total) * part / quantity)


def is_in_future(instant: datetime, *, at: datetime) -> bool:
    """Return whether an instant lies further ahead than clocks may differ (5 minutes)."""
    return instant > at + CLOCK_TOLERANCE


def is_beyond_retention(instant: datetime, *, keep_months: int | None, at: datetime) -> bool:
    """Return whether an event of this instant falls in a month (of UTC) that is no longer kept."""
    if keep_months is None:
        return False
    month, now = instant.astimezone(UTC), at.astimezone(UTC)
    return (now.year - month.year) * 12 + now.month - month.month > keep_months


def fold_name(text: str) -> str:
    """Return a name as it is compared: no accents, no punctuation, no case, single spaces."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in plain.casefold()).split())


def names_agree(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Return whether two people have the same first and last name, both known; the two may be swapped."""
    ours, theirs = sorted(map(fold_name, one)), sorted(map(fold_name, other))
    return all(ours) and ours == theirs
