"""Events: written in the transaction of what they tell, handed to other apps afterwards, at least once."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.module_loading import import_string

from customers.event_types import is_told_by_sources
from customers.models import (
    Customer,
    Event,
    EventKey,
    PendingEvent,
    Product,
    SalesChannel,
    Source,
    SourceProfile,
    Store,
)
from customers.services.changes import NOTE, note_changes
from operations.inserts import insert_missing, insertion, rows_as_json

log = structlog.get_logger(__name__)

Subscriber = Callable[[Event], None]

OWN_SOURCE = "fidelio"
EVERY_TYPE = "*"
MERGES = ("customer.merged", "customer.unmerged")
RETRY_AFTER = [timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1)]


@cache
def own_source() -> Source:
    """Return the source of the events that Fidelio itself tells; a migration made it."""
    return Source.objects.get(code=OWN_SOURCE)


def record_event(
    type: str,
    *,
    external_id: str,
    occurred_at: datetime,
    customer: Customer | None = None,
    source: Source | None = None,
    source_profile: SourceProfile | None = None,
    sales_channel: SalesChannel | None = None,
    store: Store | None = None,
    product: Product | None = None,
    amount: int | None = None,
    currency: str = "",
    payload: dict[str, Any] | None = None,
) -> Event | None:
    """Write one event in the caller's transaction and queue it for its subscribers; amounts are minor units.

    Returns None when an event with this source and external id was recorded before: the key makes the caller
    idempotent. Subscribers are called after the commit (settings.EVENT_SUBSCRIBERS).
    """
    event = new_event(
        type,
        external_id=external_id,
        occurred_at=occurred_at,
        customer=customer,
        source=source,
        source_profile=source_profile,
        sales_channel=sales_channel,
        store=store,
        product=product,
        amount=amount,
        currency=currency,
        payload=payload,
    )
    written = record_events([event])
    return written[0] if written else None


def new_event(
    type: str, *, source: Source | None = None, payload: dict[str, Any] | None = None, **fields: Any
) -> Event:
    """Return an event, not yet written, for `record_events`; its fields are those of `record_event`."""
    return Event(
        type=type,
        source=source or own_source(),
        payload=payload or {},
        content_hash=content_hash(payload or {}),
        **fields,
    )


def record_events(events: Sequence[Event], *, announce: bool = True) -> list[Event]:
    """Write events in one statement, skipping those whose source and external id are known.

    Returns the new ones with their ids, in the order given. Of two writers of the same key the second waits
    for the first, and skips when that commits. Without `announce` no subscriber hears of them.
    """
    with transaction.atomic():
        new = insert_events(events)
        if announce:
            _queue(new)
        _note(new, quiet=not announce)
    return new


@dataclass(frozen=True)
class EventsPart:
    """Events as parts of a statement of the caller's own: `INSERT`s for its WITH, and their parameters."""

    parts: dict[str, str]
    parameters: dict[str, Any]


def events_part(events: Sequence[Event]) -> EventsPart | None:
    """Return what records these events within another statement; their keys must be new.

    None where somebody has to be told of them: then `record_events` is to be called.
    """
    if any(_concerns_somebody(event) for event in events):
        return None
    people = sorted({event.customer_id for event in events if event.customer_id})
    return EventsPart(
        {"told": insertion(Event, "events"), "noted": NOTE},
        {"events": rows_as_json(events), "customers": people, "quiet": False},
    )


def insert_events(events: Sequence[Event]) -> list[Event]:
    """Write the events whose keys are new, and tell nobody; return those with their ids."""
    return insert_missing(events, unique=["source", "external_id"], key_table=EventKey)


def _note(events: list[Event], *, quiet: bool) -> None:
    """Let segments follow what happened; what a merge brings together triggers nothing."""
    told = [event for event in events if not event.type.startswith("segment.")]
    merged = [event for event in told if event.type in MERGES]
    note_changes((event.customer_id for event in merged), quiet=True)
    note_changes((event.customer_id for event in told if event.type not in MERGES), quiet=quiet)


def _queue(events: list[Event]) -> None:
    pending = [PendingEvent(event=event, not_before=Now()) for event in events if _concerns_somebody(event)]
    if pending:
        PendingEvent.objects.bulk_create(pending)
        transaction.on_commit(ring)


def _concerns_somebody(event: Event) -> bool:
    """Our own events concern who subscribed; a source's only where they are of a kind that sources tell.

    A partner's `order.recorded` is a fact for the timeline: subscribers trust that ours names our order.
    """
    told_by_us = event.source_id == own_source().pk
    if not (told_by_us or is_told_by_sources(event.type)):
        return False
    return bool(_concerned(event))


def _concerned(event: Event) -> list[Subscriber]:
    every = subscribers(event.type)
    return [each for each in every if not hasattr(each, "concerns") or each.concerns(event)]


def only_if(concerns: Callable[[Event], bool]) -> Callable[[Subscriber], Subscriber]:
    """Mark a subscriber that only some events of its type concern: the others are not even queued for it."""

    def mark(subscriber: Subscriber) -> Subscriber:
        subscriber.concerns = concerns
        return subscriber

    return mark


def ring() -> None:
    """Tell a worker that events wait."""
    from customers.tasks import dispatch_events as bell

    try:
        bell.delay()
    except bell.OperationalError:  # The broker is away: beat finds the row within seconds of its return.
        log.warning("doorbell_unreachable", bell="dispatch_events")


def subscribers(type: str) -> tuple:
    """Return what settings.EVENT_SUBSCRIBERS names for this type of event, and for every type (`*`)."""
    named = settings.EVENT_SUBSCRIBERS
    return tuple(import_string(path) for path in (*named.get(type, ()), *named.get(EVERY_TYPE, ())))


def dispatch_events(*, limit: int = 200, at: datetime | None = None) -> int:
    """Hand up to `limit` due events to their subscribers, one transaction each; return how many were handled.

    A subscriber that fails rolls back that event alone, to be tried again later; subscribers are idempotent.
    Any number of dispatchers may run at once: each event is taken by one of them.
    """
    handled = 0
    for _ in range(limit):
        if not _dispatch_next(at or timezone.now()):
            break
        handled += 1
    return handled


def _dispatch_next(at: datetime) -> bool:
    with transaction.atomic():
        pending = (
            PendingEvent.objects.select_for_update(skip_locked=True)
            .filter(not_before__lte=at)
            .order_by("event_id")
            .first()
        )
        if pending is None:
            return False
        keys = EventKey.objects.filter(pk=pending.event_id)
        event = Event.objects.found_by(keys).select_related("customer").get()
        try:
            with transaction.atomic():
                for subscriber in _concerned(event):
                    subscriber(event)
        except Exception as error:
            _postpone(pending, error, at=at)
        else:
            pending.delete()
    return True


def _postpone(pending: PendingEvent, error: Exception, *, at: datetime) -> None:
    log.exception("subscriber_failed", event_id=pending.event_id, attempts=pending.attempts + 1)
    pending.not_before = at + RETRY_AFTER[min(pending.attempts, len(RETRY_AFTER) - 1)]
    pending.attempts += 1
    pending.last_error = f"{type(error).__name__}: {error}"
    pending.save()


def content_hash(content: Any) -> bytes:
    """Return the SHA-256 of the content as canonical JSON: equal content, equal hash."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), cls=DjangoJSONEncoder)
    return hashlib.sha256(text.encode()).digest()


def content_of(item: Any) -> Any:
    """Return what counts as the content of an item: an absent field and a null one are the same."""
    if type(item) in (str, int):  # Most of it.
        return item
    if isinstance(item, dict):
        return {name: content_of(part) for name, part in item.items() if part is not None}
    if isinstance(item, list):
        return [content_of(part) for part in item]
    if isinstance(item, Decimal):
        return f"{item.normalize():f}"
    return item.astimezone(UTC) if isinstance(item, datetime) else item
