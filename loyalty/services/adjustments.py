"""Points given or taken by hand."""

import uuid
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from coupons.errors import PromotionStopped
from coupons.models import Budget, LedgerEntry, Promotion
from coupons.services import ledger, take_from_budgets
from coupons.services.locks import lock_promotions
from customers.models import Customer
from customers.services.locks import hold_customer
from loyalty.services.announcements import announce_points
from operations.errors import InvalidInput


def adjust_points(
    customer: Customer,
    *,
    points: int,
    reason: str,
    at: datetime,
    activates_at: datetime | None = None,
    expires_at: datetime | None = None,
    source_key: str = "",
    promotion: Promotion | None = None,
) -> LedgerEntry:
    """Give points (positive: a new lot) or take them (negative: the earliest expiry first), saying why.

    The same `source_key` changes the account once. Points given in the name of a `promotion` count for its
    budgets of points.

    Raises PointsExceeded when fewer can be spent; BudgetExceeded; PromotionStopped for one that does not run;
    InvalidInput for zero points, for points that would expire before they can be spent, and for points taken
    in a promotion's name.
    """
    if points == 0:
        raise InvalidInput.at("/points", _("Give or take at least one point."))
    if expires_at and expires_at <= (activates_at or at):
        raise InvalidInput.at("/expires_at", _("Points expire after they become spendable."))
    if promotion and points < 0:
        raise InvalidInput.at("/promotion", _("In a promotion's name points are given, not taken."))
    key = f"adjusted:{source_key or uuid.uuid4()}"
    with transaction.atomic():
        customer = hold_customer(customer)
        if promotion and lock_promotions([promotion.pk])[0].status != Promotion.Status.ACTIVE:
            raise PromotionStopped
        account = ledger.open_account(customer)
        if points < 0:
            entry = ledger.debit(account, units=-points, source_key=key, at=at, reason=reason)
        else:
            entry = ledger.credit(
                account,
                units=points,
                source_key=key,
                at=at,
                activates_at=activates_at,
                expires_at=expires_at,
                reason=reason,
            )
        announce_points(entry, customer, at=at)
        if promotion:
            take_from_budgets(
                promotion,
                metric=Budget.Metric.POINTS,
                units=points,
                source_key=f"entry:{entry.pk}",
                at=at,
            )
    return entry
