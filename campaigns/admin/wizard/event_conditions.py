"""Values of conditions on events, as people type them."""

import re
from typing import Any

MOST_ROWS = 5
NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,6})?\Z")


def read_value(text: str, operator: str) -> Any:
    """Return what was typed: a number, yes or no, a list where the comparison takes one, else a text.

    In quotes it is a text whatever it looks like.
    """
    if operator in ("in", "notIn"):
        return [_one(part) for part in text.split(",") if part.strip()]
    return _one(text)


def written_value(value: Any) -> str:
    """Return a value as `read_value` takes it."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(written_value(one) for one in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and not isinstance(_one(value), str):
        return f'"{value}"'
    return str(value)


def _one(text: str) -> Any:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    if NUMBER.match(text):
        return float(text) if "." in text else int(text)
    return text
