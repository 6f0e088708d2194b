"""Notes on a customer's page: the tab, and what its buttons do."""

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from customers import services
from customers.models import Customer, CustomerNote, NoteTopic
from customers.models.note import LONGEST_NOTE
from customers.panels import Panel
from operations.errors import FidelioError

NOTES_SHOWN = 100


def notes_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return what members of staff wrote down about a customer, the pinned first."""
    if not request.user.has_perm("customers.view_customernote"):
        return None
    notes = list(customer.notes.select_related("author", "topic")[:NOTES_SHOWN])
    return Panel(
        code="notes",
        title=_("Notes"),
        template="customers/tab_notes.html",
        context={
            "notes": notes,
            "longest": LONGEST_NOTE,
            "topics": NoteTopic.objects.filter(active=True),
        },
        count=len(notes),
    )


def pinned_notes(customer: Customer, request: HttpRequest) -> list[CustomerNote]:
    """Return the notes that everybody who opens the page should see at once."""
    if not request.user.has_perm("customers.view_customernote"):
        return []
    return list(customer.notes.filter(pinned=True).select_related("author")[:3])


def note_urls(site: AdminSite) -> list[URLPattern]:
    """Return where the tab's forms go."""
    return [
        path(
            "<int:pk>/notes/",
            site.admin_view(require_POST(_write)),
            name="customers_customer_write_note",
        ),
        path(
            "<int:pk>/notes/<int:note_pk>/",
            site.admin_view(require_POST(_change)),
            name="customers_customer_change_note",
        ),
    ]


def _write(request: HttpRequest, pk: int) -> HttpResponse:
    if not request.user.has_perm("customers.add_customernote"):
        raise PermissionDenied
    customer = get_object_or_404(Customer, pk=pk)
    try:
        services.write_note(
            customer,
            text=request.POST.get("text", ""),
            pinned="pinned" in request.POST,
            author=request.user,
            at=timezone.now(),
            topic=_topic(request.POST.get("topic", "")),
        )
    except FidelioError as error:
        messages.error(request, _sentence(error))
    return _back(pk)


def _change(request: HttpRequest, pk: int, note_pk: int) -> HttpResponse:
    """Do what the pressed button says: save the text, pin, unpin, or remove."""
    if not request.user.has_perm("customers.change_customernote"):
        raise PermissionDenied
    note = get_object_or_404(CustomerNote, pk=note_pk, customer=pk)
    act = request.POST.get("act")
    try:
        if act == "remove":
            services.remove_note(note, by=request.user)
        elif act in ("pin", "unpin"):
            services.pin_note(note, pinned=act == "pin", by=request.user)
        else:
            services.edit_note(note, text=request.POST.get("text", ""), by=request.user, at=timezone.now())
    except FidelioError as error:
        messages.error(request, _sentence(error))
    return _back(pk)


def _topic(text: str) -> NoteTopic | None:
    known = text.isascii() and text.isdigit() and len(text) < 10
    return NoteTopic.objects.filter(pk=int(text), active=True).first() if known else None


def _sentence(error: FidelioError) -> str:
    return "; ".join(str(mistake.message) for mistake in error.details) or str(error.message)


def _back(pk: int) -> HttpResponse:
    return redirect(f"{reverse('admin:customers_customer_change', args=[pk])}?tab=notes")
