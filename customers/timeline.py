"""What happened to a customer, page by page, each event with a sentence and an icon for a person to read."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from customers.models import Customer, Event


@dataclass(frozen=True)
class Position:
    """A place in a timeline: strictly before this instant, or at it but before this event."""

    occurred_at: datetime
    event_id: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Return the position that `str` gave, or that an instant alone names. Raises ValueError."""
        # A plus sign that nobody escaped in an address arrives as a space.
        instant, _, event_id = text.replace(" ", "+").partition("_")
        occurred_at = parse_datetime(instant)
        if occurred_at is None or occurred_at.tzinfo is None or not 1900 <= occurred_at.year <= 2200:
            raise ValueError(text)
        if event_id and not (event_id.isascii() and event_id.isdigit() and len(event_id) < 19):
            raise ValueError(text)
        return cls(occurred_at, int(event_id) if event_id else None)

    def __str__(self) -> str:
        return (
            f"{self.occurred_at.isoformat()}_{self.event_id}"
            if self.event_id
            else self.occurred_at.isoformat()
        )


@dataclass(frozen=True)
class Page:
    events: list[Event]
    next: Position | None


def timeline_page(
    customer: Customer, *, kind: str = "", before: Position | None = None, limit: int = 50
) -> Page:
    """Return up to `limit` events of a customer, newest first, and where the next page begins.

    `kind` is a type (`order.recorded`) or a family (`order`).
    """
    events = customer.events.timeline().of_kind(kind)
    if before and before.event_id is None:
        events = events.filter(occurred_at__lt=before.occurred_at)
    elif before:
        events = events.filter(
            Q(occurred_at__lt=before.occurred_at) | Q(occurred_at=before.occurred_at, pk__lt=before.event_id),
            occurred_at__lte=before.occurred_at,
        )
    rows = list(events[: limit + 1])
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], Position(last.occurred_at, last.pk) if last else None)
