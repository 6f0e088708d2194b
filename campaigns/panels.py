"""What campaigns shows on a customer's page: what we wrote to them, and why not."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.admin.by_hand import MAY_SEND, sent_by_hand
from campaigns.models import JourneyPosition, Message
from campaigns.services.transactional import CONFIRMATION
from customers.models import Customer
from customers.panels import Action, Panel
from loyalty.services.member_mails import MemberMail
from operations.figures import Cell, Column, Table
from operations.formats import moment

MESSAGES_SHOWN = 25
TONES = {"SENT": "good", "FAILED": "bad", "DEAD": "bad", "SUPPRESSED": "warn", "UNKNOWN": "warn"}


def messages_panel(customer: Customer, request: HttpRequest) -> Panel | None:
    """Return the customer's newest messages as a tab."""
    if not request.user.has_perm("campaigns.view_message"):
        return None
    messages = customer.messages.order_by("-id")
    newest = messages.select_related("campaign", "publication__coupon")[:MESSAGES_SHOWN]
    return Panel(
        code="messages",
        title=_("Messages"),
        template="campaigns/customer_messages.html",
        context={
            "written": _table(list(newest)),
            "messages_url": _all_of(customer),
            "journeys": _journeys(customer),
        },
        actions=_actions(customer, request),
        count=messages.count(),
    )


def _actions(customer: Customer, request: HttpRequest) -> list[Action]:
    live = customer.status in (Customer.Status.ACTIVE, Customer.Status.PROSPECT)
    if not live or not request.user.has_perm(MAY_SEND) or not sent_by_hand().exists():
        return []
    url = reverse("admin:campaigns_campaign_send_to", args=[customer.pk])
    return [Action(_("Send a campaign"), url, icon="send")]


def _table(messages: list[Message]) -> Table:
    return Table(
        [
            Column(_("When")),
            Column(_("What")),
            Column(_("State")),
            Column(_("Reason")),
            Column(_("Code")),
        ],
        [
            [
                moment(message.sent_at or message.created_at),
                _what(message),
                Cell(message.get_state_display(), tone=TONES.get(message.state, "info")),
                message.get_reason_display(),
                message.coupon_code,
            ]
            for message in messages
        ],
        caption=_("Messages to this customer"),
        empty_title=_("We have not written to this customer"),
        empty_text=_("Campaigns and coupons that are sent by e-mail stand here, with what became of them."),
        empty_icon="mail",
    )


def _journeys(customer: Customer) -> Table | None:
    """Return where the person is, or was, in journeys; None for who was never in one."""
    ways = JourneyPosition.objects.filter(customer=customer).select_related("campaign").order_by("-id")
    rows = [
        [
            str(way.campaign),
            moment(way.entered_at),
            way.step,
            way.get_state_display(),
            moment(way.due_at) if way.ended_at is None else "",
        ]
        for way in ways[:MESSAGES_SHOWN]
    ]
    if not rows:
        return None
    columns = [_("Journey"), _("Entered"), _("Step"), _("State"), _("Goes on at the latest")]
    return Table([Column(each) for each in columns], rows, caption=_("Journeys of this customer"))


def _what(message: Message) -> str:
    if message.campaign:
        return str(message.campaign)
    words = {
        CONFIRMATION: _("Please confirm: a consent"),
        MemberMail.LINK: _("The link to their card"),
        MemberMail.JOIN: _("Please confirm: joining"),
    }
    return words.get(message.step) or _("A coupon")


def _all_of(customer: Customer) -> str:
    return f"{reverse('admin:campaigns_message_changelist')}?customer__id__exact={customer.pk}"
