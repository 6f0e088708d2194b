"""Taking back what returned goods had earned, by the version of the rule that gave it (incentives.md, R5)."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum

from coupons.engine.money import half_up
from coupons.models import Account
from coupons.services import ledger
from customers.models import Order, OrderLine, ReturnLine
from customers.services.orders import lock_order
from loyalty.models import PointsAccrual
from loyalty.rules import NOTHING, Basis, kept_of
from loyalty.services.announcements import announce_points
from loyalty.services.caps import count_back
from loyalty.services.earned_entries import keep_entries
from loyalty.services.shortfalls import note_shortfall


def claw_back_points(order: Order, *, at: datetime) -> int:
    """Take back what an order's returned part had earned, by the version that gave it; return the points.

    Nobody's balance falls below zero: what was spent meanwhile is forgotten, owed or written off, as
    settings.POINTS_SHORTFALL says (R5). Called again for the same returns, it takes nothing more. Locks the
    order, the accounts concerned and the counters of caps.
    """
    with transaction.atomic():
        # Read after the lock: two returns at once settle one after the other.
        order = lock_order(order)
        every = PointsAccrual.objects.filter(order=order).select_related("rule", "version__rule")
        for accrual in every.filter(draw_entries__gt=0).order_by("rule", "pk"):
            _settle_entries(accrual, order, at)
        accruals = every.filter(points__gt=0).order_by("rule", "pk")
        _lock_accounts(accruals)
        return sum(
            _settle(accrual, order, at) for accrual in accruals.select_related("entry__account__customer")
        )


def _settle_entries(accrual: PointsAccrual, order: Order, at: datetime) -> None:
    terms, basis = accrual.version.terms, retained_basis(accrual, order)
    kept = kept_of(terms, basis, factor=accrual.factor, given=accrual.draw_entries)
    gone = keep_entries(accrual, kept=kept, at=at)
    if gone:
        count_back(accrual.rule, terms, order.customer, units=gone, whole=not kept, at=accrual.occurred_at)


def _lock_accounts(accruals: QuerySet) -> None:
    """Lock the accounts with all others of the same people, which what is taken back may come from."""
    own = Q(pk__in=accruals.values("entry__account"))
    siblings = Q(customer__in=accruals.values("entry__account__customer"), kind=Account.Kind.POINTS)
    ledger.lock_accounts(Account.objects.filter(own | siblings).values_list("pk", flat=True))


def _settle(accrual: PointsAccrual, order: Order, at: datetime) -> int:
    terms = accrual.version.terms
    kept = kept_of(terms, retained_basis(accrual, order), factor=accrual.factor, given=accrual.points)
    due = accrual.points - kept
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
    if accrual.occurred_at:
        whole = not kept
        count_back(accrual.rule, terms, order.customer, units=more, whole=whole, at=accrual.occurred_at)
    return spent.units


def retained_basis(accrual: PointsAccrual, order: Order) -> Basis:
    """Return what is left of what earned: the share of the order, or of the lines that count, still there."""
    if order.status == Order.Status.CANCELLED:
        return NOTHING
    if accrual.line_ids:
        return _retained_of_lines(accrual)
    if order.status == Order.Status.REFUNDED:
        return NOTHING
    if not order.total_amount:
        return Basis(accrual.amount)
    return Basis(half_up(accrual.amount * order.net_amount, order.total_amount))


def _retained_of_lines(accrual: PointsAccrual) -> Basis:
    lines = OrderLine.objects.filter(pk__in=accrual.line_ids)
    bought = lines.aggregate(amount=Sum(F("amount") - F("discount_amount")))["amount"] or 0
    returned = ReturnLine.objects.filter(line__in=accrual.line_ids).aggregate(
        amount=Sum("refund_amount"), quantity=Sum("quantity")
    )
    quantity = accrual.quantity - (returned["quantity"] or Decimal(0))
    kept_amount = bought - (returned["amount"] or 0)
    amount = half_up(accrual.amount * kept_amount, bought) if bought else accrual.amount
    return Basis(amount, quantity, present=quantity > 0)
