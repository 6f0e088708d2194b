"""The rows that a block of people leads to, table by table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customers.models import Consent, ConsentRecord, Customer, Event, Identity, SourceProfile
from loyalty_site.synthetic.columns import (
    Column,
    constant,
    dice,
    hashes,
    instants,
    pick,
    random_hex,
    text,
    weighted,
    where,
)
from loyalty_site.synthetic.people import People
from loyalty_site.synthetic.plan import Directory, Plan

SECOND_PROFILES = 0.15
# Parts of a hundred who gave each answer; the others gave none.
ANSWERS = {
    ("email", "MARKETING"): {"GRANTED": 52, "DENIED": 10, "WITHDRAWN": 6, "PENDING": 2},
    ("email", "PROFILING"): {"GRANTED": 30, "DENIED": 8},
    ("sms", "MARKETING"): {"GRANTED": 22, "DENIED": 8, "WITHDRAWN": 2},
}
TEXT_VERSION = "synthetic-1"
NO_JSON = "{}"


@dataclass(frozen=True)
class Rows:
    """Columns of one table by their name in the database, and which of the rows there are."""

    model: type
    columns: dict[str, Any]
    keep: np.ndarray | None = None

    @property
    def count(self) -> int:
        return len(next(iter(self.columns.values()))) if self.keep is None else int(self.keep.sum())


def rows_of_people(plan: Plan, directory: Directory, people: People) -> Iterator[Rows]:
    """Yield what the people of one block lead to; consents take their ids from `directory.consents`."""
    records = _Records(plan, directory, people)
    yield records.customers()
    yield records.first_profiles()
    yield records.second_profiles()
    yield from records.identities()
    yield records.creations()
    for channel, purpose in ANSWERS:
        yield from records.consents(channel, purpose)


class _Records:
    def __init__(self, plan: Plan, directory: Directory, people: People) -> None:
        self.plan, self.directory, self.people = plan, directory, people
        self.ids = directory.customers + people.number
        self.dice = dice(plan.seed, "records", int(people.number[0]))
        self.enrolled_at = plan.enrolment(people.number)
        self.at = instants(self.enrolled_at)

    def always(self, value: Any) -> pa.Array:
        return constant(value, self.people.count)

    def customers(self) -> Rows:
        people = self.people
        status = np.where(people.prospect, "PROSPECT", np.where(people.stranger, "ANONYMOUS", "ACTIVE"))
        return Rows(
            Customer,
            {
                "id": self.ids,
                "public_id": random_hex(self.dice, people.count, size=16),
                "status": status,
                "kind": self.always("PERSON"),
                **{name: pc.fill_null(getattr(people, name), "")
                   for name in ("first_name", "last_name", "street", "city", "region", "postcode")},
                "birth_date": people.birth_date,
                "language": pick(["it", "it", "it", "it", "en"], self.dice.integers(0, 5, people.count)),
                "time_zone": self.always(""),
                "country": where(~people.stranger, self.always("IT"), ""),
                "attributes": self.always(NO_JSON),
                "created_at": self.at,
                "updated_at": self.at,
            },
        )  # fmt: skip

    def first_profiles(self) -> Rows:
        """Return what the till knows of people, or the shop of prospects, strangers and duplicates."""
        online = self.people.prospect | self.people.stranger | self.people.duplicate
        return Rows(
            SourceProfile,
            {
                "id": self.directory.profiles + self.people.number,
                "source_id": np.where(online, self.directory.shop, self.directory.pos),
                "external_id": text("S", self.people.number),
                "customer_id": self.ids,
                "data": self._said("email", "phone", "loyalty_card", "tax_code"),
                "created_at": self.at,
                "observed_at": self.at,
            },
        )

    def second_profiles(self) -> Rows:
        """Return what a partner knows of some, joined by their e-mail address."""
        people = self.people
        keep = (self.dice.random(people.count) < SECOND_PROFILES) & _given(people.email) & ~people.prospect
        return Rows(
            SourceProfile,
            {
                "source_id": self.always(self.directory.partner),
                "external_id": text("P", people.number),
                "customer_id": self.ids,
                "data": self._said("email"),
                "created_at": self.at,
                "observed_at": self.at,
            },
            keep,
        )

    def _said(self, *keys: str) -> Column:
        """Return the profile as JSON, without what is not known."""
        people = self.people
        columns = {
            "email": people.email, "phone": people.phone, "loyalty_card": people.card,
            "tax_code": people.tax_code,
        }  # fmt: skip
        names = ["first_name", "last_name", "birth_date", "street", "city", "region", "postcode"]
        said = {name: columns[name] for name in keys} | {name: getattr(people, name) for name in names}
        parts = [pc.fill_null(text(f',"{name}":"', value, '"'), "") for name, value in said.items()]
        return text('{"country":"IT"', *parts, "}")

    def identities(self) -> Iterator[Rows]:
        people = self.people
        _, place, holders = np.unique(people.phone_number, return_inverse=True, return_counts=True)
        shared = holders[place] > 1
        nobody = np.zeros(people.count, dtype=bool)
        yield self._identity("email", people.email, nobody)
        yield self._identity("phone", people.phone, shared)
        yield self._identity("loyalty_card", people.card, nobody)
        yield self._identity("tax_code", people.tax_code, nobody)
        yield self._identity("cookie", where(people.stranger, text("visitor-", people.number)), nobody)

    def _identity(self, namespace: str, value: Column, shared: np.ndarray) -> Rows:
        verified = self.at if namespace == "loyalty_card" else pa.nulls(len(self.at), self.at.type)
        return Rows(
            Identity,
            {
                "namespace": self.always(namespace),
                "value": value,
                "customer_id": self.ids,
                "source_id": self.always(self.directory.pos),
                "shared": shared,
                "verified_at": verified,
                "created_at": self.at,
            },
            _given(value),
        )

    def creations(self) -> Rows:
        return self._events("customer.created", text("customer:", self.ids, ":created"), self.at, NO_JSON)

    def _events(
        self, type: str, key: Column, at: Column, payload: Any, keep: np.ndarray | None = None
    ) -> Rows:
        return Rows(
            Event,
            {
                "type": self.always(type),
                "occurred_at": at,
                "received_at": self.always(self.plan.until),
                "source_id": self.always(self.directory.own),
                "external_id": key,
                "customer_id": self.ids,
                "currency": self.always(""),
                "payload": payload if not isinstance(payload, str) else self.always(payload),
                "content_hash": hashes(self.dice, self.people.count),
            },
            keep,
        )

    def consents(self, channel: str, purpose: str) -> Iterator[Rows]:
        """Yield the ledger's entries, the state they lead to, and the events that tell of them."""
        answers = ANSWERS[channel, purpose]
        drawn = weighted(self.dice, [*answers.values(), 100 - sum(answers.values())], self.people.count)
        state = pick([*answers, ""], drawn)
        address = self.people.email if channel == "email" else self.people.phone
        keep = (drawn < len(answers)) & _given(address)
        ids = self.directory.take_consents(self.people.count)
        proof = where(np.asarray(pc.equal(state, "GRANTED")), text('{"form":"', self.people.number, '"}'))
        at = instants(self.enrolled_at + np.where(drawn == 2, 20, 0) * 86_400)
        said = {
            "customer_id": self.ids,
            "channel": self.always(channel),
            "purpose": self.always(purpose),
            "address": address,
            "state": state,
        }
        yield Rows(
            ConsentRecord,
            said | {
                "id": ids,
                "source_id": self.always(self.directory.pos),
                "lawful_basis": self.always("consent"),
                "text_version": self.always(TEXT_VERSION),
                "proof": proof,
                "occurred_at": at,
                "received_at": at,
            },
            keep,
        )  # fmt: skip
        yield Rows(Consent, said | {"record_id": ids, "changed_at": at}, keep)
        told = text(f'{{"channel":"{channel}","purpose":"{purpose}","state":"', state, '"}')
        yield self._events("consent.changed", text("consent:", ids), at, told, keep)


def _given(column: Column) -> np.ndarray:
    return np.asarray(pc.is_valid(column))
