"""What a customer has: reads only."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Sum

from coupons.models import Account
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


def points_of(customer: Customer, *, at: datetime) -> Points:
    """Return a customer's points at an instant; nobody without an account has any."""
    account = points_account(customer)
    if account is None:
        return Points()
    lots = account.lots.spendable(at).filter(expires_at__isnull=False)
    by_instant = lots.values("expires_at").annotate(points=Sum("remaining")).order_by("expires_at")
    return Points(
        balance=account.spendable(at),
        pending=account.pending(at),
        expiring=[Expiring(row["points"], row["expires_at"]) for row in by_instant[:EXPIRIES_SHOWN]],
    )


def points_account(customer: Customer) -> Account | None:
    """Return the account a customer's points stand in, or None before the first of them."""
    return Account.objects.filter(customer=customer, kind=Account.Kind.POINTS, main=True).first()
