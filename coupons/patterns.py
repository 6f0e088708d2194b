"""What generated codes look like: a pattern of signs, each standing for a random character. Pure.

    #  a letter or digit that nobody confuses with another (32 of them)
    @  a letter (24: without I and O)
    %  a digit (10)
    *  at the end: a check character over what stands before it

Everything else stands for itself. A pattern leaves at least 50 random bits, or its codes could be guessed.
"""

import math
import secrets
from functools import lru_cache
from itertools import groupby

from django.utils.translation import gettext as _

from operations.cells import inert

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
DIGITS = "0123456789"
KINDS = {"#": ALPHABET, "@": LETTERS, "%": DIGITS}
CHECK = "*"
DEFAULT = "#" * 10
FEWEST_BITS = 50
LONGEST_PATTERN = 40


def generate_code(pattern: str) -> str:
    """Return one code nobody can guess; an empty pattern is ten letters and digits."""
    return generate_codes(pattern, count=1)[0]


def generate_codes(pattern: str, *, count: int) -> list[str]:
    """Return `count` codes nobody can guess; two of them are the same hardly ever, but nobody promises."""
    pattern = pattern or DEFAULT
    body = pattern.removesuffix(CHECK)
    columns = []
    for sign, run in groupby(body):
        length = len(list(run))
        if sign in KINDS:
            drawn = _random(KINDS[sign], length * count)
            columns.append([drawn[start : start + length] for start in range(0, len(drawn), length)])
        else:
            columns.append([sign * length] * count)
    codes = ["".join(parts) for parts in zip(*columns, strict=True)]
    return [code + check_character(code, pattern) for code in codes] if body != pattern else codes


def _random(alphabet: str, wanted: int) -> str:
    """Return random characters, each as likely as the other: bytes that would favour some are dropped."""
    table, surplus = _table(alphabet)
    found = b""
    while len(found) < wanted:
        found += secrets.token_bytes(wanted - len(found) + 16).translate(table, surplus)
    return found[:wanted].decode()


@lru_cache
def _table(alphabet: str) -> tuple[bytes, bytes]:
    fair = 256 - 256 % len(alphabet)
    table = bytes(ord(alphabet[byte % len(alphabet)]) for byte in range(256))
    return table, bytes(range(fair, 256))


def random_bits(pattern: str) -> float:
    """Return how many bits of chance are in a code of this pattern."""
    return sum(math.log2(len(KINDS[sign])) for sign in pattern or DEFAULT if sign in KINDS)


def pattern_mistake(pattern: str) -> str:
    """Return what is wrong with a pattern of codes; empty when nothing is."""
    if len(pattern) > LONGEST_PATTERN or not pattern.isascii() or not pattern.isprintable() or " " in pattern:
        return _("A pattern has at most 40 ASCII characters without spaces.")
    if CHECK in pattern[:-1]:
        return _("The check character * stands at the end of a pattern.")
    if pattern[:1] not in KINDS and inert(pattern) != pattern:
        return _("A spreadsheet would take these codes for formulas: they cannot begin with %(sign)s.") % {
            "sign": pattern[0]
        }
    if random_bits(pattern) < FEWEST_BITS:
        return (
            _(
                "Codes of this pattern could be guessed. It needs at least 10 signs # (letters and digits), "
                "11 signs @ (letters) or 16 signs %% (digits)."
            )
            % {}
        )
    return ""


def check_character(code: str, pattern: str) -> str:
    """Return the character that ends a code of this pattern: Luhn's, modulo the size of the alphabet.

    A digit where the pattern draws nothing but digits, else one of the 32 letters and digits. Characters
    outside that alphabet are passed over. One wrong character is always noticed, two swapped nearly always.
    """
    alphabet = DIGITS if {sign for sign in pattern if sign in KINDS} == {"%"} else ALPHABET
    size, total = len(alphabet), 0
    values = [alphabet.index(one) for one in code.upper() if one in alphabet]
    for place, value in enumerate(reversed(values)):
        doubled = value * 2 if place % 2 == 0 else value
        total += doubled // size + doubled % size
    return alphabet[-total % size]


def is_mistyped(code: str, pattern: str) -> bool:
    """Return whether a code in canonical form has the shape of this pattern but a wrong check character."""
    if not pattern.endswith(CHECK) or len(code) != len(pattern):
        return False
    for one, sign in zip(code[:-1], pattern[:-1].upper(), strict=True):
        if one not in KINDS.get(sign, sign):
            return False
    return code[-1] != check_character(code[:-1], pattern)
