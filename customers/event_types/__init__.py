"""The kinds of events that sources may send, with a schema each: what `GET /event-types` documents."""

from customers.event_types.known import TYPES
from customers.event_types.schema import EventType, Mistake

BY_CODE = {each.code: each for each in TYPES}

__all__ = ["BY_CODE", "TYPES", "EventType", "Mistake", "event_type", "is_told_by_sources", "payload_mistake"]


def event_type(code: str) -> EventType | None:
    """Return the kind under this code, or its family's (`iot.*`); None for a type that nobody may send."""
    if code in BY_CODE:
        return BY_CODE[code]
    family, _, name = code.partition(".")
    return BY_CODE.get(f"{family}.*") if name else None


def is_told_by_sources(code: str) -> bool:
    """Return whether sources tell this kind of event, so that it may set something in motion here."""
    found = event_type(code)
    return found is not None and found.told_by_sources


def payload_mistake(code: str, payload: dict) -> Mistake | None:
    """Return the first thing wrong with the payload of an event of this known type; None when nothing is."""
    found = event_type(code)
    return found.mistake(code, payload) if found else None
