"""Prospects in the console: the funnel, the list, taking one in by hand, the tab on a customer's page."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.decorators import display

from customers import services
from customers.admin.lists import FactAdmin
from customers.models import Customer, Lead, LeadStage
from customers.models.lead import MOVES
from customers.panels import Panel
from customers.services.references import ensure_sources, key_of
from operations import formats
from operations.admin.pages import PageMixin
from operations.errors import FidelioError

CONSOLE = "console"  # The source of prospects that somebody types in.
SETTABLE = [(stage.value, stage.label) for stage in LeadStage if stage != LeadStage.CONVERTED]


@dataclass(frozen=True)
class Step:
    """One step of the funnel; `share` is of all prospects there ever were, 0..1."""

    label: str
    value: int
    share: float | None


class ProspectForm(forms.Form):
    email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=254)
    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=120, required=False)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=120, required=False)
    origin = forms.CharField(
        label=gettext_lazy("Lead source"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("Where they came from: a fair, an ad."),
    )
    stage = forms.ChoiceField(label=gettext_lazy("Stage"), choices=SETTABLE)


@admin.register(Lead)
class LeadAdmin(PageMixin, FactAdmin):
    """Whoever is, or was, on the way to becoming a customer."""

    list_display = ["who", "shown_stage", "origin", "source", "since", "moved"]
    list_select_related = ["customer", "source"]
    list_filter = ["stage", "source", "origin"]
    list_filter_submit = True
    ordering = ["-moved_at", "-pk"]
    list_before_template = "customers/lead_funnel.html"

    def has_add_permission(self, request: HttpRequest, obj: Lead | None = None) -> bool:
        return request.user.has_perm("customers.add_lead")

    @admin.display(description=gettext_lazy("prospect"))
    def who(self, lead: Lead) -> str:
        return str(lead.customer)

    @display(
        description=gettext_lazy("stage"),
        ordering="stage",
        label={"NEW": "info", "ENGAGED": "warning", "QUALIFIED": "primary", "CONVERTED": "success"},
    )
    def shown_stage(self, lead: Lead) -> tuple[str, str]:
        return lead.stage, lead.get_stage_display()

    @admin.display(description=gettext_lazy("prospect since"), ordering="became_at")
    def since(self, lead: Lead) -> str:
        return formats.day(lead.became_at)

    @admin.display(description=gettext_lazy("in this stage"), ordering="moved_at")
    def moved(self, lead: Lead) -> str:
        return formats.since(lead.moved_at)

    def get_urls(self) -> list[URLPattern]:
        move = self.admin_site.admin_view(require_POST(move_view))
        return [path("<int:pk>/move/", move, name="customers_lead_move"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return super().changelist_view(request, {"steps": funnel()} | (extra_context or {}))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Lead to the person: everything about a prospect stands on their page."""
        lead = self.get_object(request, object_id)
        if lead is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, lead):
            raise PermissionDenied
        return redirect(_page_of(lead))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Take somebody in by hand."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ProspectForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            lead = _register(form)
            if lead:
                return redirect(_page_of(lead))
        return self._page(request, "customers/lead_form.html", _("New prospect"), {"form": form})


def _register(form: ProspectForm) -> Lead | None:
    given = form.cleaned_data
    try:
        lead, _created = services.register_prospect(
            key_of({"email": given["email"]}),
            source=ensure_sources([CONSOLE])[CONSOLE],
            origin=given["origin"],
            stage=given["stage"],
            first_name=given["first_name"],
            last_name=given["last_name"],
            at=timezone.now(),
        )
    except FidelioError as error:
        texts = [str(mistake.message) for mistake in error.details]
        form.add_error("email", texts or [str(error.message)])
        return None
    return lead


def funnel() -> list[Step]:
    """Return how many prospects there were, and how many got at least as far as each stage."""
    counts = dict(Lead.objects.values_list("stage").annotate(Count("pk")))
    total = sum(counts.values())
    far = [LeadStage.ENGAGED, LeadStage.QUALIFIED, LeadStage.CONVERTED]
    reached = [sum(counts.get(stage, 0) for stage in far[index:]) for index in range(len(far))]
    if not total:
        return []
    steps = [(_("Prospects"), total)]
    steps += [(str(stage.label), count) for stage, count in zip(far, reached, strict=True)]
    return [Step(label, count, count / total) for label, count in steps]


def move_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a prospect into the stage that was chosen on their page."""
    if not request.user.has_perm("customers.change_lead"):
        raise PermissionDenied
    lead = get_object_or_404(Lead, pk=pk)
    stage = request.POST.get("stage", "")
    try:
        moved = services.move_lead(
            lead, stage, reason=request.POST.get("reason", "")[:300], at=timezone.now()
        )
    except FidelioError as error:
        messages.error(request, str(error.message))
    else:
        messages.success(request, _("The prospect is now: %(stage)s.") % {"stage": moved.get_stage_display()})
    return redirect(_page_of(lead))


def lead_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return a prospect's way as a tab; nothing for whoever never was one."""
    if not request.user.has_perm("customers.view_lead"):
        return None
    lead = Lead.objects.filter(customer=customer).select_related("source").first()
    if lead is None:
        return None
    moves = customer.events.of_kind("lead").filter(type="lead.moved").order_by("-occurred_at", "-pk")[:20]
    reachable = MOVES[lead.stage] if customer.status == Customer.Status.PROSPECT else set()
    return Panel(
        code="prospect",
        title=_("Prospect"),
        template="customers/tab_lead.html",
        context={
            "lead": lead,
            "moves": [_move(event) for event in moves],
            "stages": [(value, label) for value, label in SETTABLE if value in reachable],
        },
    )


def _move(event: Any) -> dict[str, Any]:
    told = event.payload
    return {
        "at": event.occurred_at,
        "before": _stage(told.get("from")),
        "after": _stage(told.get("to")),
        "reason": told.get("reason", ""),
    }


def _stage(value: Any) -> str:
    return str(LeadStage(value).label) if value in LeadStage.values else "–"


def _page_of(lead: Lead) -> str:
    return f"{reverse('admin:customers_customer_change', args=[lead.customer_id])}?tab=prospect"
