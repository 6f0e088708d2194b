"""The campaign's own pages: making one, its page while it runs, and the small parts htmx asks for."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView, TemplateView, View
from unfold.views import UnfoldModelAdminViewMixin

from campaigns import services
from campaigns.admin.forms import CampaignForm, ContentForm, initial_of
from campaigns.audience import segment_reach
from campaigns.content import VARIABLES, Rendered
from campaigns.content.contributed import offered_starters, offered_variables, starter_of
from campaigns.content.starters import starter
from campaigns.models import Campaign, MessageReason, MessageState
from campaigns.results import Figures, campaign_figures
from campaigns.timeline import campaign_history
from customers.models import Customer, Identity, Segment, SegmentMembership
from operations.errors import FidelioError
from operations.figures import Cell, Column, Delta, Table
from operations.formats import number, percent, whole_money

MOVING = (Campaign.Status.RUNNING, Campaign.Status.SCHEDULED)
MAY_WRITE = "campaigns.change_campaign"
MAY_START = "campaigns.start_campaign"
MAY_STOP = "campaigns.stop_campaign"
MOVES = {
    "start": (services.start_campaign, MAY_START, gettext_lazy("The campaign was started.")),
    "pause": (services.pause_campaign, MAY_START, gettext_lazy("The campaign is paused.")),
    "resume": (services.resume_campaign, MAY_START, gettext_lazy("The campaign goes on.")),
    "stop": (services.stop_campaign, MAY_STOP, gettext_lazy("The campaign was stopped.")),
}


class CampaignPage(UnfoldModelAdminViewMixin):
    """Base of the pages about one campaign."""

    def campaign(self) -> Campaign:
        return get_object_or_404(Campaign, pk=self.kwargs["pk"])


class NewCampaignView(CampaignPage, FormView):
    """Everything a one-off campaign needs, on one page."""

    title = gettext_lazy("New campaign")
    permission_required = "campaigns.add_campaign"
    template_name = "campaigns/form.html"
    form_class = CampaignForm

    def get_initial(self) -> dict[str, Any]:
        subject, body = starter(translation.get_language() or "en")
        chosen = starter_of(self.request.GET.get("starter", ""))
        if chosen:
            subject, body = chosen.subject, chosen.body
        named = {"name": chosen.name} if chosen else {}
        return named | {"subject": subject, "body": body, "segment": self.request.GET.get("segment")}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            **kwargs,
            **form_context(self.request),
            starters=offered_starters(),
            started_from=self.request.GET.get("starter", ""),
        )

    def form_valid(self, form: CampaignForm) -> HttpResponse:
        try:
            campaign = services.create_campaign(
                form.cleaned_data["code"], owner=self.request.user, at=timezone.now(), **form.arguments()
            )
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(self.request, _("Saved as a draft. Look it over, then start it."))
        return redirect(page_of(campaign))


class EditCampaignView(CampaignPage, FormView):
    """A new version of a campaign; a run under way keeps its own."""

    title = gettext_lazy("Edit campaign")
    permission_required = MAY_WRITE
    template_name = "campaigns/form.html"
    form_class = CampaignForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"version": self.campaign().version}

    def get_initial(self) -> dict[str, Any]:
        return initial_of(self.campaign())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, campaign=self.campaign(), **form_context(self.request))

    def form_valid(self, form: CampaignForm) -> HttpResponse:
        campaign = self.campaign()
        try:
            services.edit_campaign(campaign, at=timezone.now(), by=self.request.user, **form.arguments())
        except FidelioError as error:
            form.show(error)
            return self.form_invalid(form)
        messages.success(self.request, _("The new version is saved."))
        return redirect(page_of(campaign))


class CampaignView(CampaignPage, TemplateView):
    """One campaign: what it is, how far it is, what it brought, and the buttons that move it."""

    permission_required = "campaigns.view_campaign"
    template_name = "campaigns/campaign.html"
    title = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        campaign = self.campaign()
        self.title = campaign.name
        version = campaign.version
        return super().get_context_data(
            **kwargs,
            **progress_context(campaign),
            version=version,
            reach=segment_reach(version.segment) if campaign.status == Campaign.Status.DRAFT else None,
            preview=_safe_preview(campaign),
            events=campaign_history(campaign.code),
            editable=bool(Campaign.MOVES[campaign.status]) and self.request.user.has_perm(MAY_WRITE),
            may_start=self.request.user.has_perm(MAY_START),
            may_stop=self.request.user.has_perm(MAY_STOP),
        )


class ProgressView(CampaignPage, View):
    """The part of the campaign's page that moves, asked for again every two seconds."""

    permission_required = "campaigns.view_campaign"
    title = ""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        context = progress_context(self.campaign()) | {"asked_again": True}
        response = render(request, "campaigns/progress.html", context)
        if request.GET.get("status") != context["campaign"].status:
            response["HX-Refresh"] = "true"  # The buttons of the page have changed, too.
        return response


class MoveView(CampaignPage, View):
    """Start, pause, resume, stop: a POST each."""

    http_method_names = ["post"]
    title = ""

    def has_permission(self) -> bool:
        if self.kwargs["move"] not in MOVES:
            raise Http404
        return self.request.user.has_perm(MOVES[self.kwargs["move"]][1])

    def post(self, request: HttpRequest, pk: int, move: str) -> HttpResponseRedirect:
        service, _permission, done = MOVES[move]
        campaign = self.campaign()
        try:
            service(campaign, at=timezone.now(), by=request.user)
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, done)
        return redirect(page_of(campaign))


class AudienceView(CampaignPage, View):
    """How many a segment has, and how many of them can be written to; part of the form."""

    permission_required = MAY_WRITE
    http_method_names = ["post"]
    title = ""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ContentForm(request.POST)
        segment = form.cleaned_data.get("segment") if form.is_valid() else None
        context = {"segment": segment, "reach": segment_reach(segment) if segment else None}
        return render(request, "campaigns/audience.html", context)


class PreviewView(CampaignPage, View):
    """The mail as one customer would see it, with a code that is good nowhere; part of the form."""

    permission_required = MAY_WRITE
    http_method_names = ["post"]
    title = ""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ContentForm(request.POST)
        context: dict[str, Any] = {}
        if form.is_valid():
            given = form.cleaned_data
            customer = find_recipient(given["preview_as"], given["segment"])
            try:
                context = {"customer": customer, "preview": preview_of(given, customer)}
            except FidelioError as error:
                context = {"error": error}
        return render(request, "campaigns/preview.html", context)


class TestView(CampaignPage, View):
    """Send the mail of the form to one address, marked as a test; part of the form."""

    permission_required = MAY_WRITE
    http_method_names = ["post"]
    title = ""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ContentForm(request.POST)
        context: dict[str, Any] = {}
        if form.is_valid():
            given = form.cleaned_data
            try:
                rendered = preview_of(given, find_recipient(given["preview_as"], given["segment"]))
                services.send_test(rendered, address=given["test_address"], at=timezone.now())
                context = {"sent_to": given["test_address"]}
            except FidelioError as error:
                context = {"error": error}
        return render(request, "campaigns/test.html", context)


def page_of(campaign: Campaign) -> str:
    return reverse("admin:campaigns_campaign_change", args=[campaign.pk])


def form_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the form shows beside its fields."""
    return {"variables": VARIABLES | offered_variables(), "test_address": request.user.email}


def preview_of(given: dict[str, Any], customer: Customer | None) -> Rendered:
    """Return the mail that a form's content makes. Raises ContentInvalid."""
    return services.preview_content(
        subject=given["subject"],
        body=given["body"],
        promotion=given["promotion"],
        customer=customer,
        campaign_name=given["name"],
        at=timezone.now(),
    )


def find_recipient(text: str, segment: Segment | None) -> Customer | None:
    """Return the customer named by e-mail, card or name; without one the first of the segment."""
    text = text.strip()
    if text:
        identity = Identity.objects.select_related("customer").filter(value__in=[text, text.lower()]).first()
        return identity.customer if identity else Customer.objects.live().search(text).order_by("pk").first()
    if segment is None:
        return None
    member = SegmentMembership.objects.current().filter(segment=segment).select_related("customer")
    first = member.order_by("pk").first()
    return first.customer if first else None


def progress_context(campaign: Campaign) -> dict[str, Any]:
    """Return what moves while a campaign is sent."""
    figures = campaign_figures([campaign])[campaign.pk]
    runs = list(campaign.runs.select_related("version").order_by("-pk"))
    return {
        "campaign": campaign,
        "figures": figures,
        "run": runs[0] if runs else None,
        "runs": runs,
        "moving": campaign.status in MOVING or bool(figures.pending),
        "strip": figure_strip(figures),
        "progress_text": _("%(done)s of %(all)s")
        % {
            "done": number(figures.targeted - figures.pending),
            "all": number(figures.targeted),
        },
        "steps": funnel(figures),
        "outcome": outcome_table(campaign, figures),
        "left_out": left_out_table(campaign),
    }


def figure_strip(figures: Figures) -> list[Delta]:
    """Return the campaign's headline figures."""
    sent, audience = figures.sent, figures.targeted
    return [
        Delta(_("Audience"), number(audience), icon="group"),
        Delta(_("Sent"), number(sent), icon="send", hint=_share(sent, audience, _("of the audience"))),
        Delta(
            _("Redeemed"),
            number(figures.redeemed),
            icon="redeem",
            hint=_share(figures.redeemed, sent, _("of those sent")),
        ),
        Delta(
            _("Bought"),
            number(figures.bought),
            icon="shopping_bag",
            hint=_share(figures.bought, sent, _("of those sent, within 30 days")),
        ),
        Delta(
            _("Revenue"),
            whole_money(figures.revenue_amount),
            icon="payments",
            hint=_("orders on which a code was spent"),
        ),
    ]


def _share(part: int, whole: int, of_what: str) -> str:
    return f"{percent(part / whole)} {of_what}" if whole else ""


def funnel(figures: Figures) -> list[dict[str, Any]]:
    """Return the steps from audience to purchase, each with its share of the first."""
    steps = [
        (_("Audience"), figures.targeted),
        (_("Sent"), figures.sent),
        (_("Redeemed"), figures.redeemed),
        (_("Bought"), figures.bought),
    ]
    whole = figures.targeted
    return [
        {"label": label, "value": value, "share": value / whole if whole else None} for label, value in steps
    ]


def outcome_table(campaign: Campaign, figures: Figures) -> Table:
    """Return every outcome with its count; the counts add up to the audience."""
    rows = [
        ("sent", _("Sent"), MessageState.SENT),
        ("pending", _("Waiting"), MessageState.PENDING),
        ("suppressed", _("Left out"), MessageState.SUPPRESSED),
        ("holdout", _("Held out"), MessageState.HOLDOUT),
        ("failed", _("Refused"), MessageState.FAILED),
        ("dead", _("Given up"), MessageState.DEAD),
        ("unknown", _("Unknown"), MessageState.UNKNOWN),
        ("cancelled", _("Cancelled"), MessageState.CANCELLED),
        ("expired", _("Expired"), MessageState.EXPIRED),
    ]
    return Table(
        [Column(_("Outcome")), Column(_("Recipients"), numeric=True), Column(_("Share"), numeric=True)],
        [
            [
                Cell(str(label), url=messages_url(campaign, state=state)),
                number(getattr(figures, name)),
                percent(getattr(figures, name) / figures.targeted),
            ]
            for name, label, state in rows
            if figures.targeted and getattr(figures, name)
        ],
        caption=_("What became of each recipient"),
        empty_title=_("Nobody yet"),
        empty_text=_("When the campaign starts, everybody in the segment gets a row here."),
        empty_icon="group",
    )


def left_out_table(campaign: Campaign) -> Table:
    """Return why people were left out, or their mail did not arrive."""
    explained = (
        campaign.messages.exclude(reason="")
        .filter(~Q(state=MessageState.SENT))
        .values("state", "reason")
        .annotate(count=Count("pk"))
        .order_by("-count")
    )
    return Table(
        [Column(_("Reason")), Column(_("Recipients"), numeric=True)],
        [
            [
                Cell(
                    str(MessageReason(row["reason"]).label),
                    url=messages_url(campaign, state=row["state"], reason=row["reason"]),
                ),
                number(row["count"]),
            ]
            for row in explained
        ],
        caption=_("Why people were left out"),
        empty_title=_("Nobody was left out"),
        empty_icon="check_circle",
    )


def messages_url(campaign: Campaign, **filters: str) -> str:
    """Return the address of the campaign's messages, filtered."""
    query = "&".join(f"{name}__exact={value}" for name, value in filters.items())
    address = reverse("admin:campaigns_message_changelist")
    return f"{address}?campaign__id__exact={campaign.pk}&{query}".rstrip("&")


def _safe_preview(campaign: Campaign) -> Rendered | None:
    version = campaign.version
    given = {
        "subject": version.content.subject,
        "body": version.content.body,
        "promotion": version.promotion,
        "name": campaign.name,
    }
    try:
        return preview_of(given, find_recipient("", version.segment))
    except FidelioError:
        return None
