"""Who is in a segment, or out of it, because a person said so: what the forms on two pages do."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import services
from customers.models import Customer, Segment, SegmentOverride
from customers.services.references import found_customers
from operations.errors import FidelioError

LONGEST_REASON = 300


def decide_view(request: HttpRequest) -> HttpResponse:
    """Put a customer into a segment or keep them out for good, or let the rules decide again.

    The customer is a key (from their page) or what a person typed to find exactly one.
    """
    if not request.user.has_perm("customers.change_segment"):
        raise PermissionDenied
    segment = get_object_or_404(Segment, pk=_key(request, "segment"))
    customer = _named_customer(request)
    if customer is None:
        messages.error(request, _("Nobody, or more than one customer, answers to this: use an exact key."))
    else:
        try:
            messages.success(request, _carry_out(request, segment, customer))
        except FidelioError as error:
            messages.error(request, str(error.message))
    if request.POST.get("back") == "customer" and customer:
        return redirect(f"{reverse('admin:customers_customer_change', args=[customer.pk])}?tab=segments")
    return redirect(f"{reverse('admin:customers_segment_change', args=[segment.pk])}#by-hand")


def _carry_out(request: HttpRequest, segment: Segment, customer: Customer) -> str:
    now, act = timezone.now(), request.POST.get("act")
    names = {"customer": customer, "segment": segment}
    if act == "forget":
        services.forget_decision(segment, customer, at=now)
        return _("%(segment)s: the rules decide about %(customer)s again.") % names
    told = {"at": now, "by": request.user, "reason": request.POST.get("reason", "").strip()[:LONGEST_REASON]}
    if act == SegmentOverride.Kind.EXCLUDE:
        services.exclude_customer(segment, customer, **told)
        return _("%(customer)s is kept out of %(segment)s.") % names
    services.include_customer(segment, customer, **told)
    return _("%(customer)s is in %(segment)s now.") % names


def _named_customer(request: HttpRequest) -> Customer | None:
    if "customer" in request.POST:
        return get_object_or_404(Customer, pk=_key(request, "customer"))
    text = request.POST.get("who", "").strip()[:200]
    found = list(found_customers(text)[:2]) if text else []
    return found[0] if len(found) == 1 else None


def _key(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
