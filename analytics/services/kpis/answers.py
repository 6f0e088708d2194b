"""The net promoter score: who answered how likely they are to recommend the merchant, from 0 to 10."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from analytics.services.kpis.statements import by_window
from analytics.windows import Scope, Window
from customers.models import Segment

Z_95 = 1.959964


@dataclass(frozen=True)
class NpsFacts:
    """Answers of a span: 9 and 10 are promoters, 0 to 6 detractors."""

    answers: int = 0
    promoters: int = 0
    detractors: int = 0

    @property
    def exact(self) -> float | None:
        """Return promoters less detractors per hundred answers."""
        return 100 * (self.promoters - self.detractors) / self.answers if self.answers else None

    @property
    def nps(self) -> int | None:
        return None if self.exact is None else round(self.exact)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % interval: an answer is worth +1, 0 or -1, with that variance."""
        if not self.answers:
            return None
        mean = self.exact / 100
        variance = (self.promoters + self.detractors) / self.answers - mean**2
        half = 100 * Z_95 * sqrt(max(0.0, variance) / self.answers)
        return max(-100.0, self.exact - half), min(100.0, self.exact + half)


ANSWERS = """
SELECT width_bucket(occurred_at, %(bounds)s), count(*),
       count(*) FILTER (WHERE score >= 9), count(*) FILTER (WHERE score <= 6)
FROM (SELECT occurred_at, (payload ->> 'score')::numeric AS score FROM customers_event
      WHERE type = 'nps.answered' AND payload ->> 'score' ~ '^([0-9]|10)$'
        AND occurred_at >= %(start_at)s AND occurred_at < %(end_at)s {member}) AS answers
GROUP BY 1
"""


def nps_facts(
    windows: Sequence[Window],
    before: Window | None = None,
    *,
    scope: Scope | None = None,
    segment: Segment | None = None,
) -> list[NpsFacts]:
    """Return the answers of each span; they belong to no part of the business."""
    if scope:
        return [NpsFacts() for _ in windows]
    rows = by_window(ANSWERS, windows, segment=segment, customer="customer_id")
    return [NpsFacts(*row) if row else NpsFacts() for row in rows]
