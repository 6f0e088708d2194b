"""Which provider a call to /hooks/NAME claims to come from."""

from urllib.parse import urlsplit

from django.conf import settings

from campaigns.channels.base import Sender
from campaigns.channels.esp import EspSender
from campaigns.channels.sms import GatewaySender, TwilioSender
from customers.models import Channel


def provider_sender(name: str) -> tuple[str, Sender] | None:
    """Return the channel and a sender of the provider with this name; None for one that is not in use."""
    scheme = urlsplit(settings.SMS_URL).scheme
    if name == "twilio" and scheme == "twilio":
        return Channel.SMS, TwilioSender()
    if name == "sms" and scheme in {"http", "https"}:
        return Channel.SMS, GatewaySender()
    if settings.EMAIL_ESP and name == settings.EMAIL_ESP:
        return Channel.EMAIL, EspSender()
    return None
