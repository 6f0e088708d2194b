"""Forgetting notes of changed purchases that nobody needs any more; triggers write them."""

from datetime import datetime, timedelta

from customers.models import PurchaseChange

KEPT = timedelta(days=15)


def forget_purchase_changes(*, at: datetime) -> int:
    """Delete the notes older than KEPT; whoever last read before that reads everything again."""
    return PurchaseChange.objects.noted_before(at - KEPT).delete()[0]
