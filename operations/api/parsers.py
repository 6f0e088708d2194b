"""JSON as strict as it has to be: no NaN or 1e999, no duplicate keys, no lone surrogates, no NUL."""

import json
import math
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MAXIMUM_DEPTH = 64


class StrictJSONParser(JSONParser):
    """Parse a body of JSON; anything the database could not hold or that is ambiguous is 400."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: dict | None = None) -> Any:
        # DRF reads past Django's own limit of request bodies.
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise RequestDataTooBig
        try:
            return read_json(body.decode("utf-8"))
        except ValueError as error:
            raise ParseError(f"The body is not valid JSON: {error}") from error


def read_json(text: str) -> Any:
    """Return what a JSON text says. Raises ValueError or ParseError for what could not be stored as it is."""
    try:
        data = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
        )
    except RecursionError as error:
        raise ParseError("The JSON is nested too deeply.") from error
    _refuse_depth(data)
    if "\\u" in text or "\x00" in text:
        _refuse_bad_text(data)
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return result


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def _refuse_depth(data: Any) -> None:
    level, depth = [data], 0
    while level := [part for whole in level for part in _parts(whole)]:
        depth += 1
        if depth > MAXIMUM_DEPTH:
            raise ParseError(f"The JSON is nested deeper than {MAXIMUM_DEPTH} levels.")


def _parts(whole: Any) -> Iterable[Any]:
    if isinstance(whole, dict):
        return whole.values()
    return whole if isinstance(whole, list) else ()


def _refuse_bad_text(data: Any) -> None:
    text = json.dumps(data, ensure_ascii=False)
    if "\\u0000" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ParseError("The JSON holds a NUL character or half of a surrogate pair.")
