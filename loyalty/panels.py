"""What loyalty shows on a customer's page and in GET /customers/{id}."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.panels import Action, Figure, Panel
from loyalty import services
from loyalty.services.balances import Points, points_entries
from loyalty.services.tiers import tier_of
from loyalty.services.transfers import transfers_are_allowed
from operations.formats import day, number

ENTRIES_SHOWN = 25


def points_details(customer: Customer) -> dict[str, Any]:
    """Return what the customer can spend now, and the name of their tier."""
    now = timezone.now()
    tier = tier_of(customer, at=now)
    return {"points": services.points_of(customer, at=now).balance, "tier": tier.name if tier else None}


def points_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the balance for the strip, the account's history as a tab, and the adjustment as an action."""
    if not request.user.has_perm("loyalty.view_pointsaccrual"):
        return None
    points = services.points_of(customer, at=timezone.now())
    entries = points_entries(customer)
    total = entries.count()
    actions = []
    if request.user.has_perm("loyalty.adjust_points"):
        url = reverse("admin:loyalty_adjust_points", args=[customer.pk])
        actions.append(Action(_("Give or take points"), url, icon="toll"))
    if customer.household_id and transfers_are_allowed() and request.user.has_perm("loyalty.transfer_points"):
        url = reverse("admin:loyalty_transfer_points", args=[customer.pk])
        actions.append(Action(_("Give points to the household"), url, icon="diversity_3"))
    return Panel(
        code="points",
        title=_("Points"),
        template="loyalty/customer_points.html",
        context={
            "points": points,
            "entries": entries[:ENTRIES_SHOWN],
            "total": total,
            "debt": services.debt_of(customer),
            "earned": entries.filter(delta__gt=0).count(),
        },
        figures=[Figure(_("Points"), number(points.balance), _hint(points))],
        actions=actions,
        count=total,
    )


def _hint(points: Points) -> str:
    if points.pending:
        return _("%(points)s pending") % {"points": number(points.pending)}
    if points.expiring:
        soonest = points.expiring[0]
        return _("%(points)s expire after %(day)s") % {
            "points": number(soonest.points),
            "day": day(soonest.good_until),
        }
    return ""
