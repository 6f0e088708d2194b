"""Earning points on orders and events: what each rule gives, once."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from coupons.models import Account, LedgerEntry
from coupons.services import ledger
from customers.models import Customer, Event, Order
from customers.services.locks import lock_customer
from customers.services.orders import lock_order
from loyalty.models import EarningRule, PointsAccrual
from loyalty.rules import (
    ORDER,
    Evaluation,
    Gives,
    Occasion,
    Ranked,
    evaluate,
    superseded,
)
from loyalty.services.announcements import announce_points
from loyalty.services.balances import points_accounts
from loyalty.services.caps import take_within_caps
from loyalty.services.claw_backs import claw_back_points
from loyalty.services.earned_entries import earning_key, enter_with
from loyalty.services.lots import lot_dates
from loyalty.services.occasions import event_occasion, order_occasion
from loyalty.services.prolonging import prolong_points
from loyalty.services.shortfalls import collect_debts

NOBODY = (Customer.Status.ANONYMOUS, Customer.Status.ERASED)


def earn_points(
    order: Order, *, event: Event | None = None, at: datetime, announce: bool = True
) -> list[PointsAccrual]:
    """Credit what a paid order earns by every rule that is valid then, once; return what was earned just now.

    Counts what was paid for goods. An order without a customer, or in another currency than the programme's,
    earns nothing. Locks the order, then the customer's accounts, then the counters of caps.
    """
    if order.customer is None or order.currency != settings.PROGRAMME_CURRENCY:
        return []
    with transaction.atomic():
        # A cancellation waits, or is seen: no points are left on an order cancelled meanwhile.
        order = lock_order(order)
        known = PointsAccrual.objects.filter(order=order).values("rule")
        rules = list(EarningRule.objects.active_for(ORDER, at=order.ordered_at).exclude(pk__in=known))
        if not rules:
            return []
        occasion = order_occasion(order, [rule.current.terms for rule in rules])
        source = {"order": order, "event": event}
        earned = _earn(rules, occasion, order.customer, source=source, at=at, announce=announce)
        if any(accrual.points or accrual.draw_entries for accrual in earned):
            claw_back_points(order, at=at)
    return earned


def earn_on_event(event: Event, *, at: datetime) -> list[PointsAccrual]:
    """Credit what an event earns by every rule for its type, once; return what was earned just now.

    Visitors nobody knows and erased people earn nothing. Locks the customer, then as `earn_points` does.
    """
    if event.customer is None:
        return []
    with transaction.atomic():
        customer = lock_customer(event.customer)
        known = PointsAccrual.objects.filter(event=event).values("rule")
        active = EarningRule.objects.active_for(event.type, at=event.occurred_at)
        rules = list(active.exclude(pk__in=known))
        if not rules or customer.status in NOBODY:
            return []
        occasion = event_occasion(event, customer, [rule.current.terms for rule in rules])
        return _earn(rules, occasion, customer, source={"event": event}, at=at)


def _earn(
    rules: list[EarningRule],
    occasion: Occasion,
    customer: Customer,
    *,
    source: dict[str, Any],
    at: datetime,
    announce: bool = True,
) -> list[PointsAccrual]:
    """Write down what each rule that applies gives; the caller holds the customer."""
    asked = {rule.pk: (rule, evaluate(rule.current.terms, occasion)) for rule in rules}
    out = superseded(
        Ranked(pk, evaluation, rule.exclusive, rule.priority) for pk, (rule, evaluation) in asked.items()
    )
    applying = [(rule, evaluation) for rule, evaluation in asked.values() if evaluation.applies]
    # Contests are locked before accounts.
    applying.sort(key=lambda one: (one[0].gives == Gives.POINTS, one[0].pk))
    account = None
    earned = []
    for rule, evaluation in applying:
        wanted = 0 if rule.pk in out else evaluation.units
        if wanted and account is None and rule.gives == Gives.POINTS:
            account = _locked_account(customer)
        units = take_within_caps(rule, customer, units=wanted, at=occasion.at)
        accrual = _accrual(rule, evaluation, at=occasion.at, **source)
        if units and rule.gives == Gives.POINTS:
            accrual.points, accrual.entry = units, _credit(accrual, account, units, at=at)
        elif units:
            accrual.draw_entries = enter_with(accrual, customer, entries=units, at=at)
        accrual.save(force_insert=True)
        if accrual.entry and announce:
            announce_points(accrual.entry, customer, at=at, order=accrual.order)
        earned.append(accrual)
    if account is not None or any(rule.current.terms.expiry.is_prolonged for rule in rules):
        prolong_points(customer.pk, since=occasion.at, at=at)
    if points := sum(accrual.points for accrual in earned):
        for entry in collect_debts(customer, earned=points, at=at):
            if announce:
                announce_points(entry, customer, at=at, order=source.get("order"))
    return earned


def _accrual(rule: EarningRule, evaluation: Evaluation, *, at: datetime, **source: Any) -> PointsAccrual:
    return PointsAccrual(
        rule=rule,
        version=rule.current,
        amount=evaluation.basis.amount,
        quantity=evaluation.basis.quantity if rule.current.terms.looks_at_lines else None,
        line_ids=[line.pk for line in evaluation.lines if line.pk],
        factor=evaluation.factor,
        points=0,
        occurred_at=at,
        **source,
    )


def _credit(accrual: PointsAccrual, account: Account, units: int, *, at: datetime) -> LedgerEntry:
    return ledger.credit(
        account,
        units=units,
        source_key=earning_key(accrual),
        at=at,
        reason=accrual.rule.name,
        **lot_dates(accrual.version.terms, at=at),
    )


def _locked_account(customer: Customer) -> Account:
    account = ledger.open_account(customer)
    siblings = points_accounts(customer).values_list("pk", flat=True)
    return ledger.lock_accounts([account.pk, *siblings])[account.pk]
