"""Looking at everybody's tier: who rises, whose period is over, who keeps and who falls. Set-based.

One statement finds whom there is something to decide about; they are decided in portions, each a transaction
that locks its customers in the order of their keys and leaves out whoever changed since. Any number may run
at once; run again, it changes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from customers.models import Customer, Event
from customers.services.events import new_event, record_events
from customers.services.locks import lock_rows
from loyalty.models import Tier, TierPeriod
from loyalty.services.tier_promises import promises_of
from loyalty.services.tier_values import LIVE, local_day, span_of, standings_query, values_in
from loyalty.services.tiers import Cause, change_payload, place_in_segments, the_ladder
from loyalty.tiers import Held, Ladder, Metric, Verdict, verdict_on

PORTION = 10_000
MOST_YEARS = 1000


@dataclass(frozen=True)
class TierReview:
    """What looking at everybody did: how many rose, fell and kept their tier for another period."""

    risen: int = 0
    fallen: int = 0
    kept: int = 0

    def __add__(self, other: "TierReview") -> "TierReview":
        return TierReview(self.risen + other.risen, self.fallen + other.fallen, self.kept + other.kept)


@dataclass(frozen=True)
class _Candidate:
    """Somebody about whom there is something to decide, as the one statement saw them."""

    customer: int
    value: int
    reached: int
    period: int | None
    tier: int | None
    started_at: datetime | None
    kept_until: date | None
    cause: str | None


@dataclass(frozen=True)
class _Decision:
    candidate: _Candidate
    verdict: Verdict
    current: int

    @property
    def stays(self) -> bool:
        return self.verdict.rank == self.current >= 0


def review_tiers(
    *, at: datetime, announce: bool = True, progress: Callable[[int, int], None] | None = None
) -> TierReview:
    """Let everybody rise to what they have reached, and decide about those whose period and grace are over.

    With `announce`, changes are told as `tier.changed`; without, as when thresholds were changed, nobody
    hears of them. `progress(done, total)` is called after each portion.
    """
    steps = list(Tier.objects.ladder().select_related("segment"))
    if not steps:
        return TierReview()
    ladder = the_ladder().rules(steps)
    done = TierReview()
    with _candidates(ladder, at=at) as (total, portions):
        seen = 0
        for portion in portions:
            with transaction.atomic():
                done += _decide(portion, ladder, {step.pk: step for step in steps}, at=at, announce=announce)
            seen += len(portion)
            if progress:
                progress(seen, total)
    return done


def rank_case(ladder: Ladder, *, value: str = "value") -> tuple[str, dict[str, Any]]:
    """Return `Ladder.rank_for` as SQL over a row of `standings_query`, with its parameters."""
    parts = []
    for rank, step in reversed(ladder.reachable()):
        own = _years(step.threshold) if ladder.metric is Metric.YEARS else f"{value} >= {step.threshold}"
        newcomers = " AND status = 'ACTIVE'" if step.threshold == 0 else ""
        late = f" OR {_years(step.years)}" if step.years is not None else ""
        parts.append(f"WHEN ({own}{newcomers}){late} THEN {rank}")
    reached = " ".join(parts) or "WHEN false THEN -1"
    return f"CASE {reached} ELSE -1 END", {"zone": settings.PROGRAMME_TIME_ZONE}


def _years(years: int) -> str:
    # A threshold that was meant for points is no number of years that a calendar has.
    years = min(years, MOST_YEARS)
    return f"(known_since AT TIME ZONE %(zone)s)::date + make_interval(years => {years}) <= %(today)s::date"


_FIND = """
CREATE TEMPORARY TABLE tier_candidates AS
WITH standing AS ({standings}), ranked AS (
    SELECT standing.*, {rank} AS reached, CASE tier_id {held} ELSE -1 END AS held FROM standing
    WHERE status IN ('ACTIVE', 'PROSPECT') AND NOT restricted)
SELECT ranked.id AS customer_id, greatest(0, ranked.value) AS value, reached, p.id AS period_id, p.tier_id,
       p.started_at, p.kept_until, p.cause
FROM ranked LEFT JOIN loyalty_tierperiod p ON p.customer_id = ranked.id AND p.ended_at IS NULL
WHERE reached > held
   OR p.kept_until + CASE p.cause WHEN 'BY_HAND' THEN 0 ELSE %(grace)s END < %(today)s::date
"""


@contextmanager
def _candidates(ladder: Ladder, *, at: datetime) -> Iterator[tuple[int, Iterator[list[_Candidate]]]]:
    """Find whom there is something to decide about; yield how many, and them in portions by their keys."""
    today = local_day(at)
    rank, parameters = rank_case(ladder)
    held = " ".join(f"WHEN {step.tier} THEN {number}" for number, step in enumerate(ladder.steps))
    query = _FIND.replace("{standings}", standings_query(ladder, everybody=True))
    query = query.replace("{rank}", rank).replace("{held}", held)
    parameters |= span_of(*ladder.window_on(today)) | {"today": today, "grace": ladder.grace_days}
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS tier_candidates")
        cursor.execute(query, parameters)
        cursor.execute("ALTER TABLE tier_candidates ADD PRIMARY KEY (customer_id)")
        cursor.execute("SELECT count(*) FROM tier_candidates")
        (total,) = cursor.fetchone()
    try:
        yield total, _portions()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS tier_candidates")


def _portions() -> Iterator[list[_Candidate]]:
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT * FROM tier_candidates WHERE customer_id > %s ORDER BY customer_id LIMIT %s",
                [last, PORTION],
            )
            portion = [_Candidate(*row) for row in cursor.fetchall()]
        if not portion:
            return
        yield portion
        last = portion[-1].customer


def _decide(
    candidates: list[_Candidate], ladder: Ladder, steps: dict[int, Tier], *, at: datetime, announce: bool
) -> TierReview:
    """Lock these customers, leave out who changed since, and write what becomes of the others."""
    lock_rows(one.customer for one in candidates)
    candidates = list(_unchanged(candidates))
    decisions = list(_decisions(candidates, ladder, on=local_day(at)))
    kept = [one for one in decisions if one.stays]
    moved = [one for one in decisions if not one.stays]
    _renew(kept)
    _move(moved, ladder, steps, at=at, announce=announce)
    risen = sum(one.verdict.rank > one.current for one in moved)
    return TierReview(risen, len(moved) - risen, len(kept))


def _unchanged(candidates: list[_Candidate]) -> Iterator[_Candidate]:
    ids = [one.customer for one in candidates]
    live = set(
        Customer.objects.filter(pk__in=ids, status__in=LIVE, restricted_at__isnull=True).values_list(
            "pk", flat=True
        )
    )
    held = TierPeriod.objects.open().filter(customer__in=ids).values_list("customer", "pk", "kept_until")
    now = {customer: (pk, kept_until) for customer, pk, kept_until in held}
    for one in candidates:
        seen = (one.period, one.kept_until) if one.period else None
        if one.customer in live and now.get(one.customer) == seen:
            yield one


def _decisions(candidates: list[_Candidate], ladder: Ladder, *, on: date) -> Iterator[_Decision]:
    held = {one.customer: _held(one, ladder, on) for one in candidates}
    due = [one for one in candidates if (step := held[one.customer]) and step.due]
    promises = promises_of([one.customer for one in due], ladder, on=on)
    reviewed = _reviewed(due, ladder)
    for one in candidates:
        step = held[one.customer]
        verdict = verdict_on(
            ladder,
            step,
            reached=one.reached,
            reviewed=reviewed.get(one.customer, -1),
            promises=promises.get(one.customer, ()),
            day=on,
        )
        if verdict:
            yield _Decision(one, verdict, step.rank if step else -1)


def _held(one: _Candidate, ladder: Ladder, on: date) -> Held | None:
    if one.period is None:
        return None
    by_hand = one.cause == Cause.BY_HAND
    due = ladder.is_due(one.kept_until, on, by_hand=by_hand)
    return Held(ladder.rank_of(one.tier), one.kept_until, by_hand, due)


def _reviewed(due: Iterable[_Candidate], ladder: Ladder) -> dict[int, int]:
    """Return the step that each reached by what they did in the period that is over, and its grace."""
    by_end: dict[date, list[int]] = defaultdict(list)
    for one in due:
        if one.cause != Cause.BY_HAND and one.kept_until is not None and ladder.ends:
            by_end[one.kept_until].append(one.customer)
    ranks: dict[int, int] = {}
    for kept_until, ids in by_end.items():
        first, last = ladder.reviewed_window(kept_until)
        values = values_in(ladder, ids, first=first, last=last)
        # Of years the statement has told already, and zero was for customers.
        ranks |= {pk: ladder.rank_for(value, 0) for pk, value in values.items() if value > 0}
    return ranks


def _renew(kept: list[_Decision]) -> None:
    if not kept:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE loyalty_tierperiod period SET kept_until = given.day,
                   cause = CASE period.cause WHEN 'BY_HAND' THEN 'REACHED' ELSE period.cause END
            FROM unnest(%s::bigint[], %s::date[]) AS given (id, day) WHERE period.id = given.id
            """,
            [[one.candidate.period for one in kept], [one.verdict.kept_until for one in kept]],
        )


_OPEN = """
INSERT INTO loyalty_tierperiod (customer_id, tier_id, started_at, kept_until, cause, value, reason)
SELECT customer_id, tier_id, started_at, kept_until, cause, value, ''
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::date[], %s::text[], %s::bigint[])
     AS given (customer_id, tier_id, started_at, kept_until, cause, value)
RETURNING customer_id, id
"""


def _move(
    moved: list[_Decision], ladder: Ladder, steps: dict[int, Tier], *, at: datetime, announce: bool
) -> None:
    if not moved:
        return
    starts = {one.candidate.customer: max(at, one.candidate.started_at or at) for one in moved}
    going_on = [one for one in moved if one.verdict.rank >= 0]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE loyalty_tierperiod SET ended_at = greatest(started_at, %s) WHERE id = ANY(%s)",
            [at, [one.candidate.period for one in moved if one.candidate.period]],
        )
        cursor.execute(
            _OPEN,
            [
                [one.candidate.customer for one in going_on],
                [ladder.steps[one.verdict.rank].tier for one in going_on],
                [starts[one.candidate.customer] for one in going_on],
                [one.verdict.kept_until for one in going_on],
                [Cause.REACHED if one.verdict.rank > one.current else Cause.LOWERED for one in going_on],
                [one.candidate.value for one in going_on],
            ],
        )
        periods = dict(cursor.fetchall())
    places = {
        one.candidate.customer: steps[ladder.steps[one.verdict.rank].tier] if one.verdict.rank >= 0 else None
        for one in moved
    }
    place_in_segments(places, at=at, announce=announce)
    if announce:
        told = [
            _event(one, steps.get(one.candidate.tier), places[one.candidate.customer], periods, at=at)
            for one in moved
        ]
        for start in range(0, len(told), 1000):
            record_events(told[start : start + 1000])


def _event(
    one: _Decision, before: Tier | None, after: Tier | None, periods: dict[int, int], *, at: datetime
) -> Event:
    customer = one.candidate.customer
    key = f"tier:{periods[customer]}" if after else f"tier:{one.candidate.period}:left"
    cause = Cause.REACHED if one.verdict.rank > one.current else Cause.LOWERED
    return new_event(
        "tier.changed",
        external_id=key,
        customer_id=customer,
        occurred_at=at,
        payload=change_payload(before, after, cause=cause, kept_until=one.verdict.kept_until),
    )
