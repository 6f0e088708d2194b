"""Timing: the median of several rounds in which everything that is compared takes its turn."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True)
class Measurement:
    """What took how long; `ratio` is to the benchmark's floor, `target` the ratio it should not exceed."""

    name: str
    seconds: float
    ratio: float
    target: float | None = None
    note: str = ""


def median_seconds(contenders: dict[str, Callable[[], object]], *, rounds: int = ROUNDS) -> dict[str, float]:
    """Run every contender once per round, in turn, and return the median of each."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            started = time.perf_counter()
            contender()
            taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}
