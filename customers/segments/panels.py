"""The segments on a customer's page, each with why."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from customers.models import Customer, SegmentMembership
from customers.panels import Panel

PAST_SHOWN = 20


def segments_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the segments a customer is in now, and those they have left."""
    if not request.user.has_perm("customers.view_segmentmembership"):
        return None
    memberships = SegmentMembership.objects.filter(customer=customer).select_related("segment")
    current = memberships.current().order_by("-entered_at", "-pk")
    past = memberships.filter(left_at__isnull=False).order_by("-left_at", "-pk")
    return Panel(
        code="segments",
        title=_("Segments"),
        template="customers/customer_segments.html",
        context={"current": current, "past": past[:PAST_SHOWN]},
        count=len(current),
    )
