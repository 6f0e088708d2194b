"""Points of people who were one for a while: what an order earned goes with whoever bought."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F

from coupons.services import ledger
from customers.models import Customer
from loyalty.models import PointsAccrual


def settle_points(customer_ids: Iterable[int], *, at: datetime) -> None:
    """Give what is left of an order's points to the customer whose order it is, with its expiry.

    After a merge nothing has to move: orders and accounts went together. What was spent meanwhile is spent.
    """
    ids = list(customer_ids)
    strayed = (
        PointsAccrual.objects.filter(order__customer__in=ids, entry__account__customer__in=ids)
        .exclude(entry__account__customer=F("order__customer"))
        .filter(entry__lot__remaining__gt=0)
        .select_related("order__customer", "entry__account", "entry__lot", "rule")
        .order_by("pk")
    )
    for accrual in strayed:
        entry = ledger.hand_over_lot(
            accrual.entry.lot,
            to=ledger.open_account(Customer.objects.get(pk=accrual.order.customer_id)),
            source_key=f"parted:{accrual.pk}:{accrual.entry_id}",
            at=at,
            reason=accrual.entry.reason,
        )
        if entry:
            # What a return takes back is taken where the points are now.
            PointsAccrual.objects.filter(pk=accrual.pk).update(entry=entry)
