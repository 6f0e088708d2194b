"""What people allow: the ledger, and the state it leads to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from customers.errors import ConsentWithoutProof, SourceGivesNoConsent
from customers.models import (
    Consent,
    ConsentRecord,
    Customer,
    Purpose,
    Source,
)
from customers.models.consent import ConsentState
from customers.rules import is_in_future
from customers.services.contact_points import address_of
from customers.services.events import new_event, record_events
from customers.services.locks import lock_live_customers
from customers.services.profiling import settle_processing
from customers.services.suppressions import lift_outlived
from operations.errors import InvalidInput, Mistake
from operations.outcomes import Outcome

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
        address=address_of(customer, channel, address),
        occurred_at=occurred_at,
        source=source,
        text_version=text_version,
        proof=proof,
    )
    check_consent(stated, at=at)
    return record_consents([stated], at=at)[0]


def check_consent(stated: StatedConsent, *, at: datetime) -> None:
    """Raises ConsentWithoutProof, SourceGivesNoConsent or InvalidInput for what could not be entered."""
    if stated.state in ALLOWING and stated.source and not stated.source.may_allow(stated.purpose):
        raise SourceGivesNoConsent
    if stated.state == ConsentState.GRANTED and not stated.proof:
        raise ConsentWithoutProof(details=[Mistake("/proof", ConsentWithoutProof.message)])
    if stated.occurred_at and is_in_future(stated.occurred_at, at=at):
        raise InvalidInput.at("/occurred_at", "This instant is in the future.")


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
        lift_outlived(changed.values())
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
