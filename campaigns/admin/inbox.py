import json
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView, View
from unfold.views import UnfoldModelAdminViewMixin

from campaigns import services
from campaigns.admin.messages import ReadOnlyAdmin
from campaigns.content import sms_size
from campaigns.models import InboxMail
from customers.models import Channel

# What a mail may do in the console: show itself. Its links open beside the console, with no way back.
SANDBOX = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
)


class MailView(UnfoldModelAdminViewMixin, TemplateView):
    """One mail as its reader sees it, as plain text, and its headers."""

    title = ""
    permission_required = "campaigns.view_inboxmail"
    template_name = "campaigns/mail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        mail = get_object_or_404(InboxMail, pk=self.kwargs["pk"])
        if mail.channel != Channel.EMAIL:
            return super().get_context_data(**kwargs, **self._of_telephone(mail))
        self.title = mail.subject or _("Mail without a subject")
        parsed = parse(mail)
        return super().get_context_data(
            **kwargs,
            mail=mail,
            text=part_of(parsed, "plain"),
            html=part_of(parsed, "html"),
            headers=[(name, str(value)) for name, value in parsed.raw_items()],
        )

    def _of_telephone(self, mail: InboxMail) -> dict[str, Any]:
        """Return what a telephone would show of an SMS or a notification."""
        self.title = mail.subject or mail.get_channel_display()
        text = bytes(mail.raw).decode(errors="replace")
        if mail.channel == Channel.SMS:
            return {"mail": mail, "text": text, "size": sms_size(text)}
        try:
            told = json.loads(text)
        except ValueError:
            told = {}
        told = told if isinstance(told, dict) else {}
        return {"mail": mail, "text": str(told.get("body", text)), "notification": told}


class MailBodyView(UnfoldModelAdminViewMixin, View):
    """The HTML of a mail alone, for the frame of its page; a policy of its own shuts it in."""

    title = ""
    permission_required = "campaigns.view_inboxmail"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        html = part_of(parse(get_object_or_404(InboxMail, pk=pk)), "html")
        page = f'<base target="_blank">{html}'
        return HttpResponse(page, headers={"Content-Security-Policy": SANDBOX})


class ClearInboxView(UnfoldModelAdminViewMixin, View):
    title = ""
    permission_required = "campaigns.delete_inboxmail"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        count = services.clear_inbox(before=timezone.now())
        messages.success(request, _("%(count)d mails were thrown away.") % {"count": count})
        return redirect("admin:campaigns_inboxmail_changelist")


def parse(mail: InboxMail) -> EmailMessage:
    """Return the mail parsed leniently."""
    return message_from_bytes(bytes(mail.raw), policy=policy.default)


def part_of(parsed: EmailMessage, subtype: str) -> str:
    """Return the text of the mail's first part of this kind; empty when there is none or it is broken."""
    try:
        body = parsed.get_body(preferencelist=(subtype,))
        return body.get_content() if body is not None else ""
    except (MessageError, LookupError, ValueError, AttributeError):
        return ""


@admin.register(InboxMail)
class InboxMailAdmin(ReadOnlyAdmin):
    """The mails that the local listener received, and SMS and notifications: for trying things out."""

    list_display = ["subject_or_none", "channel", "to", "sender", "received_at"]
    list_filter = ["channel"]
    list_display_links = ["subject_or_none"]
    search_fields = [
        "subject"
    ]  # Not the recipients: a search stands in the address of the page, and in logs.
    search_help_text = gettext_lazy("Subject")
    list_per_page = 25
    show_full_result_count = False
    ordering = ["-id"]
    list_before_template = "campaigns/inbox_note.html"
    empty_text = gettext_lazy("Start a campaign, or send a test of one: what it sends is read here.")

    def get_queryset(self, request: HttpRequest):
        return super().get_queryset(request).defer("raw")

    @admin.display(description=gettext_lazy("Subject"), ordering="subject")
    def subject_or_none(self, mail: InboxMail) -> str:
        return mail.subject or _("(no subject)")

    @admin.display(description=gettext_lazy("To"))
    def to(self, mail: InboxMail) -> str:
        return ", ".join(mail.recipients[:3])

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if not object_id.isdigit():
            raise Http404
        return MailView.as_view(model_admin=self)(request, pk=int(object_id))

    def get_urls(self) -> list:
        body = self.admin_site.admin_view(MailBodyView.as_view(model_admin=self))
        clear = self.admin_site.admin_view(ClearInboxView.as_view(model_admin=self))
        return [
            path("<int:pk>/body/", body, name="campaigns_inboxmail_body"),
            path("clear/", clear, name="campaigns_inboxmail_clear"),
            *super().get_urls(),
        ]
