"""Writing earning rules: a change of their terms is a new version, and what was earned keeps the old one."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers.event_types import event_type
from loyalty.errors import EarningRuleTaken
from loyalty.models import Draw, EarningRule, EarningRuleVersion
from loyalty.rewarded_events import OWN_TYPES
from loyalty.rules import ORDER, ExpiryKind, Gives, Holding, Kind, read_terms
from loyalty.services.listening import forget_types
from operations.errors import InvalidInput

TERMS = (
    "points", "per_amount", "per_quantity", "conditions", "multipliers", "benefits", "caps", "expiry",
    "holding", "holding_days", "draw",
)  # fmt: skip
# Told of points themselves, a rule would reward what it does.
CIRCULAR = ("points", "order", "message", "segment", "tier")


@dataclass(frozen=True)
class NewTerms:
    """What a version is to say, as it is written; `valid_months` is short for rolling months of expiry."""

    points: int
    per_amount: int | None = None
    per_quantity: int | None = None
    conditions: dict[str, Any] = field(default_factory=dict)
    multipliers: list[dict[str, Any]] = field(default_factory=list)
    benefits: bool | None = None
    caps: list[dict[str, Any]] = field(default_factory=list)
    expiry: dict[str, Any] = field(default_factory=dict)
    valid_months: int | None = None
    holding: str = Holding.NONE
    holding_days: int = 0
    draw: str = ""

    def fields(self, kind: str) -> dict[str, Any]:
        """Return the fields of a version of a rule of this kind."""
        expiry = dict(self.expiry or {})
        if self.valid_months is not None and not expiry:
            expiry = {"kind": ExpiryKind.MONTHS.value, "months": self.valid_months}
        return {
            "points": self.points,
            "per_amount": self.per_amount if kind == Kind.PER_AMOUNT else None,
            "per_quantity": (self.per_quantity or 1) if kind == Kind.PER_UNIT else None,
            "conditions": self.conditions or {},
            "multipliers": self.multipliers or [],
            "benefits": kind != Kind.PER_EVENT if self.benefits is None else self.benefits,
            "caps": self.caps or [],
            "expiry": expiry,
            "holding": self.holding or Holding.NONE,
            "holding_days": self.holding_days if self.holding == Holding.DAYS else 0,
            "draw": self.draw or "",
        }


def create_earning_rule(
    *,
    code: str,
    name: str,
    kind: str = Kind.PER_AMOUNT,
    event_type: str = ORDER,
    gives: str = Gives.POINTS,
    active: bool = True,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    exclusive: bool = False,
    priority: int = 0,
    **terms: Any,
) -> EarningRule:
    """Write down a rule: what it rewards, for how long, and its first version's terms (`NewTerms`).

    Raises InvalidInput for what is malformed or does not fit together, EarningRuleTaken when the code is in
    use.
    """
    rule = EarningRule(
        code=code, name=name, kind=kind, event_type=event_type, gives=gives, active=active,
        starts_at=starts_at, ends_at=ends_at, exclusive=exclusive, priority=priority,
    )  # fmt: skip
    fields = NewTerms(**terms).fields(kind)
    _check_rule(rule)
    check_terms(rule, fields)
    with transaction.atomic():
        try:
            with transaction.atomic():
                rule.save()
        except IntegrityError as error:
            raise EarningRuleTaken from error
        _add_version(rule, fields)
    transaction.on_commit(forget_types)
    return rule


def edit_earning_rule(
    rule: EarningRule,
    *,
    name: str,
    active: bool,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    exclusive: bool = False,
    priority: int = 0,
    **terms: Any,
) -> EarningRule:
    """Change a rule; new terms are a new version, and what was earned keeps the old one.

    What the rule rewards and what it counts stays. Raises InvalidInput for malformed terms. Locks the rule.
    """
    fields = NewTerms(**terms).fields(rule.kind)
    check_terms(rule, fields)
    with transaction.atomic():
        rule = EarningRule.objects.select_for_update().get(pk=rule.pk)
        rule.name, rule.active = name, active
        rule.starts_at, rule.ends_at = starts_at, ends_at
        rule.exclusive, rule.priority = exclusive, priority
        _check_rule(rule)
        rule.save()
        if terms_of(rule) != fields:
            _add_version(rule, fields)
    transaction.on_commit(forget_types)
    return rule


def switch_earning_rule(rule: EarningRule, *, active: bool) -> EarningRule:
    """Switch a rule on or off; its terms stay as they are."""
    with transaction.atomic():
        rule = EarningRule.objects.select_for_update().get(pk=rule.pk)
        rule.active = active
        rule.save(update_fields=["active"])
    transaction.on_commit(forget_types)
    return rule


def terms_of(rule: EarningRule) -> dict[str, Any]:
    """Return the terms of a rule's current version, as `edit_earning_rule` takes them."""
    return {name: getattr(rule.current, name) for name in TERMS}


def check_terms(rule: EarningRule, fields: dict[str, Any]) -> None:
    """Check that the terms of a version can be read and fit the rule. Raises InvalidInput."""
    if not fields["points"] or fields["points"] < 1:
        raise InvalidInput.at("/points", _("A rule gives at least one point."))
    if rule.kind == Kind.PER_AMOUNT and not fields["per_amount"]:
        raise InvalidInput.at("/per_amount", _("Say for every how much."))
    terms = read_terms(rule.kind, fields)
    if terms.holding == Holding.DAYS and not terms.holding_days:
        raise InvalidInput.at("/holding_days", _("Say for how many days the points are pending."))
    if rule.gives == Gives.DRAW_ENTRIES:
        _check_entries(terms)
    elif terms.draw:
        raise InvalidInput.at("/draw", _("Only a rule that gives entries names a draw."))
    if rule.is_for_orders and terms.conditions.payload:
        raise InvalidInput.at("/conditions/payload", _("An order is not asked for a payload."))
    if not rule.is_for_orders and terms.conditions.minimum_amount:
        raise InvalidInput.at("/conditions/minimum_amount", _("Only an order has an amount."))


def _check_entries(terms: Any) -> None:
    if not terms.draw:
        raise InvalidInput.at("/draw", _("Say which draw the entries are for."))
    if not Draw.objects.filter(code=terms.draw).exists():
        raise InvalidInput.at("/draw", _("There is no such draw."))
    if terms.holding != Holding.NONE or terms.expiry.kind != ExpiryKind.NEVER:
        raise InvalidInput.at("/holding", _("Entries count at once, and they do not expire."))


def _check_rule(rule: EarningRule) -> None:
    if rule.starts_at and rule.ends_at and rule.ends_at <= rule.starts_at:
        raise InvalidInput.at("/ends_at", _("A rule ends after it starts."))
    if rule.kind != Kind.PER_EVENT and not rule.is_for_orders:
        raise InvalidInput.at("/kind", _("Only orders have an amount and pieces to count."))
    if not is_rewardable(rule.event_type):
        raise InvalidInput.at("/event_type", _("Nothing of this kind can be rewarded."))


def is_rewardable(code: str) -> bool:
    """Return whether events of this type may be rewarded: those sources tell, and some of our own."""
    if code == ORDER or code in OWN_TYPES:
        return True
    known = event_type(code)
    family, _dot, name = code.partition(".")
    return bool(known and known.told_by_sources and name and name != "*" and family not in CIRCULAR)


def _add_version(rule: EarningRule, fields: dict[str, Any]) -> None:
    rule.current = EarningRuleVersion.objects.create(
        rule=rule, number=rule.current.number + 1 if rule.current else 1, **fields
    )
    rule.save(update_fields=["current"])
