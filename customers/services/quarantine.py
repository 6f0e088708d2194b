"""The quarantine: what could not be understood is corrected, sent through the intake again, or discarded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from customers.models import QuarantinedEvent, Source
from customers.services.conflicts import plain
from customers.services.intake import reason_of, record_external_events
from operations.errors import InvalidInput
from operations.outcomes import Outcome

BATCH = 500
# Turns what was sent into an item for the intake; raises InvalidInput.
Reader = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True)
class Replay:
    """What became of quarantined events; `still` are those that stay."""

    recorded: int = 0
    duplicates: int = 0
    contradicting: int = 0
    refused: int = 0
    still: int = 0

    def __add__(self, other: "Replay") -> "Replay":
        return Replay(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def total(self) -> int:
        return sum(getattr(self, name) for name in self.__dataclass_fields__)


def quarantine_event(content: Any, *, reason: str, source: Source | None = None) -> QuarantinedEvent:
    """Set aside something sent as an event that could not be understood."""
    quarantined = QuarantinedEvent(source=source, **_told(content, reason=reason))
    quarantined.save()
    return quarantined


def correct_event(
    quarantined: QuarantinedEvent, content: Any, *, read: Reader, at: datetime
) -> tuple[Replay, str]:
    """Replace what was sent by what was meant and replay it; return what became of it, and why it stays.

    What is still not understood stays as corrected, with its new reason.
    """
    with transaction.atomic():
        row = QuarantinedEvent.objects.select_for_update().filter(pk=quarantined.pk).first()
        if row is None:
            return Replay(), ""
        for name, value in _told(content, reason=row.reason).items():
            setattr(row, name, value)
        row.save()
        replay = _replay([row], read=read, at=at)
    return replay, row.reason if replay.still else ""


def replay_events(
    waiting: QuerySet[QuarantinedEvent], *, read: Reader, at: datetime, after: int = 0
) -> tuple[Replay, int]:
    """Replay a batch beyond the key `after`; return what became of it, and the key of its last event.

    The key is `after` again when nothing is left. Rows that somebody else replays just now are left to them.
    """
    with transaction.atomic():
        rows = list(
            waiting.filter(pk__gt=after)
            .order_by("pk")
            .select_for_update(skip_locked=True, of=("self",))[:BATCH]
        )
        return _replay(rows, read=read, at=at), rows[-1].pk if rows else after


def discard_events(waiting: QuerySet[QuarantinedEvent]) -> int:
    """Delete quarantined events for good; return how many."""
    deleted, _ = waiting.delete()
    return deleted


def _told(content: Any, *, reason: str) -> dict[str, Any]:
    said = content if isinstance(content, dict) else {}
    type, name = said.get("type"), said.get("external_id")
    return {
        "payload": plain(content),
        "reason": reason[:300],
        "type": type[:64] if isinstance(type, str) else "",
        "external_id": name[:200] if isinstance(name, str) else "",
    }


def _replay(rows: Sequence[QuarantinedEvent], *, read: Reader, at: datetime) -> Replay:
    items: list[dict[str, Any]] = []
    readable: list[QuarantinedEvent] = []
    outcomes: list[tuple[QuarantinedEvent, Outcome]] = []
    for row in rows:
        try:
            items.append(read(row.payload))
            readable.append(row)
        except InvalidInput as error:
            outcomes.append((row, Outcome(error=error)))
    if items:
        written = record_external_events(items, at=at, quarantine=False)
        outcomes += zip(readable, written, strict=True)
    return _settle(outcomes)


def _settle(outcomes: list[tuple[QuarantinedEvent, Outcome]]) -> Replay:
    """Keep what is still not understood, with its new reason; the rest has found its place."""
    still = [(row, outcome.error) for row, outcome in outcomes if isinstance(outcome.error, InvalidInput)]
    for row, error in still:
        row.reason, row.attempts = reason_of(error)[:300], row.attempts + 1
    QuarantinedEvent.objects.bulk_update([row for row, _ in still], ["reason", "attempts"])
    kept = {row.pk for row, _ in still}
    settled = [(row, outcome) for row, outcome in outcomes if row.pk not in kept]
    QuarantinedEvent.objects.filter(pk__in=[row.pk for row, _ in settled]).delete()
    statuses = [outcome.status for _, outcome in settled]
    return Replay(
        recorded=statuses.count(201),
        duplicates=statuses.count(200),
        contradicting=statuses.count(409),
        refused=len([status for status in statuses if status not in (200, 201, 409)]),
        still=len(still),
    )
