"""A provider that fails on purpose, for tests: it stands between the outbox and a real sender.

settings.CHANNEL_FAULTS is `{"email": {"refuse": 0.1, "busy": 0.1, "silent": 0.05, "lost": 0.05, "slow": 0.02,
"seconds": 1, "seed": 7}}`: shares of the messages that are refused, not taken just now, swallowed without an
answer, delivered without an answer, or delivered late.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from campaigns.channels.base import Capabilities, Envelope, Health, Outcome, Outgoing, Report, Result, Sender

KINDS = ("refuse", "busy", "silent", "lost", "slow")


@dataclass
class FaultySender:
    """Passes messages on to `sender`, except for those that the lot chose."""

    sender: Sender
    faults: Mapping[str, Any]
    _calls: int = 0

    @property
    def capabilities(self) -> Capabilities:
        return self.sender.capabilities

    def prepare(self, outgoing: Outgoing) -> Envelope:
        return self.sender.prepare(outgoing)

    def send(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return [self._send_one(envelope) for envelope in envelopes]

    def verify(self) -> Health:
        return self.sender.verify()

    def parse_webhook(self, request: HttpRequest) -> list[Report]:
        return self.sender.parse_webhook(request)

    def close(self) -> None:
        self.sender.close()

    def _send_one(self, envelope: Envelope) -> Result:
        self._calls += 1
        match self._lot(envelope):
            case "refuse":
                return Result(Outcome.REJECTED, "refused on purpose")
            case "busy":
                return Result(Outcome.TRANSIENT, "busy on purpose")
            case "silent":
                return Result(Outcome.UNKNOWN, "silent on purpose")
            case "lost":
                self.sender.send([envelope])
                return Result(Outcome.UNKNOWN, "delivered, and silent on purpose")
            case "slow":
                time.sleep(float(self.faults.get("seconds", 1)))
        return self.sender.send([envelope])[0]

    def _lot(self, envelope: Envelope) -> str:
        """Return what befalls a message at this attempt: the same in every run of the same seed."""
        told = f"{self.faults.get('seed', 0)}:{envelope.recipient}:{envelope.reference}:{self._calls}"
        draw = int.from_bytes(hashlib.sha256(told.encode()).digest()[:4]) / 2**32
        for kind in KINDS:
            share = float(self.faults.get(kind, 0))
            if draw < share:
                return kind
            draw -= share
        return ""


def with_faults(channel: str, sender: Sender) -> Sender:
    """Return the sender as settings want it. Raises ImproperlyConfigured in production."""
    faults = settings.CHANNEL_FAULTS.get(channel)
    if not faults:
        return sender
    if settings.ENVIRONMENT == "production":
        raise ImproperlyConfigured("CHANNEL_FAULTS loses messages on purpose: never in production.")
    return FaultySender(sender, faults)
