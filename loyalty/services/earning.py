"""Earning points on orders, and taking them back with what is returned."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, Sum

from coupons.engine.money import half_up
from coupons.models import Account, LedgerEntry, Redemption
from coupons.services import ledger
from customers.models import Customer, Event, Order, OrderLine, SegmentMembership
from customers.services import record_event
from customers.services.orders import lock_order
from loyalty.errors import EarningRuleTaken
from loyalty.models import EarningRule, EarningRuleVersion, PointsAccrual
from loyalty.rules import Purchase, check_multipliers, clawed_back, expiry, factor_for, points_for
from loyalty.services.balances import points_accounts
from loyalty.services.shortfalls import collect_debts, note_shortfall


def create_earning_rule(
    *,
    code: str,
    name: str,
    points: int,
    per_amount: int,
    event_type: str = EarningRule.EventType.ORDER_RECORDED,
    multipliers: list[dict[str, Any]] | None = None,
    valid_months: int | None = None,
    active: bool = True,
) -> EarningRule:
    """Write down a rule: `points` for every full `per_amount` (minor units) of goods paid.

    Raises InvalidInput for malformed multipliers, EarningRuleTaken when the code is in use.
    """
    multipliers = check_multipliers(multipliers or [])
    with transaction.atomic():
        try:
            with transaction.atomic():
                rule = EarningRule.objects.create(code=code, name=name, event_type=event_type, active=active)
        except IntegrityError as error:
            raise EarningRuleTaken from error
        return _new_version(rule, points, per_amount, multipliers, valid_months)


def edit_earning_rule(
    rule: EarningRule,
    *,
    name: str,
    active: bool,
    points: int,
    per_amount: int,
    multipliers: list[dict[str, Any]],
    valid_months: int | None,
) -> EarningRule:
    """Change a rule; new numbers are a new version, and what was earned keeps the old one.

    Raises InvalidInput for malformed multipliers.
    """
    check_multipliers(multipliers)
    with transaction.atomic():
        rule = EarningRule.objects.select_for_update(of=["self"]).select_related("current").get(pk=rule.pk)
        rule.name, rule.active = name, active
        rule.save()
        now = (points, per_amount, multipliers, valid_months)
        current = rule.current
        if (current.points, current.per_amount, current.multipliers, current.valid_months) != now:
            _new_version(rule, *now)
    return rule


def earn_points(order: Order, *, event: Event | None = None, at: datetime) -> list[PointsAccrual]:
    """Credit what a paid order earns by every active rule, once; return what was earned just now.

    Counts what was paid for goods (`paid_amount`). An order without a customer, or in another
    currency than the programme's, earns nothing. Locks the order, then the customer's account.
    """
    if order.customer is None or order.currency != settings.PROGRAMME_CURRENCY:
        return []
    earned = []
    with transaction.atomic():
        # A cancellation waits, or is seen: no points are left on an order cancelled meanwhile.
        order = lock_order(order)
        rules = EarningRule.objects.active_for(EarningRule.EventType.ORDER_RECORDED)
        account = _locked_account(order.customer) if rules else None
        for rule in rules:
            if not PointsAccrual.objects.filter(rule=rule, order=order).exists():
                earned.append(_accrue(rule, account, order, event, at))
        if earned:
            points = sum(accrual.points for accrual in earned)
            for entry in collect_debts(order.customer, earned=points, at=at):
                announce_points(entry, order.customer, at=at, order=order)
            claw_back_points(order, at=at)
    return earned


def paid_amount(order: Order) -> int:
    """Return what earns points: goods after discounts, VAT included, in minor units (incentives.md, P6).

    Shipping, gift cards bought and what points paid for do not count.
    """
    by_points = Redemption.objects.filter(stack__order=order, kind=Redemption.Kind.POINTS)
    by_points = by_points.exclude(status=Redemption.Status.ROLLED_BACK)
    cards = OrderLine.objects.filter(order=order, line_id__in=order.gift_cards.values("line_id"))
    return max(
        0,
        order.total_amount
        - (by_points.aggregate(amount=Sum("tender_amount"))["amount"] or 0)
        - (cards.aggregate(amount=Sum(F("amount") - F("discount_amount")))["amount"] or 0),
    )


def claw_back_points(order: Order, *, at: datetime) -> int:
    """Take back what an order's returned part had earned, by the version that gave it; return the points.

    Nobody's balance falls below zero: what was spent meanwhile is forgotten, owed or written off, as
    settings.POINTS_SHORTFALL says (R5). Called again for the same returns, it takes nothing more. Locks the
    order and the accounts concerned.
    """
    with transaction.atomic():
        # Read after the lock: two returns at once settle one after the other.
        order = lock_order(order)
        accruals = PointsAccrual.objects.filter(order=order, points__gt=0).order_by("pk")
        _lock_accounts(accruals)
        accruals = accruals.select_related("version", "entry__account__customer")
        return sum(_settle(accrual, order, at) for accrual in accruals)


def announce_points(
    entry: LedgerEntry, customer: Customer, *, at: datetime, order: Order | None = None
) -> None:
    """Tell that a customer's points changed, by this entry and those of the same cause in their accounts."""
    points = sum(one.delta for one in ledger.entries_of(entry))
    balance = points_accounts(customer).aggregate(units=Sum("balance"))["units"]
    payload = {"points": points, "balance": balance, "reason": entry.reason}
    record_event(
        "points.changed",
        external_id=f"points:{entry.pk}",
        customer=customer,
        occurred_at=at,
        payload=payload | ({"order": order.pk} if order else {}),
    )


def earning_key(rule: EarningRule, order: Order) -> str:
    """Return the ledger's name for the cause "this order earned by this rule"."""
    return f"earned:{rule.pk}:{order.pk}"


def _new_version(
    rule: EarningRule, points: int, per_amount: int, multipliers: list, valid_months: int | None
) -> EarningRule:
    rule.current = EarningRuleVersion.objects.create(
        rule=rule,
        number=rule.current.number + 1 if rule.current else 1,
        points=points,
        per_amount=per_amount,
        multipliers=multipliers,
        valid_months=valid_months,
    )
    rule.save(update_fields=["current"])
    return rule


def _locked_account(customer: Customer) -> Account:
    account = ledger.open_account(customer)
    siblings = points_accounts(customer).values_list("pk", flat=True)
    return ledger.lock_accounts([account.pk, *siblings])[account.pk]


def _lock_accounts(accruals: QuerySet) -> None:
    """Lock the accounts with all others of the same people, which what is taken back may come from."""
    own = Q(pk__in=accruals.values("entry__account"))
    siblings = Q(customer__in=accruals.values("entry__account__customer"), kind=Account.Kind.POINTS)
    ledger.lock_accounts(Account.objects.filter(own | siblings).values_list("pk", flat=True))


def _accrue(
    rule: EarningRule, account: Account, order: Order, event: Event | None, at: datetime
) -> PointsAccrual:
    version, amount = rule.current, paid_amount(order)
    factor = factor_for(version.multipliers, _purchase(order, version.multipliers))
    points = points_for(amount, points=version.points, per_amount=version.per_amount, factor=factor)
    entry = None
    if points:
        entry = ledger.credit(
            account,
            units=points,
            source_key=earning_key(rule, order),
            at=at,
            expires_at=expiry(at, months=version.valid_months, zone=settings.PROGRAMME_TIME_ZONE),
            reason=rule.name,
        )
        announce_points(entry, order.customer, at=at, order=order)
    return PointsAccrual.objects.create(
        rule=rule,
        version=version,
        order=order,
        event=event,
        entry=entry,
        amount=amount,
        factor=factor,
        points=points,
    )


def _purchase(order: Order, multipliers: list[dict[str, Any]]) -> Purchase:
    day = order.ordered_at.astimezone(ZoneInfo(settings.PROGRAMME_TIME_ZONE)).date()
    asked = {multiplier["segment"] for multiplier in multipliers if "segment" in multiplier}
    memberships = SegmentMembership.objects.filter(
        Q(left_at__isnull=True) | Q(left_at__gt=order.ordered_at),
        customer=order.customer,
        entered_at__lte=order.ordered_at,
        segment__code__in=asked,
    )
    return Purchase(
        sales_channel=order.sales_channel.code if order.sales_channel else "",
        store=order.store.code if order.store else "",
        day=day,
        segments=frozenset(memberships.values_list("segment__code", flat=True)) if asked else frozenset(),
    )


def _settle(accrual: PointsAccrual, order: Order, at: datetime) -> int:
    due = clawed_back(
        accrual.amount,
        _retained_amount(accrual, order),
        points=accrual.version.points,
        per_amount=accrual.version.per_amount,
        factor=accrual.factor,
    )
    more = due - accrual.clawed_back_points
    if more <= 0:
        return 0
    account = accrual.entry.account
    spent = ledger.claw_back(
        account,
        units=more,
        source_key=f"returned:{accrual.pk}:{due}",
        at=at,
        reason=accrual.entry.reason,
    )
    accrual.clawed_back_points = due
    accrual.save(update_fields=["clawed_back_points"])
    note_shortfall(accrual, points=spent.missing, at=at)
    if spent.entry:
        announce_points(spent.entry, account.customer, at=at, order=order)
    return spent.units


def _retained_amount(accrual: PointsAccrual, order: Order) -> int:
    """Return how much of what earned is left: the share of the order that did not come back."""
    if order.status == Order.Status.CANCELLED or not order.total_amount:
        return 0
    return half_up(accrual.amount * order.net_amount, order.total_amount)
