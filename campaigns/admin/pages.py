"""The campaign's own page: what it is, how far it is, what it brought, and the buttons that move it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.generic import TemplateView, View

from campaigns import services
from campaigns.admin.sentences import trigger_sentence
from campaigns.admin.wizard.base import CampaignPage, page_of, step_url
from campaigns.admin.wizard.gallery import free_campaign_code
from campaigns.admin.wizard.review import previews
from campaigns.models import Campaign, CampaignVersion, MessageReason, MessageState
from campaigns.results import Figures, campaign_figures
from campaigns.timeline import campaign_history
from coupons.models import Coupon, Promotion
from operations.errors import FidelioError
from operations.figures import Cell, Column, Delta, Table
from operations.formats import number, percent, whole_money

MOVING = (Campaign.Status.RUNNING, Campaign.Status.SCHEDULED)
MAY_WRITE = "campaigns.change_campaign"
MAY_START = "campaigns.start_campaign"
MAY_STOP = "campaigns.stop_campaign"
MAY_STOP_COUPONS = "coupons.change_promotion"
MOVES = {
    "pause": (services.pause_campaign, MAY_START, gettext_lazy("The campaign is paused.")),
    "resume": (services.resume_campaign, MAY_START, gettext_lazy("The campaign goes on.")),
    "stop": (services.stop_campaign, MAY_STOP, gettext_lazy("The campaign was stopped.")),
}
RUNS_SHOWN = 10


class StopForm(forms.Form):
    coupons = forms.ChoiceField(choices=[("", ""), *Promotion.StopMode.choices], required=False)


class CampaignView(CampaignPage, TemplateView):
    """One campaign: what it is, how far it is, what it brought, and the buttons that move it."""

    permission_required = "campaigns.view_campaign"
    template_name = "campaigns/campaign.html"
    title = ""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        campaign = self.campaign()
        if campaign.status == Campaign.Status.DRAFT and request.user.has_perm(MAY_WRITE):
            return redirect(step_url(campaign, "review"))
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        campaign = self.campaign()
        self.title = campaign.name
        version = campaign.version
        user = self.request.user
        return super().get_context_data(
            **kwargs,
            **progress_context(campaign),
            version=version,
            sentence=trigger_sentence(version),
            previews=previews(version, at=timezone.now()),
            events=campaign_history(campaign.code),
            waiting_approval=services.waiting_approval(version),
            unredeemed=unredeemed_coupons(campaign) if user.has_perm(MAY_STOP) else 0,
            editable=bool(Campaign.MOVES[campaign.status]) and user.has_perm(MAY_WRITE),
            may_copy=user.has_perm("campaigns.add_campaign"),
            may_start=user.has_perm(MAY_START),
            may_stop=user.has_perm(MAY_STOP),
            may_stop_coupons=user.has_perm(MAY_STOP_COUPONS),
        )


class ProgressView(CampaignPage, View):
    """The part of the campaign's page that moves, asked for again every two seconds."""

    permission_required = "campaigns.view_campaign"
    title = ""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self.campaign()
        context = progress_context(campaign) | {"asked_again": True}
        if request.user.has_perm(MAY_STOP):
            context["unredeemed"] = unredeemed_coupons(campaign)
        response = render(request, "campaigns/progress.html", context)
        if request.GET.get("status") != context["campaign"].status:
            response["HX-Refresh"] = "true"  # The buttons of the page have changed, too.
        return response


class MoveView(CampaignPage, View):
    """Pause, resume, stop: a POST each; a stop also says what becomes of the codes that are out."""

    http_method_names = ["post"]
    title = ""

    def has_permission(self) -> bool:
        if self.kwargs["move"] not in MOVES:
            raise Http404
        return self.request.user.has_perm(MOVES[self.kwargs["move"]][1])

    def post(self, request: HttpRequest, pk: int, move: str) -> HttpResponseRedirect:
        service, _permission, done = MOVES[move]
        campaign = self.campaign()
        more = {}
        if move == "stop":
            form = StopForm(request.POST)
            more = {"coupons": form.cleaned_data["coupons"]} if form.is_valid() else {}
            if more.get("coupons") and not request.user.has_perm(MAY_STOP_COUPONS):
                raise PermissionDenied
        try:
            service(campaign, at=timezone.now(), by=request.user, **more)
        except FidelioError as error:
            messages.error(request, str(error.message))
        else:
            messages.success(request, done)
        return redirect(page_of(campaign))


class CopyView(CampaignPage, View):
    """Make a draft that says the same."""

    permission_required = "campaigns.add_campaign"
    http_method_names = ["post"]
    title = ""

    def post(self, request: HttpRequest, pk: int) -> HttpResponseRedirect:
        campaign = self.campaign()
        name = _("%(name)s (copy)") % {"name": campaign.name[:100]}
        try:
            copy = services.copy_campaign(
                campaign, code=free_campaign_code(name), name=name, owner=request.user, at=timezone.now()
            )
        except FidelioError as error:
            messages.error(request, str(error.message))
            return redirect(page_of(campaign))
        messages.success(request, _("This is a copy, as a draft: change what differs, then start it."))
        return redirect(step_url(copy, "audience"))


def unredeemed_coupons(campaign: Campaign) -> int:
    """Return how many codes of the campaign are out and could still be redeemed."""
    promotions = campaign.versions.exclude(promotion=None).values("promotion")
    arms = CampaignVersion.objects.filter(campaign=campaign).values("variants__promotion")
    out = Coupon.objects.filter(
        Q(promotion__in=promotions) | Q(promotion__in=arms), published_at__isnull=False
    )
    return out.filter(active=True, redemptions__isnull=True).count()


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
        Delta(
            pgettext("how many", "Sent"),
            number(sent),
            icon="send",
            hint=_share(sent, audience, _("of the audience")),
        ),
        Delta(
            pgettext("how many", "Redeemed"),
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
        (pgettext("how many", "Sent"), figures.sent),
        (pgettext("how many", "Redeemed"), figures.redeemed),
        (_("Bought"), figures.bought),
    ]
    whole = figures.targeted
    return [
        {"label": label, "value": value, "share": value / whole if whole else None} for label, value in steps
    ]


def outcome_table(campaign: Campaign, figures: Figures) -> Table:
    """Return every outcome with its count; the counts add up to the audience."""
    rows = [
        ("sent", pgettext("how many", "Sent"), MessageState.SENT),
        ("pending", _("Waiting"), MessageState.PENDING),
        ("suppressed", pgettext("how many", "Left out"), MessageState.SUPPRESSED),
        ("holdout", _("Held out"), MessageState.HOLDOUT),
        ("failed", pgettext("how many", "Refused"), MessageState.FAILED),
        ("dead", pgettext("how many", "Given up"), MessageState.DEAD),
        ("unknown", _("Unknown"), MessageState.UNKNOWN),
        ("cancelled", pgettext("how many", "Cancelled"), MessageState.CANCELLED),
        ("expired", pgettext("how many", "Expired"), MessageState.EXPIRED),
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
        empty_text=_("When the campaign starts, everybody in the segment gets a row here.")
        if campaign.version.trigger == CampaignVersion.Trigger.ONE_OFF
        else _("Whoever it concerns gets a row here, on the day when it does."),
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
