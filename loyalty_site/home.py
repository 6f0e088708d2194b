"""What each role sees first: the dashboard, or the service desk with its search box."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from loyalty_site.navigation import entries_for
from loyalty_site.roles import Role, role_of
from operations.models import Approval

WAITING_SHOWN = 5


def home_of(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """Return the template and the context of this person's home."""
    role = role_of(request.user)
    if role in {Role.AGENT, Role.SUPERVISOR}:
        greeting = _("Welcome, %(name)s") % {"name": request.user.get_short_name() or request.user}
        return "fidelio/find.html", {"title": greeting, "home": True, **desk_context(request)}
    return "fidelio/home.html", {"title": _("Home"), "groups": entries_for(request.user)}


def desk_context(request: HttpRequest) -> dict[str, Any]:
    """Return what stands beside the search box: approvals that wait, and one's own allowance of today."""
    user = request.user
    waiting = Approval.objects.waiting().select_related("requested_by").order_by("requested_at")
    own = waiting.filter(requested_by=user)
    decides = user.has_perm("operations.change_approval")
    return {
        "decides": decides,
        "approvals": list(waiting.exclude(requested_by=user)[:WAITING_SHOWN]) if decides else [],
        "approvals_waiting": waiting.exclude(requested_by=user).count() if decides else 0,
        "own_waiting": list(own[:WAITING_SHOWN]),
    }
