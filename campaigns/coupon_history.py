"""What became of the messages that carried a code."""

from django.utils.translation import gettext as _

from campaigns.models import Message, MessageState
from coupons.history import MOST, Chapter
from coupons.models import Coupon

NOT_SENT = [
    MessageState.SUPPRESSED,
    MessageState.FAILED,
    MessageState.DEAD,
    MessageState.CANCELLED,
    MessageState.EXPIRED,
    MessageState.UNKNOWN,
]


def message_chapters(coupon: Coupon) -> list[Chapter]:
    """Return the messages with this code that left, and those that did not."""
    messages = (
        Message.objects.filter(publication__coupon=coupon, state__in=[MessageState.SENT, *NOT_SENT])
        .select_related("campaign", "customer")
        .order_by("-id")[:MOST]
    )
    return [_chapter(message) for message in messages]


def _chapter(message: Message) -> Chapter:
    sent = message.state == MessageState.SENT
    parts = [
        _("to %(customer)s") % {"customer": message.customer},
        str(message.campaign) if message.campaign else "",
        "" if sent else message.get_state_display(),
        message.get_reason_display(),
    ]
    facts = {
        "message": str(message.pk),
        "channel": message.channel,
        "campaign": message.campaign.code if message.campaign else None,
        "reason": message.reason or None,
        "customer": str(message.customer.public_id),
    }
    at = message.sent_at if sent and message.sent_at else message.created_at
    return Chapter(
        at, "sent" if sent else "not_sent", " · ".join(part for part in parts if part), facts=facts
    )
