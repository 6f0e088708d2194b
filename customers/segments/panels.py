"""The segments on a customer's page, each with why."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from customers.models import Customer, Segment, SegmentMembership
from customers.panels import Panel

PAST_SHOWN = 20
LIVE = (Customer.Status.ACTIVE, Customer.Status.PROSPECT)


def segments_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the segments a customer is in now, and those they have left."""
    if not request.user.has_perm("customers.view_segmentmembership"):
        return None
    memberships = SegmentMembership.objects.filter(customer=customer).select_related("segment")
    current = memberships.current().order_by("-entered_at", "-pk")
    past = memberships.filter(left_at__isnull=False).order_by("-left_at", "-pk")
    decisions = customer.segment_overrides.select_related("segment", "decided_by").order_by("-decided_at")
    return Panel(
        code="segments",
        title=_("Segments"),
        template="customers/customer_segments.html",
        context={
            "current": current,
            "past": past[:PAST_SHOWN],
            "decisions": list(decisions),
            "others": _others(customer, request),
        },
        count=len(current),
    )


def _others(customer: Customer, request: HttpRequest) -> list[Segment] | None:
    """Return the segments a person may decide about for this customer; None for who may not decide."""
    if not request.user.has_perm("customers.change_segment") or customer.status not in LIVE:
        return None
    return list(Segment.objects.filter(active=True).exclude(overrides__customer=customer).order_by("name"))
