"""One class per channel; `open_sender` gives the one for a message."""

from campaigns.channels.base import Capabilities, Envelope, Outcome, Outgoing, Result, Sender
from campaigns.channels.email import SmtpSender
from customers.models import Channel

SENDERS: dict[str, type[Sender]] = {Channel.EMAIL: SmtpSender}

__all__ = [
    "SENDERS",
    "Capabilities",
    "Envelope",
    "Outcome",
    "Outgoing",
    "Result",
    "Sender",
    "open_sender",
]


def open_sender(channel: str) -> Sender:
    """Return a new sender of the channel; it connects when it first sends."""
    return SENDERS[channel]()
