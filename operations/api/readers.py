"""Readers: what a serializer would make of plain input, without its cost per item.

A serializer copies its fields for every item and asks each of them a dozen questions: nine tenths of the time
of a bulk write. A reader is compiled once from the same fields. It takes what is plainly right, and gives
everything else, errors above all, to the serializer: what is accepted, and with which words something is
refused, is written down once, in the serializer.
"""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from django.core.validators import (
    MaxLengthValidator,
    MaxValueValidator,
    MinLengthValidator,
    MinValueValidator,
    ProhibitNullCharactersValidator,
    RegexValidator,
)
from django.utils import timezone
from rest_framework import serializers
from rest_framework.fields import _UnvalidatedField, empty
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from operations.api.serializers import (
    EARLIEST,
    LATEST,
    AmountField,
    CurrencyField,
    InstantField,
    LineField,
    StrictSerializer,
)

Reader = Callable[[Any], Any]
FieldClass = TypeVar("FieldClass", bound=type[serializers.Field])
# The checks that readers make themselves; a field with another one is read by the field.
UNDERSTOOD = {
    MaxLengthValidator, MinLengthValidator, MaxValueValidator, MinValueValidator, RegexValidator,
    ProhibitNullCharactersValidator, ProhibitSurrogateCharactersValidator,
}  # fmt: skip
UNSAFE = re.compile(r"[\0\ud800-\udfff]")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class NotPlain(Exception):
    """Let the serializer decide."""


_readers: dict[type, Callable[[Any], Reader]] = {}


def reads(*classes: FieldClass) -> Callable:
    """Register what makes the reader of a field of exactly these classes; in doubt that raises NotPlain."""

    def register(make: Callable[[Any], Reader]) -> Callable[[Any], Reader]:
        _readers.update(dict.fromkeys(classes, make))
        return make

    return register


@cache
def reader_of(serializer: type[StrictSerializer]) -> Reader:
    """Return the reader of a serializer: its validated data for plain items, NotPlain for the others."""
    return _object(serializer())


def _reader(field: serializers.Field) -> Reader:
    if isinstance(field, StrictSerializer) and type(field) not in _readers:
        return _object(field)
    if any(type(check) not in UNDERSTOOD for check in field.validators):
        return patient_reader(field)
    make = _readers.get(type(field), patient_reader)
    return make(field)


def patient_reader(field: serializers.Field) -> Reader:
    """Return the field's own reading: for classes that nobody registered, or that are quick themselves."""

    def read(data: Any) -> Any:
        try:
            return field.run_validation(data)
        except serializers.ValidationError as error:
            raise NotPlain from error

    return read


def _object(serializer: StrictSerializer) -> Reader:
    if serializer.validators:
        return patient_reader(serializer)
    fields = serializer.fields.items()
    parts = {name: _part(serializer, name, field) for name, field in fields}
    required = frozenset(name for name, field in fields if field.required)
    defaults = {field.source: field for _, field in fields if field.default is not empty}
    check = serializer.validate if type(serializer).validate is not serializers.Serializer.validate else None

    def read(data: Any) -> dict[str, Any]:
        if type(data) is not dict or not required <= data.keys() <= parts.keys():
            raise NotPlain
        taken: dict[str, Any] = {}
        for name, value in data.items():
            source, nullable, read_part = parts[name]
            if value is None and not nullable:
                raise NotPlain
            taken[source] = None if value is None else read_part(value)
        for source, field in defaults.items():
            if source not in taken:
                taken[source] = field.get_default()
        return _checked(check, taken) if check else taken

    return read


def _part(serializer: StrictSerializer, name: str, field: serializers.Field) -> tuple[str, bool, Reader]:
    """Return where a field's value goes, whether it may be null, and its reader."""
    read, check = _reader(field), getattr(serializer, f"validate_{name}", None)
    if field.read_only or "." in field.source or field.source == "*":
        return field.source, False, _never
    if check is None:
        return field.source, field.allow_null, read
    return field.source, False, lambda value: _checked(check, read(value))


def _never(value: Any) -> Any:
    raise NotPlain


def _checked(check: Callable[[Any], Any], value: Any) -> Any:
    try:
        return check(value)
    except serializers.ValidationError as error:
        raise NotPlain from error


def _limits(field: serializers.Field, highest: type, lowest: type) -> tuple[float, float]:
    """Return the most and the least that the field's checks of these two classes allow."""
    most = [check.limit_value for check in field.validators if type(check) is highest]
    least = [check.limit_value for check in field.validators if type(check) is lowest]
    return min(most, default=float("inf")), max(least, default=float("-inf"))


@reads(serializers.ListSerializer)
def _list(field: serializers.ListSerializer) -> Reader:
    read = _reader(field.child)
    least = 1 if not field.allow_empty else 0
    least, most = max(least, field.min_length or 0), field.max_length or float("inf")

    def reads(data: Any) -> list[Any]:
        if type(data) is not list or not least <= len(data) <= most:
            raise NotPlain
        return [read(item) for item in data]

    return reads


@reads(serializers.CharField)
def _text(field: serializers.CharField, forbidden: re.Pattern = UNSAFE) -> Reader:
    longest, shortest = _limits(field, MaxLengthValidator, MinLengthValidator)
    least = max(shortest, 0 if field.allow_blank else 1)
    trims = field.trim_whitespace

    def read(data: Any) -> str:
        if type(data) is not str:
            raise NotPlain
        text = data.strip() if trims else data
        if not least <= len(text) <= longest or forbidden.search(text):
            raise NotPlain
        return text

    return read


@reads(LineField)
def line_reader(field: LineField) -> Reader:
    """Return the reader of a line of text."""
    return _text(field, CONTROL)


@reads(serializers.RegexField, CurrencyField)
def regex_reader(field: serializers.RegexField) -> Reader:
    """Return the reader of a text that has a form."""
    (form,) = [check for check in field.validators if isinstance(check, RegexValidator)]
    read_text, search = _text(field), form.regex.search

    def read(data: Any) -> str:
        text = read_text(data)
        if text and not search(text):
            raise NotPlain
        return text

    return read


@reads(serializers.ChoiceField)
def _choice(field: serializers.ChoiceField) -> Reader:
    values = {name: value for name, value in field.choice_strings_to_values.items() if name}

    def read(data: Any) -> Any:
        if type(data) is not str or data not in values:
            raise NotPlain
        return values[data]

    return read


@reads(serializers.IntegerField, AmountField)
def _integer(field: serializers.IntegerField) -> Reader:
    most, least = _limits(field, MaxValueValidator, MinValueValidator)

    def read(data: Any) -> int:
        if type(data) is not int or not least <= data <= most:
            raise NotPlain
        return data

    return read


def decimal_reader(field: serializers.DecimalField) -> Reader:
    """Return the reader of a decimal number; what is plainly written is read at once."""
    slowly = patient_reader(field)
    whole = field.max_digits - field.decimal_places
    fraction = rf"(\.[0-9]{{1,{field.decimal_places}}})?" if field.decimal_places else ""
    plain = re.compile(rf"[0-9]{{1,{whole}}}{fraction}")
    most, least = _limits(field, MaxValueValidator, MinValueValidator)
    most = min(most, 10 ** (field.max_digits - field.decimal_places) - 1)
    step = Decimal(1).scaleb(-field.decimal_places)

    def read(data: Any) -> Decimal:
        if type(data) is int and least <= data <= most:
            return Decimal(data).quantize(step)
        if type(data) is str and plain.fullmatch(data):
            number = Decimal(data)
            if least <= number <= most:
                return number.quantize(step)
        return slowly(data)

    return read


@reads(InstantField)
def _instant(field: InstantField) -> Reader:
    def read(data: Any) -> datetime:
        try:
            given = datetime.fromisoformat(data)
            instant = given.astimezone(timezone.get_current_timezone())
        except (TypeError, ValueError, OverflowError) as error:
            raise NotPlain from error
        if given.tzinfo is None or not EARLIEST <= instant < LATEST:
            raise NotPlain
        return instant

    return read


def object_reader(field: serializers.DictField) -> Reader:
    """Return the reader of an object of the sender's own."""
    if not isinstance(field.child, _UnvalidatedField) or not field.allow_empty:
        return patient_reader(field)

    def read(data: Any) -> dict[str, Any]:
        if type(data) is not dict:
            raise NotPlain
        return dict(data)

    return read
