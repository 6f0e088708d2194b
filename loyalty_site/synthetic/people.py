"""A block of people: households under one roof, duplicates with typos, and how to reach them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loyalty_site.demo.journey.invention import (
    CITIES,
    FIRST_WORDS,
    GIVEN_NAMES,
    MAIL_DOMAIN,
    SECOND_WORDS,
    STREETS,
)
from loyalty_site.synthetic.columns import Column, dice, digits, pick, text, weighted, where
from loyalty_site.synthetic.plan import Plan

PREFIXES = ["", "De ", "Di ", "Lo ", "Del "]
FAMILY_NAMES = [f"{p}{first}{second}" for p in PREFIXES for first in FIRST_WORDS for second in SECOND_WORDS]
MISSPELT = [name[:2] + name[3:] if number % 2 else name[:-2] + name[-1] + name[-2]
            for number, name in enumerate(GIVEN_NAMES)]  # fmt: skip
LANDLINES_FROM = 5_000_000  # Of the seven digits after +39 300.
LAST_BIRTHDAY, BIRTHDAYS = 13_500, 25_000  # Days since 1970.


@dataclass(frozen=True)
class People:
    """Some customers in columns; `number` counts them over all blocks. Text columns are NULL where unknown.

    `repeats` is the place of the same person earlier in the block, or one's own. `phone_number` is what
    people share when they share a telephone.
    """

    number: np.ndarray
    repeats: np.ndarray
    duplicate: np.ndarray
    prospect: np.ndarray
    stranger: np.ndarray
    first_name: Column
    last_name: Column
    birth_date: Column
    street: Column
    city: Column
    region: Column
    postcode: Column
    email: Column
    phone: Column
    phone_number: np.ndarray
    card: Column
    tax_code: Column

    @property
    def count(self) -> int:
        return len(self.number)


@dataclass(frozen=True)
class _Block:
    """The dice of one block, thrown once for each person: a duplicate is the same person."""

    dice: np.random.Generator
    repeats: np.ndarray

    def hit(self, share: float) -> np.ndarray:
        return (self.dice.random(len(self.repeats)) < share)[self.repeats]

    def own_hit(self, share: float) -> np.ndarray:
        """Return who is hit, duplicates by themselves."""
        return self.dice.random(len(self.repeats)) < share

    def one_of(self, weights: list[float] | np.ndarray) -> np.ndarray:
        return weighted(self.dice, weights, len(self.repeats))[self.repeats]


def invent_people(plan: Plan, first: int, count: int) -> People:
    """Return the customers numbered from `first`; 4 in 100 repeat one of the 5,000 before them."""
    number, places = first + np.arange(count), np.arange(count)
    generator = dice(plan.seed, "people", first)
    back = generator.integers(1, 5_000, count)
    duplicate = (generator.random(count) < 0.04) & (places > back)
    prospect, stranger = plan.prospects(number), plan.strangers(number)
    duplicate &= ~prospect & ~stranger
    # Whoever repeats a duplicate repeats that one's person.
    repeats = np.where(duplicate, places - back, places)
    while (repeats[repeats] != repeats).any():
        repeats = repeats[repeats]
    block = _Block(generator, repeats)
    head = np.maximum.accumulate(np.where((generator.random(count) < 0.45) | (places == 0), places, 0))
    return _describe(plan, block, number, head, duplicate, prospect, stranger)


def _describe(
    plan: Plan,
    block: _Block,
    number: np.ndarray,
    head: np.ndarray,
    duplicate: np.ndarray,
    prospect: np.ndarray,
    stranger: np.ndarray,
) -> People:
    resident, household = ~prospect & ~stranger, number[head][block.repeats]
    given, typo = block.one_of(1 / np.arange(5, len(GIVEN_NAMES) + 5)), duplicate & block.own_hit(0.5)
    own_family = _family_names(plan, block)
    family = np.where(block.hit(0.15), own_family, own_family[head][block.repeats])
    city = block.one_of([city.weight for city in CITIES])[head][block.repeats]
    street = block.one_of([1] * len(STREETS))[head][block.repeats]
    names = pick([*GIVEN_NAMES, *MISSPELT], np.where(typo, given + len(GIVEN_NAMES), given))
    streets = [*STREETS, *(name.replace("Via ", "V. ").upper() for name in STREETS)]
    phone_number = _phone_numbers(block, number, household, head, resident, duplicate)
    return People(
        number=number,
        repeats=block.repeats,
        duplicate=duplicate,
        prospect=prospect,
        stranger=stranger,
        first_name=where(~stranger, names),
        last_name=where(~stranger, pick(FAMILY_NAMES, family)),
        birth_date=_birth_dates(block, resident, duplicate),
        street=where(resident, text(pick(streets, np.where(typo, street + len(STREETS), street)), " ",
                                    household % 997 + 1)),
        city=where(resident, pick([one.name for one in CITIES], city)),
        region=where(resident, pick([one.region for one in CITIES], city)),
        postcode=where(resident, pick([one.postcode for one in CITIES], city)),
        email=where(prospect | (resident & block.own_hit(0.80)), _addresses(given, family, number)),
        phone=where(phone_number >= 0, text("+39300", digits(np.abs(phone_number), 7))),
        phone_number=phone_number,
        card=where(resident & ~duplicate & block.hit(0.6), text("29", digits(number, 11))),
        tax_code=where(resident & ~duplicate & block.hit(0.15), _tax_codes(given, family, number)),
    )  # fmt: skip


def _family_names(plan: Plan, block: _Block) -> np.ndarray:
    """Return family names by rank, as they are: a few that many bear, thousands that are rare."""
    shuffled = np.random.default_rng(plan.seed).permutation(len(FAMILY_NAMES))
    return shuffled[block.one_of(1 / np.arange(20, len(FAMILY_NAMES) + 20))]


def _addresses(given: np.ndarray, family: np.ndarray, number: np.ndarray) -> Column:
    first = pick([name.lower() for name in GIVEN_NAMES], given)
    last = pick([name.lower().replace(" ", "") for name in FAMILY_NAMES], family)
    return text(first, ".", last, ".", number, f"@{MAIL_DOMAIN}")


def _phone_numbers(
    block: _Block,
    number: np.ndarray,
    household: np.ndarray,
    head: np.ndarray,
    resident: np.ndarray,
    duplicate: np.ndarray,
) -> np.ndarray:
    """Return mobile numbers, else the household's landline, else -1; a duplicate may have the same."""
    mobile = block.hit(0.70) & (~duplicate | block.own_hit(0.6))
    landline = block.own_hit(0.25)[head][block.repeats]
    numbers = np.where(mobile, number[block.repeats], np.where(landline, LANDLINES_FROM + household, -1))
    return np.where(resident, numbers, -1)


def _birth_dates(block: _Block, resident: np.ndarray, duplicate: np.ndarray) -> Column:
    """Return when people were born; of duplicates some are empty and some mistyped."""
    days = LAST_BIRTHDAY - block.dice.integers(0, BIRTHDAYS, len(block.repeats))[block.repeats]
    days = days + 9 * (duplicate & block.own_hit(0.05))
    said = resident & block.hit(0.75) & (~duplicate | block.own_hit(0.9))
    return where(said, pa.array(days.astype("int32"), pa.int32()).cast(pa.date32()))


def _tax_codes(given: np.ndarray, family: np.ndarray, number: np.ndarray) -> Column:
    families = pick([name[:3].replace(" ", "X") for name in FAMILY_NAMES], family)
    letters = text(families, pick([f"{name:X<3}"[:3] for name in GIVEN_NAMES], given))
    return text(pc.utf8_upper(letters), digits(number, 10))
