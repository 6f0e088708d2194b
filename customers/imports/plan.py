"""From the records of a file to items that a service takes: which column says what, what is wrong where."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from babel.numbers import get_currency_precision
from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework import serializers

from customers.imports import values
from customers.imports.aliases import ALIASES
from customers.imports.fields import LINE, Field
from customers.imports.kinds import Kind
from customers.imports.numbers import Numbers
from customers.imports.records import FileKind, Options, Record
from customers.imports.values import CellMistake
from operations.api.problems import mistakes
from operations.api.readers import NotPlain, reader_of
from operations.errors import FidelioError

OWN = "+"  # `+shoe size` maps a column to an attribute of the sender's own.
WORDS = re.compile(r"[^a-z0-9]+")
ACCENTS = str.maketrans("àáâäèéêëìíîïòóôöùúûü", "aaaaeeeeiiiioooouuuu")


@dataclass(frozen=True)
class RowMistake:
    """Why a record was refused: the line, the column (empty for the whole record), a code, a sentence."""

    line: int
    column: str
    code: str
    message: str


@dataclass
class Draft:
    """One item and the records it is made of."""

    records: list[Record]
    plan: "Plan"
    item: dict[str, Any] = field(default_factory=dict)
    mistakes: list[RowMistake] = field(default_factory=list)
    valid: dict[str, Any] | None = None

    @cached_property
    def places(self) -> dict[str, tuple[int, str]]:
        """Which line and column a pointer comes from; worked out where something is wrong."""
        return dict(self.plan.places_of(self.records))

    @property
    def line(self) -> int:
        return self.records[0].line

    def refuse(self, code: str, message: str, pointer: str = "") -> None:
        line, column = self.place(pointer)
        self.mistakes.append(RowMistake(line, column, code, str(message)))

    def refuse_for(self, error: FidelioError) -> None:
        """Take a service's error over, at the cells it points to."""
        if not error.details:
            self.refuse(error.key, error.message)
        for mistake in error.details:
            self.refuse(error.key, mistake.message, mistake.pointer)

    def place(self, pointer: str) -> tuple[int, str]:
        while pointer and pointer not in self.places:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, (self.line, ""))


def guess_mapping(
    kind: Kind, columns: Iterable[str], remembered: dict[str, str] | None = None
) -> dict[str, str]:
    """Return the field each column seems to hold: as last time, else by its name; every field once."""
    known = {column: target for column, target in (remembered or {}).items() if is_target(kind, target)}
    mapping: dict[str, str] = {}
    for column in columns:
        target = known.get(column, "") if column in known else _by_name(kind, column)
        taken = target in mapping.values() and not target.startswith(OWN)
        mapping[column] = "" if taken else target
    return mapping


def is_target(kind: Kind, target: str) -> bool:
    return target == "" or target in kind.by_name or (target.startswith(OWN) and bool(kind.open))


def _by_name(kind: Kind, column: str) -> str:
    name = _words(column)
    for one in kind.fields:
        names = {_words(one.code), _words(str(one.label)), *_aliases(kind, one)}
        if name and name in names:
            return one.code
    return ""


def _aliases(kind: Kind, one: Field) -> list[str]:
    return ALIASES[kind.code].get(one.code, "").split(", ")


def _words(text: str) -> str:
    return WORDS.sub(" ", text.casefold().translate(ACCENTS)).strip()


@dataclass
class Plan:
    """How the records of one file become items of a kind.

    `proof_marks` is added to the proof of every consent, so that it says which file told it.
    """

    kind: Kind
    source: str
    options: Options
    mapping: dict[str, str]
    values: dict[str, Any]
    proof_marks: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def serializer(self) -> serializers.Serializer:
        # One for all: binding the fields anew for every item takes longer than checking it.
        return self.kind.serializer()

    @cached_property
    def columns(self) -> list[tuple[str, Field]]:
        """Return the mapped columns; the currency first, because amounts depend on it."""
        pairs = [(column, self.field_of(target)) for column, target in self.mapping.items() if target]
        return sorted(pairs, key=lambda pair: pair[1].code != "currency")

    def field_of(self, target: str) -> Field:
        if target.startswith(OWN):
            return Field(target, target[1:], (self.kind.open, target[1:]), values.anything)
        return self.kind.by_name[target]

    def missing(self) -> list[Field]:
        """Return the required fields that neither a column nor a value for the whole file gives."""
        given = {*self.mapping.values(), *(code for code, value in self.values.items() if value)}
        whole = LINE in given
        return [
            one
            for one in self.kind.fields
            if one.required and one.code not in given and not (whole and one.path[0] == LINE)
        ]

    def drafts(self, records: Iterable[Record], *, after: int = 0) -> Iterator[Draft]:
        """Yield a draft for each record, for orders one for the records of one number that stand together.

        Of several records under one number the first counts. Those up to line `after` were taken before: they
        are read again for their numbers alone.
        """
        with Numbers() as numbers:
            for group in self._groups(records):
                draft = Draft(group, self)
                self._fill(draft)
                self._refuse_repeat(draft, numbers)
                if not draft.mistakes:
                    self._validate(draft)
                if draft.valid is not None and (number := self._number(draft)):
                    numbers.add(number, draft.line)
                if group[-1].line > after:
                    yield draft

    def _refuse_repeat(self, draft: Draft, numbers: Numbers) -> None:
        number = self._number(draft)
        line = numbers.line_of(number) if number and not draft.mistakes else None
        if line is not None:
            sentence = _("Line %(line)d has this number already; the first one counts.") % {"line": line}
            draft.refuse("repeated", sentence, f"/{self.kind.number}")

    def _number(self, draft: Draft) -> str:
        return str(draft.item.get(self.kind.number) or "") if self.kind.number else ""

    def _groups(self, records: Iterable[Record]) -> Iterator[list[Record]]:
        key = next((c for c, one in self.columns if one.code == "source_id"), "") if self._has_lines else ""
        group: list[Record] = []
        for record in records:
            together = key and group and not record.mistake and _same(group[-1], record, key)
            if group and not together:
                yield group
                group = []
            group.append(record)
        if group:
            yield group

    @cached_property
    def _has_lines(self) -> bool:
        return any(one.path[0] == LINE and len(one.path) > 1 for _column, one in self.columns)

    def _fill(self, draft: Draft) -> None:
        for number, record in enumerate(draft.records):
            if mistake := record.mistake or self._cut_off(record):
                draft.mistakes.append(RowMistake(record.line, "", *mistake))
                continue
            self._read(draft, record, line=number, head=number == 0)
        self._complete(draft)

    def _cut_off(self, record: Record) -> tuple[str, str] | None:
        """A line of a text that ends before a column which counts has lost something on its way."""
        if self.options.kind != FileKind.CSV or record.cells.keys() >= self._names:
            return None
        lost = [column for column, _field in self.columns if column not in record.cells]
        sentence = _("The line ends after %(count)d cells: “%(column)s” is missing.")
        return "too_few_cells", sentence % {"count": len(record.cells), "column": lost[-1]}

    @cached_property
    def _names(self) -> set[str]:
        return {column for column, _field in self.columns}

    @cached_property
    def _cells(self) -> list[tuple[str, Field, bool]]:
        """Return each column with its field, and whether every line has one of its own."""
        return [(column, one, one.path[0] == LINE and len(one.path) > 1) for column, one in self.columns]

    def places_of(self, records: list[Record]) -> Iterator[tuple[str, tuple[int, str]]]:
        """Yield the pointer of each cell with its line and column."""
        for line, record in enumerate(records):
            if record.mistake or self._cut_off(record):
                continue
            for column, one, of_line in self._cells:
                if of_line or line == 0:
                    path = (LINE, line, one.path[1]) if of_line else one.path
                    yield "/" + "/".join(str(step) for step in path), (record.line, column)

    def _read(self, draft: Draft, record: Record, *, line: int, head: bool) -> None:
        for column, one, of_line in self._cells:
            if not head and not of_line:
                continue
            value = record.cells.get(column)
            path = (LINE, line, one.path[1]) if of_line else one.path
            if value is None or (isinstance(value, str) and not value.strip()):
                if self.options.clear and one.clearable:
                    _put(draft.item, path, None)
                continue
            try:
                _put(draft.item, path, self._converted(one, value, draft.item))
            except CellMistake as error:
                draft.mistakes.append(RowMistake(record.line, column, error.code, str(error)))

    def _converted(self, one: Field, value: Any, item: dict[str, Any]) -> Any:
        if one.convert is values.amount:
            currency = item.get("currency") or self.values.get("currency") or settings.PROGRAMME_CURRENCY
            return values.amount(value, self.options, digits=_decimals(currency))
        return one.convert(value, self.options)

    def _complete(self, draft: Draft) -> None:
        """Add what holds for the whole file and what goes without saying."""
        item = draft.item
        for code, value in self.values.items():
            one = self.kind.by_name.get(code)
            if one and value not in ("", None) and _get(item, one.path) is None:
                try:
                    _put(item, one.path, self._converted(one, value, item))
                except CellMistake as error:
                    draft.mistakes.append(RowMistake(draft.line, str(one.label), error.code, str(error)))
        _COMPLETE[self.kind.code](self, draft)

    def _validate(self, draft: Draft) -> None:
        try:
            draft.valid = self._checked(draft.item)
        except serializers.ValidationError as error:
            for mistake in mistakes(error.detail):
                draft.refuse("invalid_value", mistake.message, mistake.pointer)

    def _checked(self, item: dict[str, Any]) -> dict[str, Any]:
        try:
            return reader_of(self.kind.serializer)(item)
        except NotPlain:
            return self.serializer.run_validation(item)

    def marked(self, proof: Any, line: int) -> dict[str, Any]:
        return (proof if isinstance(proof, dict) else {}) | self.proof_marks | {"line": line}


@lru_cache(maxsize=200)
def _decimals(currency: str) -> int:
    return get_currency_precision(currency)


def _complete_customer(plan: Plan, draft: Draft) -> None:
    item = draft.item
    item["source"] = plan.source
    at, proof = item.pop("consent_at", None), item.pop("proof", None)
    said = item.get("consents")
    if not isinstance(said, dict):
        return
    item["consents"] = []
    for channel, purposes in said.items():
        for purpose, state in purposes.items():
            place = draft.places.get(f"/consents/{channel}/{purpose}")
            if place:
                draft.places[f"/consents/{len(item['consents'])}"] = place
            consent = {"channel": channel, "purpose": purpose, "state": state, "occurred_at": at}
            if proof or state != "GRANTED":
                consent["proof"] = plan.marked(proof, draft.line)
            item["consents"].append(consent)


def _complete_order(plan: Plan, draft: Draft) -> None:
    item = draft.item
    item["source"] = plan.source
    item.setdefault("currency", settings.PROGRAMME_CURRENCY)
    if isinstance(item.get(LINE), dict):
        lines = item[LINE]
        item[LINE] = [lines.get(number, {}) for number in range(len(draft.records))]
        for line in item[LINE]:
            line.setdefault("quantity", "1")
    _name_customer(plan, item)


def _complete_event(plan: Plan, draft: Draft) -> None:
    item = draft.item
    item["source"] = plan.source
    if item.get("amount") is not None:
        item.setdefault("currency", settings.PROGRAMME_CURRENCY)
    elif "currency" in item:
        del item["currency"]
    if not (item.get("identity") or {}).get("value"):
        item.pop("identity", None)
    _name_customer(plan, item)


def _complete_consent(plan: Plan, draft: Draft) -> None:
    item = draft.item
    item["source"] = plan.source
    _name_customer(plan, item)
    if item.get("customer"):
        if item.get("channel") == "email" and item.get("email"):
            item.setdefault("address", item["email"])
        item.pop("email", None)
    if item.get("proof") or item.get("state") != "GRANTED":
        item["proof"] = plan.marked(item.get("proof"), draft.line)


def _complete_product(plan: Plan, draft: Draft) -> None:
    pass


_COMPLETE = {
    "customers": _complete_customer,
    "orders": _complete_order,
    "products": _complete_product,
    "events": _complete_event,
    "consents": _complete_consent,
}


def _name_customer(plan: Plan, item: dict[str, Any]) -> None:
    """Keep the strongest of the ways in which a record names its customer."""
    said = item.get("customer")
    if not isinstance(said, dict):
        return
    if said.get("id"):
        item["customer"] = {"id": said["id"]}
    elif said.get("source_id"):
        item["customer"] = {"source": said.get("source") or plan.source, "source_id": said["source_id"]}
    elif said.get("email"):
        item["customer"] = {"email": said["email"]}


def _same(before: Record, record: Record, key: str) -> bool:
    value = record.cells.get(key)
    return before.mistake is None and value not in (None, "") and before.cells.get(key) == value


def _put(item: dict[str, Any], path: tuple, value: Any) -> None:
    for step in path[:-1]:
        inner = item.get(step)
        if not isinstance(inner, dict):
            inner = item[step] = {}
        item = inner
    item[path[-1]] = value


def _get(item: dict[str, Any], path: tuple) -> Any:
    for step in path:
        item = item.get(step) if isinstance(item, dict) else None
    return item
