"""Who gets what by lot, and which variant wins. Pure.

A lot is a fixed function of a salt and the person: drawn again, it falls the same; of two salts, the lots
have nothing to do with each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import md5
from itertools import accumulate, combinations
from uuid import UUID

from operations.differences import Arm, holm, two_proportions

PARTS = 10_000  # A lot is a number from 0 to 9,999: hundredths of a percent.
ALPHA = 0.05
# The same lot in SQL, of a column with the person's public id.
LOT = "('x' || left(md5({salt} || {person}::text), 8))::bit(32)::bigint %% 10000"


class Salt(StrEnum):
    """What a lot decides. `of` gives the salt of one campaign, or of one period of the global holdout."""

    HOLDOUT = "campaign"
    VARIANT = "variant"
    TEST = "test"
    GLOBAL_HOLDOUT = "global"

    def of(self, number: int) -> str:
        return f"{self.value}:{number}:"


def lot(salt: str, person: UUID) -> int:
    """Return the lot of a person, from 0 to 9,999."""
    return int(md5(f"{salt}{person}".encode(), usedforsecurity=False).hexdigest()[:8], 16) % PARTS


def bounds(weights: Sequence[int]) -> list[int]:
    """Return where the share of each weight ends on the scale of lots; the last ends at 10,000.

    [1, 1] -> [5000, 10000]; [1, 0, 3] -> [2500, 2500, 10000]: a weight of 0 gets nobody.
    """
    whole = sum(weights)
    return [PARTS * reached // whole for reached in accumulate(weights)]


def place_of(drawn: int, ends: Sequence[int]) -> int:
    """Return which share a lot falls into: the first that ends above it."""
    return next(place for place, end in enumerate(ends) if drawn < end)


@dataclass(frozen=True)
class Trial:
    """A variant with how many got it and how many of them did what is hoped for."""

    code: str
    people: int
    successes: int

    @property
    def arm(self) -> Arm:
        return Arm(self.people, self.successes)

    @property
    def rate(self) -> float:
        return self.successes / self.people if self.people else 0.0


class Outcome(StrEnum):
    """TOO_FEW decides nothing; NO_WINNER is a decision: the variants are as good as each other."""

    TOO_FEW = "TOO_FEW"
    NO_WINNER = "NO_WINNER"
    WINNER = "WINNER"


@dataclass(frozen=True)
class Comparison:
    """Two variants: how likely they differ so much by chance alone, and whether that is too unlikely."""

    one: str
    other: str
    chance: float
    significant: bool


@dataclass(frozen=True)
class Judgement:
    outcome: Outcome
    winner: str = ""
    comparisons: list[Comparison] = field(default_factory=list)


def judge(trials: Sequence[Trial], *, sample: int, alpha: float = ALPHA) -> Judgement:
    """Return which variant wins, once each was given to at least `sample` people.

    Every two are compared by the two-proportion test, Holm's way over all of them; the winner is better
    than each of the others, significantly.
    """
    if len(trials) < 2 or any(trial.people < sample for trial in trials):
        return Judgement(Outcome.TOO_FEW)
    compared = compare(trials, alpha=alpha)
    best = max(trials, key=lambda trial: trial.rate).code
    of_best = [each for each in compared if best in (each.one, each.other)]
    if all(each.significant for each in of_best):
        return Judgement(Outcome.WINNER, best, compared)
    return Judgement(Outcome.NO_WINNER, comparisons=compared)


def compare(trials: Sequence[Trial], *, alpha: float = ALPHA) -> list[Comparison]:
    """Return every two variants compared; the differences that stand, stand together."""
    pairs = list(combinations(trials, 2))
    chances = [two_proportions(one.arm, other.arm) for one, other in pairs]
    return [
        Comparison(one.code, other.code, chance, stands)
        for (one, other), chance, stands in zip(pairs, chances, holm(chances, alpha=alpha), strict=True)
    ]
