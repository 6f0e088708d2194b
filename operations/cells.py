"""Cells of files that people open in a spreadsheet, where a text may otherwise turn into a program."""

import re

# A spreadsheet runs what begins with these; a signed number or telephone number is harmless.
DANGEROUS = re.compile(r"[\s\ufeff]*[=+\-@\t\r\n|%]")
HARMLESS = re.compile(r"[+-]?[\d\s().,/]*")


def inert(text: str) -> str:
    """Return the text so that no spreadsheet takes it for a formula: with an apostrophe in front."""
    if DANGEROUS.match(text) and not HARMLESS.fullmatch(text):
        return f"'{text}"
    return text
