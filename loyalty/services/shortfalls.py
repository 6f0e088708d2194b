"""What becomes of points that a return should have taken back and that had been spent (incentives.md, R5)."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext_noop

from coupons.models import LedgerEntry
from coupons.services import ledger
from customers.models import Customer
from loyalty.models import PointsAccrual, PointsShortfall

Policy = PointsShortfall.Policy
OWED = gettext_noop("Owed from a return")  # Kept in English; who reads it has it in their language.


def note_shortfall(accrual: PointsAccrual, *, points: int, at: datetime) -> PointsShortfall | None:
    """Write down what was missing, as settings.POINTS_SHORTFALL says; with ZERO_FLOOR it is forgotten."""
    if points <= 0 or settings.POINTS_SHORTFALL not in Policy.values:
        return None
    return PointsShortfall.objects.create(
        accrual=accrual, policy=settings.POINTS_SHORTFALL, points=points, occurred_at=at
    )


def collect_debts(customer: Customer, *, earned: int, at: datetime) -> list[LedgerEntry]:
    """Take what a customer owes from the points just earned, the oldest debt first; return the entries.

    The caller holds the customer and the accounts. Nothing is taken beyond what was earned.
    """
    entries = []
    with transaction.atomic():
        owed = PointsShortfall.objects.filter(
            accrual__entry__account__customer=customer, policy=Policy.DEBT, settled_points__lt=F("points")
        )
        for debt in (
            owed.select_for_update(of=["self"]).select_related("accrual__entry__account").order_by("pk")
        ):
            part = min(debt.left, earned)
            if not part:
                break
            spent = ledger.claw_back(
                debt.accrual.entry.account,
                units=part,
                source_key=f"debt:{debt.pk}:{debt.settled_points + part}",
                at=at,
                reason=OWED,
            )
            debt.settled_points += spent.units
            debt.save(update_fields=["settled_points"])
            earned -= spent.units
            entries += spent.entries[:1]
    return entries


def debt_of(customer: Customer) -> int:
    """Return how many points a customer owes."""
    owed = PointsShortfall.objects.filter(accrual__entry__account__customer=customer, policy=Policy.DEBT)
    return owed.aggregate(points=Sum(F("points") - F("settled_points")))["points"] or 0
