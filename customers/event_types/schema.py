"""What a kind of event is: its meaning, the schema of its payload, and what is wrong with one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import fastjsonschema
from django.utils.functional import Promise

# Of draft 4, because only there 9.0 is not a whole number: it would be written as another text than 9.
DIALECT = "http://json-schema.org/draft-04/schema#"
LONG, SHORT, CODE = 4000, 300, 128


@dataclass(frozen=True)
class Mistake:
    """One thing wrong with a payload: where (a JSON pointer into the event) and what."""

    pointer: str
    message: str


@dataclass(frozen=True)
class EventType:
    """A kind of event: `code` is `family.past_tense`, or `family.*` for all others of a family.

    `fields` are JSON schemas by the name of the field in the payload; a payload may hold more. `uses` names
    the fields of the event itself that say most (`sku`, `amount`). What is not `told_by_sources` is for us to
    tell: a source may report its own, for the timeline, and it moves nothing.
    """

    code: str
    description: str | Promise
    fields: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict)
    told_by_sources: bool = True

    @property
    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the payload."""
        schema: dict[str, Any] = {"$schema": DIALECT, "type": "object", "properties": dict(self.fields)}
        return schema | {"required": list(self.required)} if self.required else schema

    @cached_property
    def _check(self) -> Callable[[Any], Any]:
        return fastjsonschema.compile(self.schema)

    def mistake(self, code: str, payload: Any) -> Mistake | None:
        """Return the first thing wrong with a payload of an event of type `code`."""
        if not self.fields:
            return None
        try:
            self._check(payload)
        except fastjsonschema.JsonSchemaValueException as error:
            return _mistake(code, error)
        return None


def text(limit: int = SHORT, **more: Any) -> dict[str, Any]:
    return {"type": "string", "maxLength": limit} | more


def whole(lowest: int, highest: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": lowest, "maximum": highest}


def number(lowest: float | None = None) -> dict[str, Any]:
    return {"type": "number"} | ({} if lowest is None else {"minimum": lowest})


def flag() -> dict[str, Any]:
    return {"type": "boolean"}


def choice(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def listing(item: dict[str, Any], limit: int = 200) -> dict[str, Any]:
    return {"type": "array", "items": item, "maxItems": limit}


def structure(required: tuple[str, ...] = (), **fields: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": fields}
    return schema | {"required": list(required)} if required else schema


_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


def _mistake(code: str, error: fastjsonschema.JsonSchemaValueException) -> Mistake:
    path = [str(part) for part in error.path[1:]]
    if error.rule == "required":
        definition = error.definition
        value = error.value if isinstance(error.value, dict) else {}
        path.append(next(name for name in definition["required"] if name not in value))
        definition = definition["properties"].get(path[-1], {})
    else:
        definition = error.definition
    where = ".".join(["payload", *path])
    return Mistake("/".join(["/payload", *path]), f"{where} of {code} is {_wanted(definition, error.rule)}.")


def _wanted(definition: dict[str, Any], rule: str) -> str:
    """Return in words what a schema asks for: `a whole number from 0 to 10`."""
    if "enum" in definition:
        return f"one of {', '.join(definition['enum'])}"
    words = _KINDS.get(definition.get("type", ""), "something else")
    lowest, highest = definition.get("minimum"), definition.get("maximum")
    if lowest is not None and highest is not None:
        return f"{words} from {lowest} to {highest}"
    if lowest is not None:
        return f"{words} of at least {lowest}"
    if rule == "maxLength":
        return f"{words} of at most {definition['maxLength']} characters"
    if rule == "maxItems":
        return f"{words} of at most {definition['maxItems']} items"
    if rule == "minLength":
        return f"{words} that is not empty"
    return words
