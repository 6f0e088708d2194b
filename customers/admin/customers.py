"""Customers in the console: the list, and the page about one person."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin

from customers.admin import customer_export
from customers.admin.contacts import contact_urls
from customers.admin.filters import FoundFilter, PurchaseFilter, ReachableFilter, SegmentFilter
from customers.admin.lists import FactAdmin
from customers.admin.merging import merge_urls
from customers.admin.notes import note_urls, pinned_notes
from customers.models import Consent, Customer, Segment, Suppression
from customers.models.consent import AddressHash
from customers.panels import customer_panels
from customers.services.references import blocked_values_of, found_customers, survivor
from customers.timeline import Position, describe, timeline_page
from customers.timeline_filters import TimelineFilters
from operations import formats
from operations.figure_files import ChartsPage

EVENTS_SHOWN = 30
TABS_IN_ROW = 8  # So many fit beside each other on a laptop; the others stand under "More".
TONES = {"ACTIVE": "success", "PROSPECT": "info", "MERGED": "warning", "ERASED": "danger"}
CHANNELS = {
    "email": "mail",
    "sms": "sms",
    "phone": "call",
    "post": "local_post_office",
    "push": "notifications",
}


class CustomerPage(UnfoldModelAdminViewMixin, ChartsPage, TemplateView):
    """Everything about one person: figures, a timeline, what each app contributes, what can be done."""

    permission_required = "customers.view_customer"
    template_name = "customers/customer.html"
    customer: Customer

    @property
    def title(self) -> str:
        return str(self.customer)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        customer = Customer.objects.select_related("merged_into").filter(pk=self.kwargs["pk"]).first()
        if customer is None:
            return self.model_admin._get_obj_does_not_exist_redirect(
                request, Customer._meta, str(self.kwargs["pk"])
            )
        if customer.merged_into_id:
            return redirect(reverse("admin:customers_customer_change", args=[survivor(customer).pk]))
        self.customer = customer
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page with filters over its timeline; their text may be personal and stays out of URLs."""
        return self.get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        panels = customer_panels(self.customer, self.request)
        tabs = [panel for panel in panels if panel.template]
        chosen = next((panel for panel in tabs if panel.code == self.request.GET.get("tab")), None)
        context = {
            "customer": self.customer,
            "figures": [figure for panel in panels for figure in panel.figures],
            "actions": [action for panel in panels for action in panel.actions if action.primary],
            "more_actions": [action for panel in panels for action in panel.actions if not action.primary],
            "pinned": pinned_notes(self.customer, self.request),
            "tabs": tabs[:TABS_IN_ROW] + [tab for tab in tabs[TABS_IN_ROW:] if tab == chosen],
            "more_tabs": [tab for tab in tabs[TABS_IN_ROW:] if tab != chosen],
            "panel": chosen,
            "identities": list(
                self.customer.identities.order_by("namespace", "-pk").annotate(
                    blocked=Exists(blocked_values_of(OuterRef("namespace"), OuterRef("value")))
                )
            ),
            "attributes": [(name, _plain(value)) for name, value in sorted(self.customer.attributes.items())],
            "reach": reach_of(self.customer),
            "segments": list(
                Segment.objects.filter(
                    memberships__customer=self.customer, memberships__left_at__isnull=True
                ).order_by("name")
            ),
        }
        context |= chosen.context if chosen else self._timeline()
        return super().get_context_data(**kwargs, **context)

    def _timeline(self) -> dict[str, Any]:
        given = self.request.POST if self.request.method == "POST" else self.request.GET
        filters = TimelineFilters(self.customer, given)
        kind = filters.chosen.get("kind", "")
        try:
            before = Position.parse(given.get("before", ""))
        except ValueError:
            before = None
        page = timeline_page(
            self.customer, kind=kind, before=before, limit=EVENTS_SHOWN, among=filters.events(self.customer)
        )
        return {
            "events": [(event, describe(event)) for event in page.events],
            "filters": filters,
            "older": page.next,
            "newest": before is None,
        }


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def reach_of(customer: Customer) -> list[dict[str, Any]]:
    """Return for each contact point with a marketing consent whether we may write, and why not."""
    suppressed = Suppression.objects.filter(
        channel=OuterRef("channel"), address_hash=AddressHash(OuterRef("address"))
    )
    consents = Consent.objects.filter(customer=customer, purpose="MARKETING").annotate(
        suppressed=Exists(suppressed)
    )
    return [
        {
            "channel": consent.get_channel_display(),
            "icon": CHANNELS[consent.channel],
            "allowed": consent.state == "GRANTED" and not consent.suppressed,
            "why": _("suppressed") if consent.suppressed else consent.get_state_display(),
            "address": consent.address,
        }
        for consent in consents.order_by("channel", "address")
    ]


@admin.register(Customer)
class CustomerAdmin(FactAdmin):
    """The customers; a search is a POST, so that names and addresses stay out of URLs and logs."""

    list_display = ["who", "city", "orders", "revenue", "last_order", "state"]
    list_filter = [FoundFilter, "status", SegmentFilter, PurchaseFilter, ReachableFilter]
    list_filter_submit = True
    list_before_template = "customers/list_search.html"
    ordering = ["-pk"]
    export_columns = customer_export.COLUMNS
    session_filters = [FoundFilter.parameter_name]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        return super().get_queryset(request).with_totals()

    def get_export_queryset(self, customers: QuerySet[Customer]) -> QuerySet[Customer]:
        return customer_export.with_keys(customers)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(CustomerPage.as_view(model_admin=self))
        return [
            path("<int:pk>/change/", page, name="customers_customer_change"),
            *note_urls(self.admin_site),
            *contact_urls(self.admin_site),
            *merge_urls(self.admin_site),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """Show the list; a POST of the search box looks somebody up, one exact match opens at once."""
        if request.method == "POST" and "search_text" in request.POST:
            return self._search(request, request.POST["search_text"].strip()[:200])
        return super().changelist_view(request, extra_context)

    def _search(self, request: HttpRequest, text: str) -> HttpResponseRedirect:
        if not self.has_view_permission(request) or not text:
            return redirect("admin:customers_customer_changelist")
        request.session[FoundFilter.parameter_name] = text
        exact = list(found_customers(text)[:2])
        if len(exact) == 1:
            return redirect("admin:customers_customer_change", exact[0].pk)
        return redirect(f"{reverse('admin:customers_customer_changelist')}?{FoundFilter.parameter_name}=1")

    @display(description=gettext_lazy("customer"), header=True, ordering="last_name")
    def who(self, customer: Customer) -> list[str]:
        initials = (customer.first_name[:1] + customer.last_name[:1]).upper() or "?"
        since = _("since %(day)s") % {"day": formats.day(customer.created_at)}
        return [str(customer), since, initials]

    @admin.display(description=gettext_lazy("orders"), ordering="orders_count")
    def orders(self, customer: Customer) -> str:
        return formats.number(customer.orders_count or 0)

    @admin.display(description=gettext_lazy("revenue"), ordering="net_amount")
    def revenue(self, customer: Customer) -> str:
        return formats.money(customer.net_amount or 0)

    @admin.display(description=gettext_lazy("last order"), ordering="last_order_at")
    def last_order(self, customer: Customer) -> str:
        return formats.day(customer.last_order_at)

    @display(description=gettext_lazy("status"), label=TONES, ordering="status")
    def state(self, customer: Customer) -> tuple[str, str]:
        return customer.status, customer.get_status_display()
