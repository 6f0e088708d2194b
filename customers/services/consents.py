"""What people allow: the ledger, the state it leads to, and contact points never to be written to again."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from customers.errors import BlockedIdentity, ConsentWithoutProof, SourceGivesNoConsent, SourceLeft
from customers.models import (
    Channel,
    Consent,
    ConsentRecord,
    Customer,
    Identity,
    Namespace,
    Purpose,
    Source,
    Suppression,
)
from customers.models.consent import ConsentState
from customers.rules import address_hash, is_in_future, normalise_address
from customers.services.events import new_event, record_events
from customers.services.locks import lock_live_customers
from customers.services.profiling import settle_processing
from customers.services.references import (
    PROFILE,
    Key,
    ensure_customers,
    ensure_sources,
    find_customer,
    key_of,
    told_by_left_sources,
)
from operations.errors import FidelioError, InvalidInput, Mistake
from operations.inserts import insert_missing
from operations.outcomes import Outcome

NAMESPACES = {
    Channel.EMAIL: Namespace.EMAIL,
    Channel.SMS: Namespace.PHONE,
    Channel.PHONE: Namespace.PHONE,
    Channel.PUSH: Namespace.PUSH,
}
# Of two statements of the same instant the more restrictive one holds.
# What would let us write to somebody, at once or by asking for a confirmation.
ALLOWING = (ConsentState.GRANTED, ConsentState.PENDING)
RESTRICTION = {ConsentState.GRANTED: 0, ConsentState.PENDING: 1}


@dataclass(frozen=True)
class StatedConsent:
    """What one person said about one contact point, channel and purpose.

    Without `occurred_at` it was said now, and the same state again is no news.
    """

    customer: Customer
    channel: str
    purpose: str
    state: str
    address: str
    occurred_at: datetime | None = None
    source: Source | None = None
    text_version: str = ""
    lawful_basis: str = "consent"
    proof: dict[str, Any] | None = None
    text_hash: str = ""

    @property
    def point(self) -> tuple[int, str, str, str]:
        return (self.customer.pk, self.channel, self.purpose, self.address)


def record_consent(
    customer: Customer,
    *,
    channel: str,
    purpose: str,
    state: str,
    at: datetime,
    address: str = "",
    occurred_at: datetime | None = None,
    source: Source | None = None,
    text_version: str = "",
    proof: dict[str, Any] | None = None,
) -> Consent:
    """Enter what a customer said into the ledger and return the state that holds now.

    Without `address` it is about the customer's own contact point of the channel. The latest statement about
    a contact point holds, in whatever order they arrive. Tells of a change (`consent.changed`).

    Raises ConsentWithoutProof, InvalidInput (no contact point, an instant in the future).
    """
    stated = StatedConsent(
        customer=customer,
        channel=channel,
        purpose=purpose,
        state=state,
        address=_address(customer, channel, address),
        occurred_at=occurred_at,
        source=source,
        text_version=text_version,
        proof=proof,
    )
    check_consent(stated, at=at)
    return record_consents([stated], at=at)[0]


def record_external_consents(items: list[dict[str, Any]], *, at: datetime) -> list[Outcome]:
    """Enter what sources tell of people's consents; return for each item the state that holds now.

    An item has `customer` (a reference) or `email`, `channel, purpose, state` and may have `address, source,
    text_version, occurred_at, proof`. Somebody unknown named by e-mail becomes a prospect.
    """
    outcomes: list[Outcome | None] = []
    statements: list[StatedConsent] = []
    with transaction.atomic():
        named = [(item.get("source") or "", _person_named(item)) for item in items]
        left = told_by_left_sources(named)
        taken = [each for each, gone in zip(named, left, strict=True) if not gone]
        keys = {key for _, key in taken if key}
        sources = ensure_sources(
            {source for source, _ in taken if source} | {key.space for key in keys if key.kind == PROFILE}
        )
        # All at once, in one order: calls that name the same people in another order would deadlock.
        people = ensure_customers(keys, status=Customer.Status.PROSPECT, at=at).customers
        points = _own_points(people.values())
        for item, gone in zip(items, left, strict=True):
            try:
                if gone:
                    raise SourceLeft
                statements.append(_statement(item, sources, people, points, at=at))
                outcomes.append(None)
            except FidelioError as error:
                outcomes.append(Outcome(error=error))
        entered = iter(enter_consents(statements, at=at))
    return [outcome or next(entered) for outcome in outcomes]


def _person_named(item: dict[str, Any]) -> Key | None:
    try:
        return key_of(_reference(item))
    except (InvalidInput, BlockedIdentity):
        return None  # Said to the sender when the item's turn comes.


def _reference(item: dict[str, Any]) -> dict[str, str]:
    return item.get("customer") or {"email": item["email"]}


def _own_points(customers: Iterable[Customer]) -> dict[tuple[int, str], str]:
    """Return the latest address of each kind that customers have, by the customer's pk and the kind."""
    identities = Identity.objects.filter(
        customer__in={customer.pk for customer in customers}, namespace__in=set(NAMESPACES.values())
    )
    rows = identities.order_by("pk").values_list("customer", "namespace", "value")
    return {(pk, namespace): value for pk, namespace, value in rows}


def _statement(
    item: dict[str, Any],
    sources: dict[str, Source],
    people: dict[Key, Customer],
    points: dict[tuple[int, str], str],
    *,
    at: datetime,
) -> StatedConsent:
    try:
        customer = people.get(key_of(_reference(item)))
        if customer is None or customer.status == Customer.Status.ERASED:
            customer = find_customer(_reference(item), create_prospect=True, at=at)
    except InvalidInput as error:
        raise (error.under("/customer") if item.get("customer") else error) from error
    address = item.get("address") or (item.get("email") if item["channel"] == Channel.EMAIL else "")
    own = points.get((customer.pk, NAMESPACES.get(item["channel"])), "")
    stated = StatedConsent(
        customer=customer,
        channel=item["channel"],
        purpose=item["purpose"],
        state=item["state"],
        address=_address(customer, item["channel"], address or own),
        occurred_at=item.get("occurred_at"),
        source=sources.get(item.get("source")),
        text_version=item.get("text_version") or "",
        proof=item.get("proof"),
    )
    check_consent(stated, at=at)
    return stated


def _address(customer: Customer, channel: str, address: str) -> str:
    if address:
        return _normal_address(channel, address, country=str(customer.country))
    return contact_point(customer, channel)


def contact_point(customer: Customer, channel: str) -> str:
    """Return the customer's own address of a channel; post has none here, push only once a
    browser or an app subscribed.

    Raises InvalidInput when the customer has none.
    """
    namespace = NAMESPACES.get(channel)
    if namespace is None:
        return ""
    identity = customer.identities.filter(namespace=namespace).order_by("-pk").first()
    if identity is None and channel == Channel.PUSH:
        return ""
    if identity is None:
        raise InvalidInput.at("/address", "The customer has no contact point of this channel.")
    return identity.value


def check_consent(stated: StatedConsent, *, at: datetime) -> None:
    """Raises ConsentWithoutProof, SourceGivesNoConsent or InvalidInput for what could not be entered."""
    if stated.state in ALLOWING and stated.source and not stated.source.may_allow(stated.purpose):
        raise SourceGivesNoConsent
    if stated.state == ConsentState.GRANTED and not stated.proof:
        raise ConsentWithoutProof(details=[Mistake("/proof", ConsentWithoutProof.message)])
    if stated.occurred_at and is_in_future(stated.occurred_at, at=at):
        raise InvalidInput.at("/occurred_at", "This instant is in the future.")


def _normal_address(channel: str, address: str, *, country: str) -> str:
    try:
        return normalise_address(channel, address, country or settings.PROGRAMME_COUNTRY)
    except ValueError as error:
        raise InvalidInput.at("/address", str(error)) from error


def record_consents(statements: Sequence[StatedConsent], *, at: datetime) -> list[Consent]:
    """Enter checked statements, with normalised addresses, in bulk; return the state of each."""
    return [outcome.row for outcome in enter_consents(statements, at=at)]


def enter_consents(statements: Sequence[StatedConsent], *, at: datetime) -> list[Outcome]:
    """Do what record_consents does and say of each statement whether it was news (`created`)."""
    if not statements:
        return []
    news: list[bool] = []
    with transaction.atomic():
        live = lock_live_customers(stated.customer.pk for stated in statements)
        statements = [replace(stated, customer=live[stated.customer.pk]) for stated in statements]
        customers = {customer.pk for customer in live.values()}
        states = _states(customers)
        entered = _entered_before(customers)
        changed: dict[tuple, Consent] = {}
        records: list[ConsentRecord] = []
        for stated in statements:
            current = states.get(stated.point)
            news.append(_is_news(stated, current, entered))
            if not news[-1]:
                continue
            record = _record(stated, at=at)
            records.append(record)
            entered.add(_entry(record))
            if current is None or _overrules(record, current):
                states[stated.point] = changed[stated.point] = _state(record, current)
        ConsentRecord.objects.bulk_create(records)
        _write_states(changed.values())
        _lift_suppressions(changed.values())
        profiled = {c.customer_id for c in changed.values() if c.purpose == Purpose.PROFILING}
        if profiled:
            settle_processing(profiled, at=at)
    return [Outcome(states[stated.point], created=new) for stated, new in zip(statements, news, strict=True)]


def _states(customers: set[int]) -> dict[tuple, Consent]:
    consents = Consent.objects.filter(customer__in=customers).select_related("record")
    return {(c.customer_id, c.channel, c.purpose, c.address): c for c in consents}


def _entered_before(customers: set[int]) -> set[tuple]:
    return {_entry(record) for record in ConsentRecord.objects.filter(customer__in=customers)}


def _entry(record: ConsentRecord) -> tuple:
    return (
        record.customer_id, record.channel, record.purpose, record.address, record.state, record.occurred_at
    )  # fmt: skip


def _is_news(stated: StatedConsent, current: Consent | None, entered: set[tuple]) -> bool:
    if current is None:
        return True
    if stated.state == ConsentState.PENDING and current.state == ConsentState.GRANTED:
        return False  # Allowed already: whoever types a subscriber's address into a form takes nothing away.
    if stated.occurred_at is None:
        return stated.state != current.state
    return (*stated.point, stated.state, stated.occurred_at) not in entered


def _record(stated: StatedConsent, *, at: datetime) -> ConsentRecord:
    return ConsentRecord(
        customer=stated.customer,
        channel=stated.channel,
        purpose=stated.purpose,
        address=stated.address,
        state=stated.state,
        source=stated.source,
        lawful_basis=stated.lawful_basis,
        text_version=stated.text_version,
        text_hash=stated.text_hash,
        proof=stated.proof,
        occurred_at=stated.occurred_at or at,
    )


def _overrules(new: ConsentRecord, current: Consent) -> bool:
    old = current.record
    if old.address != new.address:
        # A merge let another contact point decide: only what the person says after it counts.
        return new.occurred_at > current.changed_at
    if new.occurred_at != old.occurred_at:
        return new.occurred_at > old.occurred_at
    return RESTRICTION.get(new.state, 2) > RESTRICTION.get(old.state, 2)


def _state(record: ConsentRecord, current: Consent | None) -> Consent:
    consent = current or Consent(
        customer=record.customer, channel=record.channel, purpose=record.purpose, address=record.address
    )
    consent.customer = record.customer
    consent.news = current is None or current.state != record.state
    consent.record, consent.state, consent.changed_at = record, record.state, record.occurred_at
    return consent


def _write_states(changed: Collection[Consent]) -> None:
    for consent in changed:
        consent.record_id = consent.record.pk
    Consent.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["customer", "channel", "purpose", "address"],
        update_fields=["state", "record", "changed_at"],
    )
    record_events([_changed_event(consent) for consent in changed if consent.news])


def _changed_event(consent: Consent):
    return new_event(
        "consent.changed",
        external_id=f"consent:{consent.record_id}",
        customer=consent.customer,
        occurred_at=consent.changed_at,
        payload={"channel": consent.channel, "purpose": consent.purpose, "state": consent.state},
    )


def _lift_suppressions(changed: Collection[Consent]) -> None:
    """Who unsubscribed, or was erased, and later consents anew is written to again; a bounce stays."""
    granted = {
        (consent.channel, address_hash(consent.address)): consent.changed_at
        for consent in changed
        if consent.state == ConsentState.GRANTED and consent.purpose == Purpose.MARKETING
    }
    if not granted:
        return
    suppressions = Suppression.objects.filter(
        reason__in=[Suppression.Reason.UNSUBSCRIBED, Suppression.Reason.ERASED],
        address_hash__in={digest for _, digest in granted},
    )
    outlived = [
        s.pk for s in suppressions if s.created_at < granted.get((s.channel, s.address_hash), s.created_at)
    ]
    if outlived:
        Suppression.objects.filter(pk__in=outlived).delete()


def suppress(channel: str, address: str, *, reason: str) -> Suppression:
    """Never write to this contact point again; only its hash is kept. Repeating it keeps the first reason.

    Raises InvalidInput for what is no contact point of the channel.
    """
    digest = address_hash(_normal_address(channel, address, country=""))
    insert_missing(
        [Suppression(channel=channel, address_hash=digest, reason=reason)], unique=["channel", "address_hash"]
    )
    return Suppression.objects.get(channel=channel, address_hash=digest)


def find_suppression(channel: str, address: str) -> Suppression | None:
    """Return the entry of a contact point on the suppression list; None when it is not there.

    Raises InvalidInput for what is no contact point of the channel.
    """
    digest = address_hash(_normal_address(channel, address, country=""))
    return Suppression.objects.filter(channel=channel, address_hash=digest).first()


def unsuppress(channel: str, address: str) -> bool:
    """Allow a contact point again; return whether it was suppressed. Consent is needed all the same."""
    digest = address_hash(_normal_address(channel, address, country=""))
    deleted, _ = Suppression.objects.filter(channel=channel, address_hash=digest).delete()
    return bool(deleted)


def lift_suppressions(suppressions: QuerySet[Suppression]) -> int:
    """Allow these contact points again and return how many. Consent is needed all the same."""
    deleted, _ = suppressions.delete()
    return deleted


def reachable_address(customer: Customer, channel: str, *, purpose: str = Purpose.MARKETING) -> str | None:
    """Return where the customer may be written to on a channel now, or None."""
    return (
        Customer.objects.reachable(channel, purpose)
        .filter(pk=customer.pk)
        .values_list("address", flat=True)
        .first()
    )
