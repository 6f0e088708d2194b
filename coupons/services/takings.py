"""What a redemption takes and writes, in one statement: its rows, uses, counters, events and, last, budgets.

Everything is guarded where it is taken. A guard that refuses means that somebody was faster between our
reading and our taking: then the caller's transaction has to be rolled back and begun once more.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from coupons import engine
from coupons.models import Allocation, Redemption, RedemptionStack
from coupons.services.facts import COUPON_MARK, PROMOTION_MARK
from coupons.services.keys import BudgetKey, CounterKey
from coupons.services.verdicts import Verdict
from customers.models import Event
from customers.services.events import events_part, record_events
from operations.inserts import insertion, rows_as_json
from operations.locks import Contended
from operations.services.idempotency import AnsweredMeanwhile, Keeping
from operations.statements import run


@dataclass(frozen=True, slots=True)
class Share:
    """What one line got of one redemption: an Allocation before it is written."""

    redemption_id: int
    line_id: str
    position: int
    units: Decimal
    discount_amount: int


def write_redemptions(
    stack: RedemptionStack,
    redemptions: Sequence[Redemption],
    allocations: Sequence[Share],
    events: Sequence[Event],
    *,
    verdict: Verdict,
    budgets: bool,
    kept: dict[str, Any] | None = None,
) -> None:
    """Write a stack with its incentives and take what they use; with `budgets` from these as well, last.

    Promotions and coupons are locked here and have to be what the facts were read from: a coupon that was
    reserved since then is not, so its reservations count as they were read (C1). `kept` is the answer that is
    kept with it (Keeping.parameters). Raises Contended, AnsweredMeanwhile.
    """
    told = events_part(events)
    counters, coupons, promotions = _counters(verdict), _coupons(verdict), _promotions(verdict)
    wanted = budgets_of(verdict) if budgets else {}
    parts = {
        "stack": insertion(RedemptionStack, "stack", with_id=True),
        "redeemed": insertion(Redemption, "redemptions", with_id=True),
        **({"allocated": insertion(Allocation, "allocations")} if allocations else {}),
        **(told.parts if told else {}),
        **({"kept": Keeping.PART} if kept else {}),
    }
    rows = run(
        _statement(tuple(parts.items()), bool(counters), bool(wanted), len(coupons) > 1),
        {
            "stack": rows_as_json([stack], with_id=True),
            "redemptions": rows_as_json(redemptions, with_id=True),
            "allocations": rows_as_json(allocations, model=Allocation),
            "promotions": promotions,
            "promotion_marks": [verdict.facts.promotion_marks[pk] for pk in promotions],
            "coupons": list(coupons),
            "coupon_marks": [verdict.facts.coupon_marks[pk] for pk in coupons],
            "held": list(coupons.values()),
            "counters": _given_counters(counters),
            "budgets": given_budgets(wanted),
            **(told.parameters if told else {}),
            **(kept or {}),
        },
    )
    *taken, answered = rows[0]
    if taken != [len(promotions), len(coupons), len(counters), len(wanted)]:
        raise Contended
    if kept and not answered:
        raise AnsweredMeanwhile
    if told is None:
        record_events(events)


def budget_units(key: BudgetKey, outcome: engine.Outcome) -> int:
    """Return what an incentive takes from a budget: an amount, or one redemption."""
    return outcome.given_amount if key.amounts else 1


def _promotions(verdict: Verdict) -> list[int]:
    return sorted({offer.promotion.pk for offer, _outcome in verdict.applied if offer.promotion})


def _coupons(verdict: Verdict) -> dict[int, int]:
    """Return the coupons in their order, with what reservations of others keep of each."""
    kept = {offer.coupon.pk: offer.held for offer, _outcome in verdict.applied if offer.coupon}
    return {pk: kept[pk] for pk in sorted(kept)}


def _counters(verdict: Verdict) -> dict[CounterKey, int]:
    wanted = Counter(key for offer, _outcome in verdict.applied for key in set(offer.counters))
    return {key: wanted[key] for key in sorted(wanted)}


def budgets_of(verdict: Verdict) -> dict[BudgetKey, int]:
    """Return what the incentives take from budgets, in the order of the budgets' locks."""
    wanted: Counter = Counter()
    for offer, outcome in verdict.applied:
        for key in offer.budgets:
            wanted[key] += budget_units(key, outcome)
    return {key: wanted[key] for key in sorted(wanted)}


def _given_counters(wanted: dict[CounterKey, int]) -> str:
    rows = [key.columns | {"units": units, "cap": key.cap} for key, units in wanted.items()]
    return json.dumps(rows, default=str)


def given_budgets(wanted: Mapping[BudgetKey, int]) -> str:
    """Return the parameter `budgets` of `TAKEN`."""
    return json.dumps(
        [
            {"budget_id": key.budget, "starts_on": str(key.starts_on), "cap": key.cap, "units": units}
            for key, units in wanted.items()
        ]
    )


@cache
def _statement(
    parts: tuple[tuple[str, str], ...], counters: bool, budgets: bool, several_coupons: bool
) -> str:
    written = ",\n".join(f"{name} AS ({sql})" for name, sql in parts)
    ordered = f", ordered AS MATERIALIZED ({_ORDER})" if several_coupons else ""
    counted = f", counted AS ({_COUNT})" if counters else ""
    taking = f", taken AS ({_taking(after='counted' if counters else 'used')})" if budgets else ""
    return f"""
WITH {written}, steady AS MATERIALIZED ({_STEADY}){ordered},
used AS ({_USE.format(after="ordered" if several_coupons else "steady")}){counted}{taking}
SELECT (SELECT count(*) FROM steady), (SELECT count(*) FROM used),
       {"(SELECT count(*) FROM counted)" if counters else 0},
       {"(SELECT count(*) FROM taken)" if budgets else 0},
       {"(SELECT count(*) FROM kept)" if "kept AS (" in written else 0}
"""


# Whoever has to wait for a row compares its newest version: PostgreSQL asks these questions again of it.
_STEADY = f"""
SELECT p.id FROM coupons_promotion p
WHERE p.id = ANY(%(promotions)s::bigint[])
  AND {PROMOTION_MARK} = (%(promotion_marks)s::bigint[])[array_position(%(promotions)s::bigint[], p.id)]
ORDER BY p.id FOR KEY SHARE
"""
_ORDER = """
SELECT c.id FROM coupons_coupon c
WHERE c.id = ANY(%(coupons)s::bigint[]) AND (SELECT count(*) FROM steady) >= 0 ORDER BY c.id FOR UPDATE
"""
_USE = f"""
UPDATE coupons_coupon c SET uses = c.uses + 1
WHERE c.id = ANY(%(coupons)s::bigint[]) AND (SELECT count(*) FROM {{after}}) >= 0
  AND {COUPON_MARK} = (%(coupon_marks)s::bigint[])[array_position(%(coupons)s::bigint[], c.id)]
  AND (c.max_uses IS NULL
       OR c.max_uses > c.uses + (%(held)s::bigint[])[array_position(%(coupons)s::bigint[], c.id)])
RETURNING 1
"""
_GIVEN_COUNTERS = """ROWS FROM (json_to_recordset(%(counters)s::json) AS (
    promotion_id bigint, coupon_id bigint, customer_id bigint, email_hash text, period text, starts_on date,
    units int, cap int)) WITH ORDINALITY AS given (
    promotion_id, coupon_id, customer_id, email_hash, period, starts_on, units, cap, place)"""
_COUNT = f"""
INSERT INTO coupons_limitcounter AS counter
    (promotion_id, coupon_id, customer_id, email_hash, period, starts_on, used)
SELECT promotion_id, coupon_id, customer_id, email_hash, period, starts_on, units
FROM {_GIVEN_COUNTERS} ORDER BY place
ON CONFLICT (promotion_id, coupon_id, customer_id, email_hash, period, starts_on)
DO UPDATE SET used = counter.used + excluded.used
WHERE counter.used + excluded.used <= (
    SELECT cap FROM {_GIVEN_COUNTERS}
    WHERE promotion_id = counter.promotion_id AND coupon_id IS NOT DISTINCT FROM counter.coupon_id
      AND customer_id IS NOT DISTINCT FROM counter.customer_id AND email_hash = counter.email_hash
      AND period = counter.period AND starts_on = counter.starts_on)
RETURNING 1
"""


_GIVEN_BUDGETS = """ROWS FROM (json_to_recordset(%(budgets)s::json) AS (
    budget_id bigint, starts_on date, cap bigint, units bigint)) WITH ORDINALITY AS given (
    budget_id, starts_on, cap, units, place)"""


def _taking(after: str) -> str:
    """Return the part that takes from budgets: after the counters, and in the order of their keys."""
    ready = f"AND (SELECT count(*) FROM {after}) >= 0" if after else ""
    return f"""
INSERT INTO coupons_budgetperiod AS period (budget_id, starts_on, cap, used)
SELECT budget_id, starts_on, cap, units FROM {_GIVEN_BUDGETS} WHERE units <= cap {ready} ORDER BY place
ON CONFLICT (budget_id, starts_on)
DO UPDATE SET used = period.used + excluded.used WHERE period.used + excluded.used <= period.cap
RETURNING 1"""


# The part for a statement in which nothing else is still to be locked.
TAKEN = _taking(after="")
