"""Owned products in the console: the list, one with its owners and messages, and a customer's own."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.admin.lists import FactAdmin
from customers.models import Asset, AssetOwnership, Customer, Event
from customers.panels import Panel
from customers.rules import normalise_serial
from customers.timeline import describe
from operations.admin.pages import PageMixin
from operations.figures import Cell, Column, Table
from operations.formats import day, moment

ASSETS_SHOWN = 50
MESSAGES_SHOWN = 50


@admin.register(Asset)
class AssetAdmin(PageMixin, FactAdmin):
    """Articles with a serial number, and who has them."""

    list_display = ["serial", "article", "owner", "created_at"]
    list_select_related = ["product"]
    search_fields = ["serial__exact"]
    search_help_text = gettext_lazy("the whole serial number")
    ordering = ["-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Asset]:
        now = AssetOwnership.objects.filter(asset=OuterRef("pk")).at(timezone.now())
        names = now.values("customer__first_name", "customer__last_name")
        return (
            super()
            .get_queryset(request)
            .annotate(
                owner_first=Subquery(names.values("customer__first_name")[:1]),
                owner_last=Subquery(names.values("customer__last_name")[:1]),
                owned=Subquery(now.values("pk")[:1]),
            )
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Asset], search_term: str
    ) -> tuple[QuerySet[Asset], bool]:
        return super().get_search_results(request, queryset, normalise_serial(search_term))

    @admin.display(description=gettext_lazy("article"))
    def article(self, asset: Asset) -> str:
        return asset.name or str(asset.product or "–")

    @admin.display(description=gettext_lazy("owner"))
    def owner(self, asset: Asset) -> str:
        if not asset.owned:
            return "–"
        return f"{asset.owner_first} {asset.owner_last}".strip() or _("somebody without a name")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show whose it is and was, and what it told."""
        asset = self.get_object(request, object_id)
        if asset is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, asset):
            raise PermissionDenied
        context = {"asset": asset, "owners": _owners(asset, request), "told": _told(asset, request)}
        return self._page(request, "customers/asset.html", asset.serial, context, asset)


def _owners(asset: Asset, request: HttpRequest) -> Table:
    may_see = request.user.has_perm("customers.view_customer")
    owners = asset.ownerships.select_related("customer", "source").order_by("-owned_from")
    rows = [
        [
            Cell(str(each.customer), url=_page_of(each.customer)) if may_see else "–",
            day(each.owned_from),
            day(each.owned_until) if each.owned_until else _("today"),
            str(each.source or "–"),
        ]
        for each in owners
    ]
    columns = [Column(_("Owner")), Column(_("From")), Column(_("Until")), Column(_("Told by"))]
    return Table(columns, rows, empty_title=_("Nobody yet"), empty_text=_("No owner was told to us."))


def _told(asset: Asset, request: HttpRequest) -> Table:
    events = (
        asset.events.timeline() if request.user.has_perm("customers.view_event") else Event.objects.none()
    )
    rows = []
    for event in events[:MESSAGES_SHOWN]:
        sentence = describe(event)
        rows.append([moment(event.occurred_at), sentence.title, sentence.detail or "–", str(event.source)])
    columns = [Column(_("When")), Column(_("What")), Column(_("More")), Column(_("Source"))]
    return Table(columns, rows, empty_title=_("Silence"), empty_text=_("It has told nothing yet."))


def assets_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return what a customer owns and owned, each with the last thing it told; nothing without any."""
    if not request.user.has_perm("customers.view_asset"):
        return None
    owned = list(
        customer.assets.select_related("asset__product").order_by("-owned_from", "-pk")[:ASSETS_SHOWN]
    )
    if not owned:
        return None
    last = {
        event.asset_id: event
        for event in customer.events.filter(asset__in=[each.asset_id for each in owned])
        .select_related("source", "store", "sales_channel", "product", "asset__product")
        .order_by("asset_id", "-occurred_at", "-pk")
        .distinct("asset_id")
    }
    return Panel(
        code="assets",
        title=_("Owned products"),
        template="customers/tab_assets.html",
        context={
            "owned": [
                (each, describe(last[each.asset_id]).title, last[each.asset_id].occurred_at)
                if each.asset_id in last
                else (each, "", None)
                for each in owned
            ],
        },
        count=len(owned),
    )


def _page_of(customer: Customer) -> str:
    return reverse("admin:customers_customer_change", args=[customer.pk])
