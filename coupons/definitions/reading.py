"""Reading JSON with a pointer to each mistake; a field that does not exist is one."""

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from operations.amounts import MAXIMUM_AMOUNT
from operations.errors import InvalidInput, Mistake

LARGEST_NUMBER = 2**31 - 1

LARGEST_COUNT = 1_000_000

LONGEST_LIST = 1000

LONGEST_TEXT = 200

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass
class Entry:
    """One JSON object being read: each field is asked for once, mistakes are collected."""

    data: Any
    pointer: str
    mistakes: list[Mistake] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if not isinstance(self.data, dict):
            raise InvalidInput.at(self.pointer, _("This is an object."))

    def wrong(self, name: str, message: str) -> None:
        self.mistakes.append(Mistake(f"{self.pointer}/{name}", message))

    def value(self, name: str, *, required: bool = False) -> Any:
        self.asked.add(name)
        value = self.data.get(name)
        if value is None and required:
            self.wrong(name, _("This field is required."))
        return value

    def whole(
        self, name: str, *, low: int = 1, high: int = LARGEST_NUMBER, default: Any = None, required=False
    ) -> Any:
        value = self.value(name, required=required)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.wrong(
                name, _("This is a whole number from %(low)d to %(high)d.") % {"low": low, "high": high}
            )
            return default
        return value

    def amount(self, name: str, *, required: bool = False) -> int | None:
        return self.whole(name, high=MAXIMUM_AMOUNT, required=required)

    def flag(self, name: str) -> bool:
        value = self.value(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, _("This is true or false."))
        return value is True

    def choice(self, name: str, kind: type[Choice], *, default: Choice | None = None) -> Choice | None:
        value = self.value(name, required=default is None)
        if value is None:
            return default
        if not isinstance(value, str) or value not in kind.__members__.values():
            known = ", ".join(kind)
            self.wrong(name, _("This is one of %(values)s.") % {"values": known})
            return default
        return kind(value)

    def text(self, name: str, *, default: str = "", required: bool = False) -> str:
        value = self.value(name, required=required)
        if value is None:
            return default
        if not isinstance(value, str) or len(value) > LONGEST_TEXT or (required and not value.strip()):
            self.wrong(name, _("This is a text of at most %(count)d characters.") % {"count": LONGEST_TEXT})
            return default
        return value

    def names(self, name: str) -> frozenset[str]:
        value = self.value(name)
        if value is None:
            return frozenset()
        good = isinstance(value, list) and len(value) <= LONGEST_LIST
        if not good or not all(isinstance(one, str) and 0 < len(one) <= LONGEST_TEXT for one in value):
            self.wrong(name, _("This is a list of texts."))
            return frozenset()
        if not value:
            self.wrong(name, _("An empty list would exclude everything; leave it out."))
        return frozenset(value)

    def nested(self, name: str, read: Any, *arguments: Any, default: Any = None) -> Any:
        value = self.value(name)
        if value is None:
            return default
        try:
            return read(value, f"{self.pointer}/{name}", *arguments)
        except InvalidInput as error:
            self.mistakes.extend(error.details)
            return default

    def finish(self) -> None:
        """Raise InvalidInput when anything was wrong, or when a field was never asked for."""
        for name in self.data.keys() - self.asked:
            self.wrong(name, _("There is no such field."))
        if self.mistakes:
            raise InvalidInput(details=sorted(self.mistakes, key=lambda mistake: mistake.pointer))


def read_percent(
    entry: Entry,
    name: str = "percent",
    *,
    low: Decimal = Decimal("0.01"),
    high: Decimal = Decimal(100),
    default: Decimal | None = None,
) -> Decimal | None:
    value = entry.value(name, required=default is None)
    if value is None:
        return default
    try:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InvalidOperation
        percent = Decimal(value)
        if not (percent.is_finite() and low <= percent <= high and percent == round(percent, 2)):
            raise InvalidOperation
    except InvalidOperation:
        entry.wrong(
            name,
            _("A percentage is from %(low)s to %(high)s, with at most two decimals.")
            % {"low": low, "high": high},
        )
        return default
    return percent


def read_list(data: Any, pointer: str, read: Any) -> tuple:
    if not isinstance(data, list) or len(data) > 50:
        raise InvalidInput.at(pointer, _("This is a list of at most 50 objects."))
    mistakes, rows = [], []
    for index, one in enumerate(data):
        try:
            rows.append(read(one, f"{pointer}/{index}"))
        except InvalidInput as error:
            mistakes.extend(error.details)
    if mistakes:
        raise InvalidInput(details=mistakes)
    return tuple(rows)
