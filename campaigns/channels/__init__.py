"""One class per channel; `open_sender` gives the one for a message, as settings choose its provider."""

from collections.abc import Callable

from django.conf import settings

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
from campaigns.channels.esp import EspSender
from campaigns.channels.faults import with_faults
from campaigns.channels.push import PushSender
from campaigns.channels.sms import sms_sender
from campaigns.channels.webhook import WebhookSender
from customers.models import Channel


def mail_sender() -> SmtpSender | EspSender:
    """Return a sender of mails: over the provider's API where one is named, else by SMTP."""
    return EspSender() if settings.EMAIL_ESP else SmtpSender()


SENDERS: dict[str, Callable[[], Sender]] = {
    Channel.EMAIL: mail_sender,
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
    return with_faults(channel, SENDERS[channel]())
