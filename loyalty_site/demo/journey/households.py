"""Households as customers: profile, golden record, identities, traits, and consents with their proof."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from random import Random
from typing import Any

import pandas as pd

from customers.models import (
    Channel,
    ConsentRecord,
    Customer,
    Identity,
    Namespace,
    Purpose,
    Source,
    SourceProfile,
    Trait,
)
from customers.models.consent import ConsentState
from customers.services.bulk import copy_rows, reserve_ids
from loyalty_site.demo.journey.calendar import Calendar
from loyalty_site.demo.journey.dataset import Dataset
from loyalty_site.demo.journey.invention import City, Person, chance, invent_person

FIRST_DAY, LAST_DAY = date(2017, 1, 1), date(2017, 12, 31)
AGES = {"19-24": (19, 24), "25-34": (25, 34), "35-44": (35, 44), "45-54": (45, 54), "55-64": (55, 64)}
ANY_AGE, OLDEST_BAND = (20, 84), (65, 89)
TRAITS = {
    "age": "age_band",
    "income": "income",
    "home_ownership": "home_ownership",
    "marital_status": "marital_status",
    "household_size": "household_size",
    "household_comp": "household_composition",
    "kids_count": "kids",
}
TEXT_VERSION = "carta-fedelta-3"
IDS = uuid.UUID("6f2b1c7e-0d9c-4c53-9a55-3f0d7d1f2017")

# How people answered on the form for their card, in parts of a hundred; the others left it empty.
ANSWERS = {
    (Channel.EMAIL, Purpose.MARKETING): {"GRANTED": 62, "DENIED": 14, "WITHDRAWN": 10, "PENDING": 3},
    (Channel.EMAIL, Purpose.PROFILING): {"GRANTED": 70},
    (Channel.SMS, Purpose.MARKETING): {"GRANTED": 38, "DENIED": 24, "WITHDRAWN": 6},
    (Channel.POST, Purpose.MARKETING): {"GRANTED": 35, "DENIED": 20, "WITHDRAWN": 3},
}


@dataclass(frozen=True)
class Households:
    """Our ids by household number."""

    customers: pd.Series
    profiles: pd.Series


@dataclass(frozen=True)
class Household:
    """One household with everything that is invented about it. Times are naive and in 2017 or before."""

    number: int
    demographics: dict[str, str]
    city: City
    store: int
    on_mailing_list: bool
    person: Person = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "person", invent_person(self.number))

    @cached_property
    def enrolled_at(self) -> datetime:
        """Return when the card was asked for: in shop hours of the two years before the first purchase."""
        dice = chance("enrolment", self.number)
        day = FIRST_DAY - timedelta(days=dice.randint(1, 730))
        return datetime.combine(day, time(dice.randint(9, 18), dice.randint(0, 59)))

    @cached_property
    def birth_date(self) -> date | None:
        """Return a date that puts the person into the household's age band all year long.

        Of households without a band every other one never said.
        """
        dice = chance("birth", self.number)
        band = self.demographics.get("age")
        if band is None and dice.random() < 0.5:
            return None
        youngest, oldest = (OLDEST_BAND if band == "65+" else AGES[band]) if band else ANY_AGE
        year = LAST_DAY.year - dice.randint(youngest + 1, oldest)
        return date(year, 1, 1) + timedelta(days=dice.randint(0, 364))

    @property
    def post_address(self) -> str:
        return f"{self.person.street}, {self.city.postcode} {self.city.name}"

    def address(self, channel: str) -> str:
        return {
            Channel.EMAIL: self.person.email,
            Channel.SMS: self.person.phone,
            Channel.POST: self.post_address,
        }[channel]

    def consents(self) -> Iterator[tuple[str, str, str, datetime]]:
        """Yield channel, purpose, state and time of each entry of the consent ledger."""
        dice = chance("consents", self.number)
        for (channel, purpose), answers in ANSWERS.items():
            answer = self._answer(dice, answers)
            withdrawn_at = self._withdrawal(dice)
            if channel == Channel.POST and self.on_mailing_list:
                answer = ConsentState.GRANTED
            if not answer or not self.address(channel):
                continue
            if answer == ConsentState.WITHDRAWN:
                yield channel, purpose, ConsentState.GRANTED, self.enrolled_at
                yield channel, purpose, ConsentState.WITHDRAWN, withdrawn_at
            else:
                yield channel, purpose, answer, self.enrolled_at

    def _answer(self, dice: Random, answers: dict[str, int]) -> str:
        return dice.choices([*answers, ""], weights=[*answers.values(), 100 - sum(answers.values())])[0]

    def _withdrawal(self, dice: Random) -> datetime:
        day = FIRST_DAY + timedelta(days=dice.randint(0, 360))
        return datetime.combine(day, time(dice.randint(8, 22), dice.randint(0, 59)))


def describe_households(dataset: Dataset, cities: dict[int, City]) -> list[Household]:
    """Return every household; it lives where the store is in which it was most often."""
    visits = dataset.baskets.groupby(["household_id", "store_id"]).size().reset_index(name="visits")
    visits = visits.sort_values(["household_id", "visits", "store_id"], ascending=[True, False, True])
    stores = visits.drop_duplicates("household_id").set_index("household_id")["store_id"]
    mailing_list = set(dataset.recipients["household_id"])
    known = {
        int(number): {name: str(value) for name, value in row.items() if pd.notna(value)}
        for number, row in dataset.demographics.to_dict("index").items()
    }
    return [
        Household(
            number=number,
            demographics=known.get(number, {}),
            city=cities[int(stores[number])],
            store=int(stores[number]),
            on_mailing_list=number in mailing_list,
        )
        for number in dataset.household_ids
    ]


def write_households(
    households: list[Household], *, source: Source, calendar: Calendar, at: datetime
) -> Households:
    """Write the customers and what hangs on them; returns our ids."""
    numbers = [household.number for household in households]
    customers = pd.Series(reserve_ids(Customer, count=len(numbers)), index=numbers)
    profiles = pd.Series(reserve_ids(SourceProfile, count=len(numbers)), index=numbers)
    writer = _Writer(source, calendar, at, customers, profiles)
    for model, (columns, rows) in writer.tables(households).items():
        copy_rows(model, columns, rows)
    return Households(customers, profiles)


@dataclass(frozen=True)
class _Writer:
    source: Source
    calendar: Calendar
    at: datetime
    customers: pd.Series
    profiles: pd.Series

    def tables(self, households: list[Household]) -> dict[type, tuple[list[str], Iterator[tuple]]]:
        """Return columns and rows of each table, in an order that foreign keys allow."""
        each = [(int(self.customers[household.number]), household) for household in households]
        return {
            Customer: (
                ["id", "public_id", "status", "kind", "first_name", "last_name", "birth_date", "language",
                 "time_zone", "country", "region", "city", "postcode", "street", "attributes", "created_at",
                 "updated_at"],
                (self._customer(pk, household) for pk, household in each),
            ),
            SourceProfile: (
                ["id", "source_id", "external_id", "customer_id", "data", "created_at", "observed_at"],
                (self._profile(pk, household) for pk, household in each),
            ),
            Identity: (
                ["namespace", "value", "customer_id", "source_id", "shared", "verified_at", "created_at"],
                (row for pk, household in each for row in self._identities(pk, household)),
            ),
            Trait: (
                ["customer_id", "code", "value", "computed_at", "model_version"],
                (row for pk, household in each for row in self._traits(pk, household)),
            ),
            ConsentRecord: (
                ["customer_id", "channel", "purpose", "address", "state", "source_id", "lawful_basis",
                 "text_version", "proof", "occurred_at", "received_at"],
                (row for pk, household in each for row in self._consents(pk, household)),
            ),
        }  # fmt: skip

    def _customer(self, pk: int, household: Household) -> tuple:
        person, city = household.person, household.city
        return (
            pk, uuid.uuid5(IDS, str(household.number)), Customer.Status.ACTIVE.value,
            Customer.Kind.PERSON.value, person.first_name, person.last_name, self._birth_date(household),
            "it", "", "IT", city.region, city.name, city.postcode, person.street, json.dumps({"demo": True}),
            self._enrolled_at(household), self.at,
        )  # fmt: skip

    def _profile(self, pk: int, household: Household) -> tuple:
        person, city = household.person, household.city
        data: dict[str, Any] = {
            "email": person.email,
            "phone": person.phone,
            "loyalty_card": person.loyalty_card,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "birth_date": str(self._birth_date(household) or ""),
            "language": "it",
            "country": "IT",
            "region": city.region,
            "city": city.name,
            "postcode": city.postcode,
            "street": person.street,
            "attributes": {"demo": True},
        }
        given = {name: value for name, value in data.items() if value}
        number = str(household.number)
        return (
            int(self.profiles[household.number]), self.source.pk, number, pk, json.dumps(given), self.at,
            self._enrolled_at(household),
        )  # fmt: skip

    def _identities(self, pk: int, household: Household) -> Iterator[tuple]:
        person, enrolled_at = household.person, self._enrolled_at(household)
        keys = {
            Namespace.EMAIL: person.email,
            Namespace.PHONE: person.phone,
            Namespace.LOYALTY_CARD: person.loyalty_card,
        }
        for namespace, value in keys.items():
            if value:
                verified_at = enrolled_at if namespace == Namespace.LOYALTY_CARD else None
                yield namespace.value, value, pk, self.source.pk, False, verified_at, enrolled_at

    def _traits(self, pk: int, household: Household) -> Iterator[tuple]:
        for name, value in household.demographics.items():
            yield pk, TRAITS[name], json.dumps(value), self._enrolled_at(household), ""

    def _consents(self, pk: int, household: Household) -> Iterator[tuple]:
        for channel, purpose, state, local in household.consents():
            proof = {
                "form": TEXT_VERSION,
                "store": str(household.store),
                "card": household.person.loyalty_card,
            }
            how = {"asked_at": "service desk"} if state == ConsentState.WITHDRAWN else {"signed": "on paper"}
            yield (
                pk, str(channel), str(purpose), household.address(channel), str(state), self.source.pk,
                "consent", TEXT_VERSION, json.dumps(proof | how), self.calendar.instant(local), self.at,
            )  # fmt: skip

    def _birth_date(self, household: Household) -> date | None:
        return household.birth_date and self.calendar.day(household.birth_date)

    def _enrolled_at(self, household: Household) -> datetime:
        return self.calendar.instant(household.enrolled_at)
