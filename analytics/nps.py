"""The Net Promoter Score: promoters (9 and 10) less detractors (0 to 6), in points from -100 to 100."""

from dataclasses import dataclass
from math import sqrt

PROMOTER, PASSIVE, DETRACTOR = "PROMOTER", "PASSIVE", "DETRACTOR"
LOWEST_PROMOTER, HIGHEST_DETRACTOR = 9, 6
TWO_SIDED_95 = 1.959964


@dataclass(frozen=True)
class Nps:
    """What so many answers say; the score is points, rounded as it is told, and None without answers."""

    promoters: int
    passives: int
    detractors: int

    @property
    def answers(self) -> int:
        return self.promoters + self.passives + self.detractors

    @property
    def exact(self) -> float | None:
        """Return the score before rounding."""
        return 100 * (self.promoters - self.detractors) / self.answers if self.answers else None

    @property
    def score(self) -> int | None:
        return None if self.exact is None else round(self.exact)

    @property
    def margin(self) -> float | None:
        """Return half the width of the 95 % interval: 1.96 standard errors of the mean of +1, 0 and -1."""
        if not self.answers:
            return None
        mean = (self.promoters - self.detractors) / self.answers
        variance = (self.promoters + self.detractors) / self.answers - mean**2
        return 100 * TWO_SIDED_95 * sqrt(max(variance, 0) / self.answers)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % interval, kept within -100..100."""
        if self.exact is None or self.margin is None:
            return None
        return max(-100.0, self.exact - self.margin), min(100.0, self.exact + self.margin)


def group_of(score: int) -> str:
    """Return whether somebody who gave this score from 0 to 10 promotes, is passive or detracts."""
    if score >= LOWEST_PROMOTER:
        return PROMOTER
    return DETRACTOR if score <= HIGHEST_DETRACTOR else PASSIVE
