"""What each role sees first: the dashboard, or the service desk with its search box."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.dashboard import TEMPLATE, dashboard_context
from coupons.services import allowance_of
from loyalty_site.navigation import entries_for
from loyalty_site.roles import Role, role_of
from operations import formats
from operations.models import Approval

WAITING_SHOWN = 5


def home_of(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """Return the template and the context of this person's home."""
    role = role_of(request.user)
    if role in {Role.AGENT, Role.SUPERVISOR}:
        greeting = _("Welcome, %(name)s") % {"name": request.user.get_full_name() or request.user}
        return "fidelio/find.html", {"title": greeting, "home": True, **desk_context(request)}
    if role is not None:
        return TEMPLATE, dashboard_context(request)
    return "fidelio/home.html", {"title": _("Home"), "groups": entries_for(request.user)}


@dataclass(frozen=True)
class AllowanceBar:
    """One's allowance of today as a bar that fills up."""

    percent: int
    used_text: str
    left_text: str
    tone: str


def own_allowance(request: HttpRequest) -> AllowanceBar | None:
    """Return how much this person may still give today, or None when each apology needs approval."""
    allowance = allowance_of(request.user, at=timezone.now())
    if not allowance.daily_amount:
        return None
    percent = min(100, allowance.used_amount * 100 // allowance.daily_amount)
    words = {"left": formats.money(allowance.remaining_amount), "used": formats.money(allowance.used_amount)}
    words["all"] = formats.money(allowance.daily_amount)
    return AllowanceBar(
        percent,
        used_text=_("%(used)s of %(all)s given") % words,
        left_text=_("%(left)s left") % words,
        tone="bad" if percent >= 100 else "warn" if percent >= 80 else "",
    )


def desk_context(request: HttpRequest) -> dict[str, Any]:
    """Return what stands beside the search box: approvals that wait, and one's own allowance of today."""
    user = request.user
    waiting = Approval.objects.waiting().select_related("requested_by").order_by("requested_at")
    own = waiting.filter(requested_by=user)
    decides = user.has_perm("operations.change_approval")
    return {
        "allowance": own_allowance(request) if user.has_perm("coupons.issue_apology") else None,
        "decides": decides,
        "approvals": list(waiting.exclude(requested_by=user)[:WAITING_SHOWN]) if decides else [],
        "approvals_waiting": waiting.exclude(requested_by=user).count() if decides else 0,
        "own_waiting": list(own[:WAITING_SHOWN]),
    }
