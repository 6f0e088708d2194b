"""How often a milestone was reached, and how far the next time is. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """`done` of `wanted` on the way to the next time; both 0 once there is no next time."""

    done: int = 0
    wanted: int = 0

    @property
    def missing(self) -> int:
        return self.wanted - self.done

    @property
    def percent(self) -> int:
        return 100 * self.done // self.wanted if self.wanted else 100


def times_reached(value: int, *, threshold: int, repeats: bool) -> int:
    """Return how often a value reaches a milestone: once, or at every multiple."""
    times = max(value, 0) // threshold
    return times if repeats else min(times, 1)


def progress_to(value: int, *, threshold: int, repeats: bool, reached: int) -> Progress:
    """Return how far the next time is for somebody who `reached` it so often.

    A value that a return lowered after a time was reached has to make up for it first: nobody gets the same
    time twice.
    """
    if reached and not repeats:
        return Progress()
    return Progress(min(max(value - reached * threshold, 0), threshold), threshold)
