"""A company's contacts on its page, and on a person's page the companies they speak for."""

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
from customers.models import CompanyContact, Customer
from customers.panels import Panel
from customers.services.references import found_customers
from operations.errors import FidelioError

SHOWN = 100
MAY_CHANGE = "customers.rectify_customer"


def contacts_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return whom a company is spoken to through, or for whom a person speaks; None for neither."""
    is_company = customer.kind == Customer.Kind.COMPANY
    rows = customer.contacts.select_related("person") if is_company else customer.companies.all()
    contacts = list(rows.select_related("company", "person")[:SHOWN])
    if not (contacts or is_company):
        return None
    return Panel(
        code="contacts",
        title=_("Contacts") if is_company else _("Speaks for"),
        template="customers/tab_contacts.html",
        context={
            "is_company": is_company,
            "contacts": [(one, one.person if is_company else one.company) for one in contacts],
            "may_change": request.user.has_perm(MAY_CHANGE) and is_company,
        },
        count=len(contacts),
    )


def contact_urls(site: AdminSite) -> list[URLPattern]:
    """Return where the tab's forms go."""
    name, drop = site.admin_view(require_POST(_name)), site.admin_view(require_POST(_remove))
    return [
        path("<int:pk>/contacts/", name, name="customers_customer_name_contact"),
        path("<int:pk>/contacts/<int:contact_pk>/remove/", drop, name="customers_customer_remove_contact"),
    ]


def _name(request: HttpRequest, pk: int) -> HttpResponse:
    company = _company(request, pk)
    found = list(found_customers(request.POST.get("search_text", "").strip()[:200]).exclude(pk=pk)[:2])
    if len(found) != 1:
        messages.error(request, _("Enter the e-mail, number or card of exactly one person."))
        return _back(pk)
    try:
        services.name_contact(company, found[0], role=request.POST.get("role", ""), at=timezone.now())
    except FidelioError as error:
        messages.error(request, "; ".join(str(each.message) for each in error.details) or str(error.message))
    return _back(pk)


def _remove(request: HttpRequest, pk: int, contact_pk: int) -> HttpResponse:
    services.remove_contact(get_object_or_404(CompanyContact, pk=contact_pk, company=_company(request, pk)))
    return _back(pk)


def _company(request: HttpRequest, pk: int) -> Customer:
    if not request.user.has_perm(MAY_CHANGE):
        raise PermissionDenied
    return get_object_or_404(Customer.objects.present(), pk=pk)


def _back(pk: int) -> HttpResponse:
    return redirect(f"{reverse('admin:customers_customer_change', args=[pk])}?tab=contacts")
