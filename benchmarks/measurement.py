"""Timing: the median of several rounds in which everything that is compared takes its turn."""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

ROUNDS = 5


@dataclass(frozen=True)
class Measurement:
    """What took how long; `ratio` is to the benchmark's floor.

    `target` is the ratio it should not exceed, `limit` the seconds (at a million customers).
    """

    name: str
    seconds: float
    ratio: float
    target: float | None = None
    note: str = ""
    limit: float | None = None


@dataclass(frozen=True)
class Size:
    """How many customers and orders the benchmarks at size load."""

    customers: int
    orders: int


def median_seconds(contenders: dict[str, Callable[[], object]], *, rounds: int = ROUNDS) -> dict[str, float]:
    """Run every contender once per round, in turn, and return the median of each."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            taken[name].append(seconds_of(contender))
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def slowest_seconds(contenders: dict[str, Callable[[Any], object]], cases: Iterable[Any]) -> dict[str, float]:
    """Run every contender once with each case, in turn, and return the 95th percentile of each."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for case in cases:
        for name, contender in contenders.items():
            taken[name].append(seconds_of(lambda run=contender, each=case: run(each)))
    return {name: statistics.quantiles(seconds, n=20)[-1] for name, seconds in taken.items()}


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
