"""Whether mails arrive: what the sending domain proves, what providers report, who is never written to."""

from dataclasses import asdict
from datetime import timedelta
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin, messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from unfold.decorators import display
from unfold.views import UnfoldModelAdminViewMixin

from campaigns.admin.messages import ReadOnlyAdmin
from campaigns.channels import SENDERS, open_sender
from campaigns.deliverability import Finding, Verdict, check_domain
from campaigns.deliverability_figures import DAYS, MailDay, mail_days, reports_by_kind, suppressions_by_reason
from campaigns.models import ProviderEvent
from customers.models import Channel, Suppression
from operations.figure_files import ChartsPage
from operations.figures import Cell, Chart, Column, Delta, Series, Table
from operations.formats import day, number, percent

MAY_CHECK = "campaigns.change_channelswitch"
KEPT_SECONDS = 24 * 3600
CHECKED = "deliverability:checked"
USUAL_SELECTORS = ["default", "mail", "s1", "s2", "k1", "selector1", "selector2", "google", "dkim", "mx"]
# What large mailbox providers ask of senders, and where our own breaker stops a run.
MOST_COMPLAINTS, MOST_BOUNCES = 0.003, 0.05
ICONS = {Verdict.GOOD: "check_circle", Verdict.WARNING: "warning", Verdict.BAD: "error"}
TONES = {Verdict.GOOD: "good", Verdict.WARNING: "warn", Verdict.BAD: "bad"}


class DeliverabilityView(ChartsPage, UnfoldModelAdminViewMixin, TemplateView):
    """One page with everything that decides whether mails arrive."""

    title = gettext_lazy("Deliverability")
    permission_required = "campaigns.view_providerevent"
    template_name = "campaigns/deliverability.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        days = mail_days(at=timezone.now())
        checked = cache.get(CHECKED) or {}
        findings = [Finding(**each) for each in checked.get("findings", [])]
        return super().get_context_data(
            **kwargs,
            domain=sending_domain(),
            findings=[_shown(each) for each in [*findings, *own_findings()]],
            checked_at=checked.get("at"),
            channels=checked.get("channels", []),
            may_check=self.request.user.has_perm(MAY_CHECK),
            figures=_figures(days),
            rates=_rates(days),
            any_mails=any(one.sent or one.bounced for one in days),
            reports=_reports(),
            suppressions=_suppressions(),
            suppressions_url=reverse("admin:customers_suppression_changelist"),
            ask_url=reverse("admin:customers_suppression_ask"),
            may_ask=self.request.user.has_perm("customers.view_suppression"),
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Ask the name servers and the providers; what they said is shown until somebody asks again."""
        if not request.user.has_perm(MAY_CHECK):
            return self.handle_no_permission()
        selectors = settings.DKIM_SELECTORS or USUAL_SELECTORS
        findings = check_domain(sending_domain(), selectors=selectors)
        told = {
            "findings": [asdict(each) for each in findings],
            "channels": [_health(channel) for channel in SENDERS],
            "at": timezone.now(),
        }
        cache.set(CHECKED, told, KEPT_SECONDS)
        messages.success(request, _("Name servers and providers were asked."))
        return redirect("admin:campaigns_deliverability")


def sending_domain() -> str:
    """Return the domain in whose name mails are sent."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2].lower()


def own_findings() -> list[Finding]:
    """Return what can be said without asking anybody: our own address, and whether bounces are told."""
    parts = urlsplit(settings.PUBLIC_URL)
    one_click = (
        (Verdict.GOOD, _("Every advertising mail can be left with one press in the reader's own program."))
        if parts.scheme == "https"
        else (Verdict.BAD, _("Mailbox providers press it by https only: set PUBLIC_URL to an https address."))
    )
    told = (
        (Verdict.GOOD, _("The provider tells what bounced and who complained."))
        if settings.EMAIL_ESP and settings.ANYMAIL.get("WEBHOOK_SECRET")
        else (
            Verdict.WARNING,
            _("Only refusals at the moment of sending are known. A provider's API (EMAIL_ESP) tells more."),
        )
    )
    url = f"{settings.PUBLIC_URL}/hooks/{settings.EMAIL_ESP}" if settings.EMAIL_ESP else ""
    return [
        Finding("one_click", _("Leaving with one click (RFC 8058)"), *one_click, settings.PUBLIC_URL),
        Finding("reports", _("Bounces and complaints"), *told, url),
    ]


def _shown(finding: Finding) -> dict[str, Any]:
    verdict = Verdict(finding.verdict)
    return {"finding": finding, "icon": ICONS[verdict], "tone": TONES[verdict], "word": _word(verdict)}


def _word(verdict: Verdict) -> str:
    return {Verdict.GOOD: _("Good"), Verdict.WARNING: _("Look at this"), Verdict.BAD: _("Mend this")}[verdict]


def _health(channel: str) -> dict[str, Any]:
    sender = open_sender(channel)
    try:
        health = sender.verify()
    finally:
        sender.close()
    return {
        "name": str(Channel(channel).label),
        "provider": health.provider,
        "configured": health.configured,
        "problem": health.problem,
    }


def _figures(days: list[MailDay]) -> list[Delta]:
    sent = sum(one.sent for one in days)
    bounced, complained = sum(one.bounced for one in days), sum(one.complained for one in days)
    return [
        Delta(_("Mails accepted"), number(sent), hint=_("in 30 days"), icon="outgoing_mail"),
        Delta(
            _("Bounced"), percent(bounced / (sent + bounced), 2) if sent + bounced else "–",
            hint=_("mailboxes that do not exist; 5 % pauses a campaign"), icon="unsubscribe",
        ),
        Delta(
            _("Complained"), percent(complained / sent, 2) if sent else "–",
            hint=_("mailbox providers ask for less than 0.3 %"), icon="report",
        ),
    ]  # fmt: skip


def _rates(days: list[MailDay]) -> Chart:
    return Chart(
        _("Bounces and complaints by day"),
        [day(one.day) for one in days],
        [
            Series(_("Bounced"), [one.bounce_rate for one in days]),
            Series(_("Complained"), [one.complaint_rate for one in days]),
        ],
        kind="line",
        unit="percent",
        key="rates",
    )


def _reports() -> Table:
    rows = reports_by_kind(since=timezone.now() - timedelta(days=DAYS))
    changelist = reverse("admin:campaigns_providerevent_changelist")
    return Table(
        [Column(_("Provider")), Column(_("Report")), Column(_("Count"), numeric=True)],
        [
            [
                provider,
                Cell(ProviderEvent.Kind(kind).label, url=f"{changelist}?kind__exact={kind}"),
                Cell(number(count), value=count),
            ]
            for provider, kind, count in rows
        ],
        caption=_("Reports of providers in 30 days"),
        empty_title=_("No provider has told anything"),
        empty_text=_("What a provider tells of deliveries, bounces and complaints is counted here."),
        empty_icon="mark_email_read",
    )


def _suppressions() -> Table:
    return Table(
        [Column(_("Channel")), Column(_("Reason")), Column(_("Contact points"), numeric=True)],
        [
            [Channel(channel).label, Suppression.Reason(reason).label, Cell(number(count), value=count)]
            for channel, reason, count in suppressions_by_reason()
        ],
        caption=_("Contact points that are never written to"),
        empty_title=_("Nobody is on the list"),
        empty_text=_("Who unsubscribes, complains or has no mailbox any more comes here by itself."),
        empty_icon="unsubscribe",
    )


@admin.register(ProviderEvent)
class ProviderEventAdmin(ReadOnlyAdmin):
    """What providers told, report by report; and the page about deliverability."""

    list_display = ["occurred_at", "provider", "channel", "shown_kind", "message", "detail"]
    list_filter = ["kind", "provider", "channel"]
    list_select_related = ["message"]
    list_per_page = 25
    show_full_result_count = False
    ordering = ["-id"]
    fields = ["provider", "channel", "kind", "message", "detail", "occurred_at", "received_at"]

    @display(
        description=gettext_lazy("Report"),
        ordering="kind",
        label={
            "DELIVERED": "success", "BOUNCED": "danger", "COMPLAINED": "danger", "REJECTED": "danger",
            "SOFT_BOUNCED": "warning", "DEFERRED": "warning", "UNSUBSCRIBED": "warning", "OPENED": "info",
            "CLICKED": "info",
        },
    )  # fmt: skip
    def shown_kind(self, event: ProviderEvent) -> tuple[str, str]:
        return event.kind, event.get_kind_display()

    def get_urls(self) -> list:
        page = self.admin_site.admin_view(DeliverabilityView.as_view(model_admin=self))
        return [path("deliverability/", page, name="campaigns_deliverability"), *super().get_urls()]
