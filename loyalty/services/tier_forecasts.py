"""What other thresholds would do, counted on what people really bought: reads only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from loyalty.models import Tier
from loyalty.services.tier_ladder import proposed_ladder, proposed_steps
from loyalty.services.tier_reviews import rank_case
from loyalty.services.tier_values import local_day, span_of, standings_query, start_of, values_query
from loyalty.tiers import Metric, add_months


@dataclass(frozen=True)
class Move:
    """People who stand in one tier now and would stand in another (None: in none), with a year of theirs.

    Amounts are minor units of the programme's currency: what they bought and paid for shipping in the last
    twelve months, and the points they earned with it.
    """

    before: Tier | None
    after: Tier | None
    people: int
    net_amount: int = 0
    shipping_amount: int = 0
    points: int = 0

    @property
    def direction(self) -> int:
        """Return 1 for up, -1 for down, 0 for none."""
        before = self.before.threshold if self.before else -1
        after = self.after.threshold if self.after else -1
        return (after > before) - (after < before)

    @property
    def extra_points(self) -> int:
        """Return how many points more (or fewer) a year like the last would give, by the other multiplier."""
        before, after = _multiplier(self.before), _multiplier(self.after)
        return int(self.points * after / before) - self.points

    @property
    def shipping_given(self) -> int:
        """Return what a year like the last would cost more (or less) by shipping that is free."""
        free = [bool(tier and tier.free_shipping) for tier in (self.before, self.after)]
        return self.shipping_amount * (free[1] - free[0])


@dataclass(frozen=True)
class Place:
    """How many stand on a step now and would then; None stands for no tier."""

    tier: Tier | None
    now: int
    then: int

    @property
    def more(self) -> int:
        return self.then - self.now


@dataclass(frozen=True)
class Forecast:
    """What would become of everybody, if the ladder were as proposed and nothing were promised."""

    steps: tuple[Tier, ...]
    moves: tuple[Move, ...] = field(default_factory=tuple)

    @property
    def people(self) -> int:
        return sum(move.people for move in self.moves)

    @property
    def rising(self) -> int:
        return sum(move.people for move in self.moves if move.direction > 0)

    @property
    def falling(self) -> int:
        return sum(move.people for move in self.moves if move.direction < 0)

    @property
    def extra_points(self) -> int:
        return sum(move.extra_points for move in self.moves)

    @property
    def shipping_given(self) -> int:
        return sum(move.shipping_given for move in self.moves)

    @property
    def places(self) -> list[Place]:
        """Return each step, the highest first, then retired ones still held, then those without a tier."""
        held = {move.before.pk: move.before for move in self.moves if move.before}
        retired = [tier for pk, tier in held.items() if pk not in {step.pk for step in self.steps}]
        rows: list[Tier | None] = [*reversed(self.steps), *retired, None]
        return [Place(tier, self._count("before", tier), self._count("after", tier)) for tier in rows]

    def share_of(self, tier: Tier | None) -> float:
        """Return which part of everybody would stand on a step."""
        return self._count("after", tier) / self.people if self.people else 0.0

    def _count(self, side: str, tier: Tier | None) -> int:
        wanted = tier.pk if tier else None
        return sum(
            move.people
            for move in self.moves
            if (getattr(move, side).pk if getattr(move, side) else None) == wanted
        )


def forecast_ladder(
    *, rules: Mapping[str, Any], thresholds: Mapping[int, tuple[int, int | None]], at: datetime
) -> Forecast:
    """Return where everybody would stand by these rules, on what they earned or spent up to now.

    One statement over all customers. What was promised is left out: nobody falls before their period ends,
    so that falls come by and by, and rises at once. Raises InvalidInput as `adopt_ladder` does.
    """
    steps = proposed_steps(thresholds)
    ladder = proposed_ladder(rules).rules(steps)
    today = local_day(at)
    rank, parameters = rank_case(ladder)
    year = values_query(Metric.POINTS, qualifying=(), everybody=True).replace("%(since)s", "%(year)s")
    query = _MOVES.replace("{standings}", standings_query(ladder, everybody=True))
    query = query.replace("{earned}", year)
    parameters |= span_of(*ladder.window_on(today)) | {
        "today": today,
        "year": start_of(add_months(today, -12)),
    }
    with connection.cursor() as cursor:
        cursor.execute(query.replace("{rank}", rank), parameters)
        rows = cursor.fetchall()
    known = {tier.pk: tier for tier in Tier.objects.all()} | {tier.pk: tier for tier in steps}
    moves = [
        Move(known.get(held), steps[reached] if reached >= 0 else None, *numbers)
        for held, reached, *numbers in rows
    ]
    return Forecast(tuple(steps), tuple(moves))


_MOVES = """
WITH standing AS ({standings}), placed AS (
    SELECT id, tier_id, {rank} AS reached FROM standing
    WHERE status IN ('ACTIVE', 'PROSPECT') AND NOT restricted),
bought AS (
    SELECT o.customer_id, sum(o.net_amount) AS net, sum(o.shipping_amount) AS shipping
    FROM customers_order o
    WHERE o.status = 'PAID' AND o.currency = %(currency)s AND o.customer_id IS NOT NULL
      AND o.ordered_at >= %(year)s AND o.ordered_at < %(until)s
    GROUP BY 1),
earned AS ({earned})
SELECT placed.tier_id, placed.reached, count(*), coalesce(sum(bought.net), 0)::bigint,
       coalesce(sum(bought.shipping), 0)::bigint, coalesce(sum(earned.value), 0)::bigint
FROM placed
LEFT JOIN bought ON bought.customer_id = placed.id
LEFT JOIN earned ON earned.customer_id = placed.id
GROUP BY 1, 2 ORDER BY 1 NULLS FIRST, 2
"""


def _multiplier(tier: Tier | None) -> Decimal:
    return tier.multiplier if tier else Decimal(1)
