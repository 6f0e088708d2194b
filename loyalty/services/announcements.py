"""Telling that a customer's points changed."""

from datetime import datetime

from django.db.models import Sum

from coupons.models import LedgerEntry
from coupons.services import ledger
from customers.models import Customer, Order
from customers.services import record_event
from loyalty.services.balances import points_accounts


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
