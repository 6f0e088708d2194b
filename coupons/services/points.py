"""Points as a means of payment: which accounts they stand in, and what of them can be spent."""

from dataclasses import dataclass
from datetime import datetime

from coupons.models import Account, Lot
from coupons.services import ledger
from customers.models import Customer


@dataclass(frozen=True)
class PointsToSpend:
    """A customer's points at an instant: `account` is the one to debit, null when there is none.

    What is debited comes from all the customer's accounts together; `account_ids` are to be locked for it.
    """

    account: Account | None = None
    account_ids: tuple[int, ...] = ()
    units: int = 0


def points_to_spend(customer: Customer | None, *, at: datetime, lock: bool = False) -> PointsToSpend:
    """Return what a customer can spend in points at that instant; nobody has none.

    With `lock` the accounts are locked first, in the order of their keys, so that it stays true.
    """
    if customer is None:
        return PointsToSpend()
    accounts = Account.objects.filter(customer=customer, kind=Account.Kind.POINTS)
    rows = list(ledger.lock_accounts(accounts.values_list("pk", flat=True)).values()) if lock else accounts
    found = sorted(rows, key=lambda one: (not one.main, one.pk))
    if not found:
        return PointsToSpend()
    ids = tuple(sorted(one.pk for one in found))
    return PointsToSpend(found[0], ids, Lot.objects.filter(account__in=ids).spendable(at).units())
