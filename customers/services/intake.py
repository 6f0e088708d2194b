"""Events as sources tell them: taken once, or set aside with the reason, never lost."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress
from typing import Any

from django.conf import settings
from django.db import transaction

from customers.errors import (
    BeyondRetention,
    BlockedIdentity,
    CustomerErased,
    EventContradicted,
    OwnedAlready,
    SourceLeft,
)
from customers.event_types import event_type, payload_mistake
from customers.models import (
    Asset,
    BusinessUnit,
    Customer,
    Event,
    EventKey,
    Product,
    QuarantinedEvent,
    SalesChannel,
    Source,
    SourceProfile,
    Store,
)
from customers.rules import is_beyond_retention, is_in_future, normalise_serial
from customers.services.assets import find_owners, owner_ids, register_asset
from customers.services.catalogue import Stubs, ensure_named
from customers.services.conflicts import keep_conflicts, plain
from customers.services.events import content_hash, content_of, record_events
from customers.services.leads import name_lead_sources
from customers.services.locks import lock_live_customers
from customers.services.references import (
    IDENTITY,
    PROFILE,
    PUBLIC_ID,
    Key,
    ensure_customers,
    ensure_sources,
    key_in,
    known_customers,
    lock_customer_keys,
    told_by_left_sources,
)
from customers.services.visitors import NOBODY_YET, join_visitors, visitor_key
from operations.errors import FidelioError, InvalidInput
from operations.outcomes import Notice, Outcome

# In the order in which orders create theirs, or the two could wait for each other.
NAMED = {"store": Store, "sales_channel": SalesChannel, "business_unit": BusinessUnit, "sku": Product}
# The types whose payload may name a product by its serial number; what the product tells is its owner's.
ABOUT_ASSETS = ("iot.", "product.registered", "defect.reported")


@dataclass
class Draft:
    """One item on its way in, then the event it leads to."""

    item: dict[str, Any]
    content_hash: bytes
    customer_key: Key | None = None
    customer: Customer | None = None
    named: Customer | None = None  # Before a product's owner took their place.
    warnings: list[Notice] = field(default_factory=list)
    error: FidelioError | None = None
    event: Event | None = None
    asset: Asset | None = None
    brought: bool = False
    created: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return (self.item["source"], self.item["external_id"])

    @property
    def serial(self) -> str:
        """The serial number of the product that the event is about; empty for none."""
        if not self.item["type"].startswith(ABOUT_ASSETS):
            return ""
        return normalise_serial((self.item.get("payload") or {}).get("serial") or "")

    def outcome(self) -> Outcome:
        if self.error:
            return Outcome(row=self.event, error=self.error)
        if not self.created:
            self.warnings = [Notice("duplicate", "This event was recorded before.")]
        return Outcome(row=self.event, created=self.created, warnings=tuple(self.warnings))


def record_external_events(
    items: list[dict[str, Any]], *, at: datetime, announce: bool = True, quarantine: bool = True
) -> list[Outcome]:
    """Take what happened, as sources tell it; return for each item its event, or why it was not taken.

    An item has `source, external_id, type, occurred_at` and may have `customer` or `identity` (both, when it
    is a browser or device: its history then joins the person's), `sales_channel, store, business_unit, sku,
    amount` (minor units of `currency`) and `payload`. The same item again is the same event; other content
    under its key is a conflict, which is kept. An unknown type or a payload that its schema refuses goes to
    quarantine, unless the caller reports it (`quarantine`). Unknown customers and names become stubs and are
    named in the warnings. What a product tells, named by its serial number, is its owner's at that instant.
    Without `announce` no subscriber hears of these events.
    """
    drafts = [_draft(item, at=at) for item in items]
    with transaction.atomic():
        _refuse_left(drafts)
        # A mistake is kept under its source too.
        taken = [draft for draft in drafts if not isinstance(draft.error, SourceLeft)]
        sources = ensure_sources({draft.item["source"] for draft in taken})
        if quarantine:
            _quarantine_mistakes(drafts, sources)
        first: dict[tuple[str, str], Draft] = {}
        for draft in drafts:
            if not draft.error:
                first.setdefault(draft.key, draft)
        _compare(first.values(), sources)
        new = [draft for draft in first.values() if not draft.event]
        _find_customers(new, at=at)
        _find_assets([draft for draft in new if not draft.error])
        _insert([draft for draft in new if not draft.error], sources, announce=announce)
        _compare_repeats(drafts, first)
        keep_conflicts("event", [(sources[d.key[0]], d.key[1], d.item) for d in drafts if _contradicts(d)])
        _register_assets([draft for draft in new if draft.created], sources, at=at)
        name_lead_sources(_prospects_brought(new, sources))
    join_visitors([(_visitor(draft), draft.named) for draft in new if draft.created], at=at)
    return [draft.outcome() for draft in drafts]


def _draft(item: dict[str, Any], *, at: datetime) -> Draft:
    draft = Draft(item, content_hash(content_of(item)))
    try:
        _check(item, at=at)
        if is_beyond_retention(item["occurred_at"], keep_months=settings.EVENT_RETENTION_MONTHS, at=at):
            raise BeyondRetention
        draft.customer_key = key_in(item, "customer") or key_in(item, "identity")
    except BlockedIdentity as error:
        draft.warnings.append(Notice(error.key, error.message))
    except (InvalidInput, BeyondRetention) as error:
        draft.error = error
    return draft


def _refuse_left(drafts: list[Draft]) -> None:
    left = told_by_left_sources([(draft.item["source"], draft.customer_key) for draft in drafts])
    for draft in compress(drafts, left):
        draft.error = SourceLeft()


def _check(item: dict[str, Any], *, at: datetime) -> None:
    if event_type(item["type"]) is None:
        raise InvalidInput.at("/type", f"The type {item['type']} is not known.")
    mistake = payload_mistake(item["type"], item.get("payload") or {})
    if mistake:
        raise InvalidInput.at(mistake.pointer, mistake.message)
    if is_in_future(item["occurred_at"], at=at):
        raise InvalidInput.at("/occurred_at", "This instant is in the future.")


def _quarantine_mistakes(drafts: list[Draft], sources: dict[str, Source]) -> None:
    QuarantinedEvent.objects.bulk_create(
        QuarantinedEvent(
            source=sources[draft.item["source"]],
            type=draft.item["type"],
            external_id=draft.item["external_id"],
            payload=plain(draft.item),
            reason=reason_of(draft.error)[:300],
        )
        for draft in drafts
        if isinstance(draft.error, InvalidInput)
    )


def reason_of(error: FidelioError) -> str:
    """Return the first thing wrong, with the place where it is unless the sentence names it."""
    if not error.details:
        return str(error.message)
    mistake = error.details[0]
    place = mistake.pointer.removeprefix("/")
    named = not place or place.replace("/", ".") in mistake.message
    return str(mistake.message) if named else f"/{place}: {mistake.message}"


def _compare(drafts: Iterable[Draft], sources: dict[str, Source]) -> None:
    drafts = list(drafts)
    codes = {source.pk: source.code for source in sources.values()}
    keys = EventKey.objects.filter(
        source__in={sources[draft.key[0]].pk for draft in drafts},
        external_id__in={draft.key[1] for draft in drafts},
    )
    events = Event.objects.found_by(keys)
    recorded = {(codes[event.source_id], event.external_id): event for event in events}
    for draft in drafts:
        if draft.key in recorded:
            _judge(draft, recorded[draft.key])


def _judge(draft: Draft, event: Event) -> None:
    draft.event = event
    if bytes(event.content_hash) != draft.content_hash:
        draft.error = EventContradicted()


def _compare_repeats(drafts: list[Draft], first: dict[tuple[str, str], Draft]) -> None:
    for draft in drafts:
        leader = first.get(draft.key)
        if draft.error or leader is None or leader is draft:
            continue
        if leader.event is None:
            draft.error = leader.error
        else:
            _judge(draft, leader.event)


def _contradicts(draft: Draft) -> bool:
    return isinstance(draft.error, EventContradicted)


def _find_customers(drafts: list[Draft], *, at: datetime) -> None:
    keys = {draft.customer_key for draft in drafts if draft.customer_key}
    visitors = {key for key in keys if key.kind == IDENTITY and key.space in NOBODY_YET}
    if visitors and keys - visitors:
        # All at once, in one order: two calls that lock them in two goes could wait for each other.
        lock_customer_keys({key for key in keys - known_customers(keys).keys() if key.kind != PUBLIC_ID})
    named = ensure_customers(keys - visitors, status=Customer.Status.PROSPECT, at=at)
    unnamed = ensure_customers(visitors, status=Customer.Status.ANONYMOUS, at=at)
    customers, created = named.customers | unnamed.customers, named.created | unnamed.created
    # Owners of products too: all in one go, or two calls could wait for each other.
    owners = owner_ids(draft.serial for draft in drafts if draft.serial)
    live = lock_live_customers({customer.pk for customer in customers.values()} | owners)
    customers = {key: live[customer.pk] for key, customer in customers.items()}
    for draft in drafts:
        key = draft.customer_key
        draft.customer = draft.named = customers.get(key) if key else None
        if key in created:
            draft.brought = True
            draft.warnings.append(
                Notice("unknown_customer", "The customer was not known and has been created.")
            )
        elif draft.customer and draft.customer.status == Customer.Status.ERASED:
            draft.error = CustomerErased()
        elif key and draft.customer is None and key.kind == PUBLIC_ID:
            draft.error = InvalidInput.at("/customer/id", "There is no customer under this id.")
        elif key and draft.customer is None:
            draft.warnings.append(Notice("ambiguous_identity", "Several customers have this identity."))


def _visitor(draft: Draft) -> Key | None:
    """Return the browser or device that an event names beside the person."""
    return visitor_key(draft.item.get("identity")) if draft.item.get("customer") else None


def _prospects_brought(drafts: list[Draft], sources: dict[str, Source]) -> dict[int, Source]:
    return {
        draft.customer.pk: sources[draft.item["source"]]
        for draft in drafts
        if draft.customer and draft.brought and draft.customer.status == Customer.Status.PROSPECT
    }


def _find_assets(drafts: list[Draft]) -> None:
    """What a product tells is its owner's at that instant, whoever the source takes for the owner."""
    about = [draft for draft in drafts if draft.serial]
    if not about:
        return
    owners = find_owners(draft.serial for draft in about)
    for draft in about:
        draft.asset = owners.assets[draft.serial]
        if draft.serial in owners.created:
            draft.warnings.append(
                Notice("unknown_asset", f"The serial {draft.serial} was not known and has been created.")
            )
        owner = owners.owner_at(draft.asset, draft.item["occurred_at"])
        if owner and draft.customer is None:
            draft.customer = owner
        elif owner and owner.pk != draft.customer.pk and draft.item["type"].startswith("iot."):
            draft.customer = owner
            draft.warnings.append(Notice("not_the_owner", "Somebody else owned this product then."))


def _register_assets(drafts: list[Draft], sources: dict[str, Source], *, at: datetime) -> None:
    registered = [draft for draft in drafts if draft.item["type"] == "product.registered" and draft.customer]
    for draft in sorted(registered, key=lambda one: (one.serial, one.item["occurred_at"])):
        try:
            with transaction.atomic():
                register_asset(
                    draft.serial,
                    owner=draft.customer,
                    owned_from=draft.item["occurred_at"],
                    product=draft.event.product,
                    source=sources[draft.item["source"]],
                    at=at,
                )
        except OwnedAlready as error:
            draft.warnings.append(Notice("owned_already", str(error.message)))


def _insert(drafts: list[Draft], sources: dict[str, Source], *, announce: bool) -> None:
    stubs = {name: ensure_named(model, (d.item.get(name) for d in drafts)) for name, model in NAMED.items()}
    profiles = _profiles(drafts)
    events = {draft.key: _event(draft, sources, stubs, profiles) for draft in drafts}
    written = {event.pk for event in record_events(list(events.values()), announce=announce)}
    for draft in drafts:
        if events[draft.key].pk in written:
            draft.event, draft.created = events[draft.key], True
            for name, named in stubs.items():
                draft.warnings += named.warnings([draft.item.get(name)])
    # Somebody else recorded these while we were preparing ours.
    late = [draft for draft in drafts if draft.event is None]
    if late:
        _compare(late, sources)


def _profiles(drafts: list[Draft]) -> dict[tuple[str, str], int]:
    keys = {
        draft.customer_key for draft in drafts if draft.customer_key and draft.customer_key.kind == PROFILE
    }
    known = SourceProfile.objects.ids_by_key((key.space, key.value) for key in keys)
    return {names: profile for names, (profile, _) in known.items()}


def _event(draft: Draft, sources: dict[str, Source], stubs: dict[str, Stubs], profiles: dict) -> Event:
    item, key = draft.item, draft.customer_key
    return Event(
        type=item["type"],
        source=sources[item["source"]],
        external_id=item["external_id"],
        occurred_at=item["occurred_at"],
        customer=draft.customer,
        source_profile_id=profiles.get((key.space, key.value)) if key else None,
        sales_channel=stubs["sales_channel"].rows.get(item.get("sales_channel")),
        store=stubs["store"].rows.get(item.get("store")),
        business_unit=stubs["business_unit"].rows.get(item.get("business_unit")),
        product=stubs["sku"].rows.get(item.get("sku")),
        asset=draft.asset,
        amount=item.get("amount"),
        currency=item.get("currency") or "",
        payload=item.get("payload") or {},
        content_hash=draft.content_hash,
    )
