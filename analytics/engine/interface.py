"""The steps of a run, and what each hands to the next."""

from dataclasses import dataclass
from typing import Protocol

from analytics.models import RfmRun


@dataclass(frozen=True)
class Aggregate:
    """Who bought in the window, and how much. Amounts are minor units; anonymous sales stand beside.

    `reread` customers had their orders read, and `differences` of those nobody had reported as changed were
    stored otherwise.
    """

    population: int
    orders: int
    net_amount: int
    anonymous_orders: int
    anonymous_amount: int
    reread: int
    differences: int


@dataclass(frozen=True)
class Thresholds:
    """Four values each, from worst to best: days since the last order, orders, minor units."""

    r: list[int]
    f: list[int]
    m: list[int]

    def as_dict(self) -> dict[str, list[int]]:
        return {"r": self.r, "f": self.f, "m": self.m}


@dataclass(frozen=True)
class Cell:
    """The customers who share one code such as 545, and their net amount together."""

    r: int
    f: int
    m: int
    customers: int
    net_amount: int

    @property
    def code(self) -> str:
        return f"{self.r}{self.f}{self.m}"


@dataclass(frozen=True)
class Applied:
    """Every cell with customers in it."""

    cells: list[Cell]

    def score_sum(self, score: str) -> int:
        return sum(getattr(cell, score) * cell.customers for cell in self.cells)


@dataclass(frozen=True)
class Written:
    """What the run changed: score rows, and whose segment is another one now, by (from, to).

    `segments` gives customers and net amount of each segment as it is now.
    """

    changed_rows: int
    moves: dict[tuple[str, str], int]
    applied: Applied
    segments: dict[str, tuple[int, int]]


class RfmEngine(Protocol):
    """One run of one model: the steps are called in this order, inside one transaction.

    `since` is the run whose scores are stored, None for the first; `everybody` reads all orders though only
    what changed since would do; what `checks` also looks for what is stored otherwise without a reason.
    """

    def __init__(
        self, run: RfmRun, *, since: RfmRun | None, everybody: bool = False, checks: bool = False
    ) -> None: ...

    def horizon(self) -> str:
        """Return how far a reading that begins now can see; kept with the run for the next one."""

    def aggregate(self) -> Aggregate:
        """Sum up each customer's counting orders, of the window and the scope."""

    def quantiles(self) -> Thresholds:
        """Return the thresholds that cut the population into fifths."""

    def apply(self, thresholds: Thresholds) -> Applied:
        """Score the population without writing anything."""

    def write(self, thresholds: Thresholds) -> Written:
        """Bring the stored scores in line, touching only the rows that differ, and note the moves."""
