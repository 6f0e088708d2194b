"""Placements in the console: the list, the editor with its preview, and what each was looked at."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST
from liquid.exceptions import LiquidError
from unfold.admin import ModelAdmin
from unfold.decorators import display

from campaigns.admin.placement_form import LANGUAGES, PlacementForm
from campaigns.admin.recipients import find_recipient
from campaigns.models import Placement, Slot
from campaigns.services.placements import (
    activate_placement,
    create_placement,
    edit_placement,
    pause_placement,
    stop_placement,
)
from campaigns.services.showings import preview_fragment, showings_by_day
from coupons.models import Redemption
from customers.models import Customer
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError
from operations.figure_files import wanted_file
from operations.figures import Chart, Delta, Series

MOVES: dict[str, tuple[Callable, Any]] = {
    "activate": (activate_placement, gettext_lazy("It is shown from now on.")),
    "pause": (pause_placement, gettext_lazy("Paused: nobody sees it until you show it again.")),
    "stop": (stop_placement, gettext_lazy("Stopped for good.")),
}
STARTERS = {
    "it": """<div style="padding:16px;border:1px solid #d1d5db;border-radius:12px">
  <p>Ciao {{ customer.first_name }}, abbiamo pensato a te.</p>
  <p><a href="https://www.example.com/">Scopri di più</a></p>
</div>
""",
    "en": """<div style="padding:16px;border:1px solid #d1d5db;border-radius:12px">
  <p>Hello {{ customer.first_name }}, we thought of you.</p>
  <p><a href="https://www.example.com/">Find out more</a></p>
</div>
""",
}


@admin.register(Placement)
class PlacementAdmin(PageMixin, ModelAdmin):
    """What stands in slots of shops, tills and mails."""

    list_display = ["name", "state", "where", "segment", "campaign", "priority", "people", "shown", "clicked"]
    list_filter = ["status", "slot"]
    list_select_related = ["segment", "campaign"]
    list_per_page = 25
    search_fields = ["code", "name"]
    ordering = ["-id"]
    list_before_template = "campaigns/placement_list.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("preview/", wrap(require_POST(self.preview)), name="campaigns_placement_preview"),
            path("<int:pk>/edit/", wrap(self.edit_view), name="campaigns_placement_edit"),
            path(
                "<int:pk>/move/<slug:move>/",
                wrap(require_POST(self.move)),
                name="campaigns_placement_move",
            ),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Placement]:
        rows = super().get_queryset(request)
        return rows.annotate(
            people_count=Count("showings__customer", distinct=True),
            shown_count=Sum("showings__showings"),
            click_count=Sum("showings__clicks"),
        )

    def has_delete_permission(self, request: HttpRequest, obj: Placement | None = None) -> bool:
        return False  # Links in it were clicked and codes given: it is stopped instead.

    @display(
        description=gettext_lazy("status"),
        ordering="status",
        label={"DRAFT": "info", "ACTIVE": "success", "PAUSED": "warning", "STOPPED": "danger"},
    )
    def state(self, placement: Placement) -> tuple[str, str]:
        return placement.status, placement.get_status_display()

    @admin.display(description=gettext_lazy("slot"), ordering="slot")
    def where(self, placement: Placement) -> str:
        return placement.slot_name

    @admin.display(description=gettext_lazy("people"), ordering="people_count")
    def people(self, placement: Placement) -> str:
        return formats.number(placement.people_count)

    @admin.display(description=gettext_lazy("shown"), ordering="shown_count")
    def shown(self, placement: Placement) -> str:
        return formats.number(placement.shown_count or 0)

    @admin.display(description=gettext_lazy("clicks"), ordering="click_count")
    def clicked(self, placement: Placement) -> str:
        return formats.number(placement.click_count or 0)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Write a placement down as a draft."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        first = {f"body_{language}": STARTERS[language] for language in LANGUAGES}
        chosen = {"slot": Slot.POPUP, "campaign": request.GET.get("campaign", "")[:20]}
        form = PlacementForm(request.POST or None, initial=first | chosen)
        if request.method == "POST" and form.is_valid():
            try:
                placement = create_placement(
                    form.cleaned_data["code"],
                    name=form.cleaned_data["name"],
                    terms=form.terms(),
                    contents=form.contents(),
                    by=request.user,
                    at=timezone.now(),
                )
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved as a draft. Look it over, then show it."))
                return redirect(page_of(placement))
        return self._page(request, "campaigns/placement_edit.html", _("New placement"), _editor(form))

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        placement = self._changeable(request, pk)
        form = PlacementForm(request.POST or None, placement=placement)
        if request.method == "POST" and form.is_valid():
            try:
                edit_placement(
                    placement,
                    name=form.cleaned_data["name"],
                    terms=form.terms(),
                    contents=form.contents(),
                    by=request.user,
                    at=timezone.now(),
                )
            except FidelioError as error:
                form.show(error)
            else:
                messages.success(request, _("Saved: it is shown like this from now on."))
                return redirect(page_of(placement))
        context = _editor(form) | {"placement": placement}
        return self._page(request, "campaigns/placement_edit.html", placement.name, context, placement)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Show what was looked at and clicked, how it looks, and how a shop shows it."""
        placement = self.get_object(request, object_id)
        if placement is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, placement):
            raise PermissionDenied
        context = {
            "placement": placement,
            "figures": _figures(placement),
            "over_time": _over_time(placement),
            "previews": _previews(placement),
            "api_url": f"{settings.PUBLIC_URL}/api/v1/placements/{placement.slot}/render",
            "may_change": self.has_change_permission(request, placement),
        }
        wanted = wanted_file(request, context)
        return wanted or self._page(request, "campaigns/placement.html", placement.name, context, placement)

    def move(self, request: HttpRequest, pk: int, move: str) -> HttpResponse:
        placement = self._changeable(request, pk)
        service, done = MOVES.get(move, (None, ""))
        if service:
            try:
                service(placement, by=request.user, at=timezone.now())
            except FidelioError as error:
                messages.error(request, str(error.message))
            else:
                messages.success(request, str(done))
        return redirect(page_of(placement))

    def preview(self, request: HttpRequest) -> HttpResponse:
        """Show the pieces that the editor's form would make, written or not."""
        if not self.has_add_permission(request) and not self.has_change_permission(request):
            raise PermissionDenied
        form = PlacementForm(request.POST)
        form.fields.pop("code")
        for name in ("name", "slot"):
            form.fields[name].required = False
        form.is_valid()
        given = form.cleaned_data
        customer = find_recipient(given.get("preview_as") or "", None) if given.get("preview_as") else None
        previews, problem = [], None
        for language in LANGUAGES:
            body = given.get(f"body_{language}") or ""
            if not body.strip():
                continue
            try:
                html = preview_fragment(
                    body, promotion=given.get("promotion"), customer=customer, at=timezone.now()
                )
            except FidelioError as error:
                problem = error
            except LiquidError as error:
                problem = FidelioError(str(error))
            else:
                previews.append((language, html))
        context = {"previews": previews, "error": problem, "customer": customer}
        return render(request, "campaigns/placement_preview.html", context)

    def _changeable(self, request: HttpRequest, pk: int) -> Placement:
        placement = get_object_or_404(Placement.objects.prefetch_related("contents"), pk=pk)
        if not self.has_change_permission(request, placement):
            raise PermissionDenied
        return placement


def page_of(placement: Placement) -> str:
    return reverse("admin:campaigns_placement_change", args=[placement.pk])


def _editor(form: PlacementForm) -> dict[str, Any]:
    used = Placement.objects.order_by("slot").values_list("slot", flat=True).distinct()
    return {"form": form, "slots": sorted({*Slot.values, *used}), "languages": LANGUAGES}


def _figures(placement: Placement) -> list[Delta]:
    rows = placement.showings.aggregate(
        people=Count("customer", distinct=True), shown=Sum("showings"), clicks=Sum("clicks")
    )
    shown, clicks = rows["shown"] or 0, rows["clicks"] or 0
    figures = [
        Delta(_("People"), formats.number(rows["people"]), icon="group"),
        Delta(_("Shown"), formats.number(shown), icon="visibility"),
        Delta(
            _("Clicks"),
            formats.number(clicks),
            hint=_("%(share)s of showings") % {"share": formats.percent(clicks / shown)} if shown else "",
            icon="ads_click",
        ),
    ]
    if placement.promotion_id:
        coupons = placement.showings.exclude(publication=None).values("publication__coupon")
        given = coupons.distinct().count()
        used = Redemption.objects.standing().filter(coupon__in=coupons).count()
        figures += [
            Delta(_("Codes shown"), formats.number(given), icon="confirmation_number"),
            Delta(pgettext("how many", "Redeemed"), formats.number(used), icon="redeem"),
        ]
    return figures


def _over_time(placement: Placement) -> Chart:
    days = list(showings_by_day(placement))
    return Chart(
        title=_("Shown and clicked"),
        labels=[formats.day(day) for day, *_rest in days],
        series=[
            Series(_("Shown"), [shown for _day, _people, shown, _clicks in days]),
            Series(_("Clicks"), [clicks for *_rest, clicks in days]),
        ],
        kind="line",
        key="days",
    )


def _previews(placement: Placement) -> list[tuple[str, str]]:
    found = []
    for content in placement.contents.all():
        try:
            html = preview_fragment(
                content.body,
                promotion=placement.promotion,
                customer=Customer(first_name="Giulia", city="Bologna", language=content.language or "it"),
                at=timezone.now(),
            )
        except (FidelioError, LiquidError):
            continue  # A variable that another app gave is gone; the editor says which.
        found.append((content.language, html))
    return found
