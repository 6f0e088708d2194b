"""What a customer has: reads only."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet, Sum

from coupons.models import Account, LedgerEntry, Lot
from customers.models import Customer

EXPIRIES_SHOWN = 12


@dataclass(frozen=True)
class Expiring:
    """Points that stop being spendable at one instant, the first one they are not good any more."""

    points: int
    at: datetime

    @property
    def good_until(self) -> datetime:
        """Return an instant of the last day they are good."""
        return self.at - timedelta(seconds=1)


@dataclass(frozen=True)
class Points:
    """What can be spent now, what will become spendable, and what expires next, soonest first."""

    balance: int = 0
    pending: int = 0
    expiring: list[Expiring] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.balance + self.pending


def points_of(customer: Customer, *, at: datetime) -> Points:
    """Return a customer's points at an instant; nobody without an account has any."""
    every = Lot.objects.filter(account__in=points_accounts(customer))
    spendable = every.spendable(at)
    lots = spendable.filter(expires_at__isnull=False)
    by_instant = lots.values("expires_at").annotate(points=Sum("remaining")).order_by("expires_at")
    return Points(
        balance=spendable.units(),
        pending=every.pending(at).units(),
        expiring=[Expiring(row["points"], row["expires_at"]) for row in by_instant[:EXPIRIES_SHOWN]],
    )


def points_accounts(customer: Customer) -> QuerySet[Account]:
    """Return the accounts a customer's points stand in: one, or one of each record they were merged from."""
    return Account.objects.filter(customer=customer, kind=Account.Kind.POINTS)


def points_entries(customer: Customer) -> QuerySet[LedgerEntry]:
    """Return every change of a customer's points, the latest first."""
    return LedgerEntry.objects.filter(account__in=points_accounts(customer)).order_by("-id")
