"""What an order or event would earn, and why: the same rules as the real thing, and nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from customers.models import Customer, Product
from loyalty.earning_words import check_in_words
from loyalty.models import EarningRule
from loyalty.rules import ORDER, Bought, Check, Evaluation, Gives, Occasion, Ranked, evaluate, superseded
from loyalty.services.caps import room_within_caps
from loyalty.services.lots import lot_dates
from loyalty.services.occasions import customer_facts


@dataclass(frozen=True)
class TracedCheck:
    """A condition with its answer in words."""

    name: str
    passed: bool
    text: str


@dataclass(frozen=True)
class SimulatedRule:
    """What one rule would give: `units` after caps, none where another rule supersedes it."""

    rule: EarningRule
    evaluation: Evaluation
    units: int
    superseded_by: str | None
    spendable_from: datetime | None
    expires_at: datetime | None

    @property
    def code(self) -> str:
        return self.rule.code

    @property
    def name(self) -> str:
        return self.rule.name

    @property
    def gives(self) -> str:
        return self.rule.gives

    @property
    def applies(self) -> bool:
        return self.evaluation.applies

    @property
    def trace(self) -> list[TracedCheck]:
        return [_traced(check) for check in self.evaluation.checks]

    @property
    def held_back(self) -> int:
        """Return how many points the caps per period held back."""
        return self.evaluation.units - self.units if self.applies and not self.superseded_by else 0


@dataclass(frozen=True)
class Simulation:
    occasion: Occasion
    rules: Sequence[SimulatedRule]

    @property
    def points(self) -> int:
        return sum(one.units for one in self.rules if one.gives == Gives.POINTS)

    @property
    def pending(self) -> int:
        held = (one for one in self.rules if one.gives == Gives.POINTS and one.units)
        return sum(one.units for one in held if one.spendable_from > self.occasion.at)

    @property
    def draw_entries(self) -> int:
        return sum(one.units for one in self.rules if one.gives == Gives.DRAW_ENTRIES)


def simulate_earning(
    customer: Customer | None,
    *,
    at: datetime,
    event_type: str = ORDER,
    lines: Sequence[dict[str, Any]] = (),
    paid_with_points: int = 0,
    store: str = "",
    sales_channel: str = "",
    business_unit: str = "",
    payload: dict[str, Any] | None = None,
    rules: Sequence[EarningRule] | None = None,
) -> Simulation:
    """Return what these lines, or this event, would earn at an instant by every rule that is valid then.

    Each line has `sku`, `quantity` and `amount` (minor units, after discounts); names that are left out are
    the catalogue's. Caps count what the customer has earned so far. Reads only.
    """
    found = list(EarningRule.objects.active_for(event_type, at=at)) if rules is None else list(rules)
    terms = [rule.current.terms for rule in found]
    bought = _bought(lines)
    goods = sum(line.amount for line in bought)
    occasion = Occasion(
        type=event_type,
        at=at,
        zone=settings.PROGRAMME_TIME_ZONE,
        goods=goods,
        paid=max(0, goods - paid_with_points),
        lines=bought,
        store=store,
        sales_channel=sales_channel,
        business_unit=business_unit,
        payload=payload or {},
        **(customer_facts(customer, terms, at=at) if customer else {}),
    )
    evaluated = {rule.pk: evaluate(rule.current.terms, occasion) for rule in found}
    out = superseded(Ranked(rule.pk, evaluated[rule.pk], rule.exclusive, rule.priority) for rule in found)
    winner = next((rule.code for rule in found if rule.exclusive and rule.pk not in out), None)
    return Simulation(
        occasion,
        [
            _simulated(rule, evaluated[rule.pk], winner if rule.pk in out else None, customer, at=at)
            for rule in found
        ],
    )


def _simulated(
    rule: EarningRule, evaluation: Evaluation, winner: str | None, customer: Customer | None, *, at: datetime
) -> SimulatedRule:
    units = 0 if winner else evaluation.units
    room = room_within_caps(rule, customer, at=at) if units else None
    units = units if room is None else min(units, room)
    dates = lot_dates(rule.current.terms, at=at)
    given = units and rule.gives == Gives.POINTS
    return SimulatedRule(
        rule,
        evaluation,
        units,
        winner,
        dates["activates_at"] if given else None,
        dates["expires_at"] if given else None,
    )


def _bought(lines: Sequence[dict[str, Any]]) -> tuple[Bought, ...]:
    products = {one.sku: one for one in Product.objects.filter(sku__in={line["sku"] for line in lines})}
    return tuple(_line(line, products.get(line["sku"])) for line in lines)


def _line(line: dict[str, Any], product: Product | None) -> Bought:
    known = {"product": product.name} if product else {}
    for name in ("category", "brand", "collection"):
        known[name] = getattr(product, name, "")
    return Bought(**known | {name: value for name, value in line.items() if value not in ("", None)})


def _traced(check: Check) -> TracedCheck:
    return TracedCheck(check.name, check.passed, check_in_words(check))
