"""The net promoter score: who answered how likely they are to recommend the merchant, from 0 to 10."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.nps import Nps
from analytics.services.kpis.statements import by_window
from analytics.windows import Scope, Window
from customers.models import Segment


@dataclass(frozen=True)
class NpsFacts:
    """Answers of a span: 9 and 10 are promoters, 0 to 6 detractors."""

    answers: int = 0
    promoters: int = 0
    detractors: int = 0

    @property
    def counted(self) -> Nps:
        return Nps(self.promoters, self.answers - self.promoters - self.detractors, self.detractors)

    @property
    def exact(self) -> float | None:
        """Return promoters less detractors per hundred answers."""
        return self.counted.exact

    @property
    def nps(self) -> int | None:
        return self.counted.score

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % interval: an answer is worth +1, 0 or -1, with that variance."""
        return self.counted.interval


# Whoever thought better of it counts with their last word, on the day they said it.
ANSWERS = """
SELECT width_bucket(occurred_at, %(bounds)s), count(*),
       count(*) FILTER (WHERE score >= 9), count(*) FILTER (WHERE score <= 6)
FROM (SELECT occurred_at, (payload ->> 'score')::numeric AS score FROM customers_event event
      WHERE type = 'nps.answered' AND payload ->> 'score' ~ '^([0-9]|10)$'
        AND occurred_at >= %(start_at)s AND occurred_at < %(end_at)s {member}
        AND NOT EXISTS (
            SELECT FROM customers_eventkey later
            WHERE later.source_id = event.source_id AND later.external_id = CASE
                WHEN event.external_id ~ '^survey-response:[0-9a-f-]+:[0-9]+$'
                THEN 'survey-response:' || split_part(event.external_id, ':', 2) || ':'
                     || (split_part(event.external_id, ':', 3)::numeric + 1) END)) AS answers
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
