"""One class per channel; `open_sender` gives the one for a message, as settings choose its provider."""

from collections.abc import Callable

from campaigns.channels.base import (
    Capabilities,
    Envelope,
    Health,
    HookRefused,
    Outcome,
    Outgoing,
    Report,
    Result,
    Sender,
)
from campaigns.channels.email import SmtpSender
from campaigns.channels.push import PushSender
from campaigns.channels.sms import sms_sender
from campaigns.channels.webhook import WebhookSender
from customers.models import Channel

SENDERS: dict[str, Callable[[], Sender]] = {
    Channel.EMAIL: SmtpSender,
    Channel.SMS: sms_sender,
    Channel.PUSH: PushSender,
    Channel.WEBHOOK: WebhookSender,
}

__all__ = [
    "SENDERS",
    "Capabilities",
    "Envelope",
    "Health",
    "HookRefused",
    "Outcome",
    "Outgoing",
    "Report",
    "Result",
    "Sender",
    "open_sender",
]


def open_sender(channel: str) -> Sender:
    """Return a new sender of the channel; it connects when it first sends."""
    return SENDERS[channel]()
