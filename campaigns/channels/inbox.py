"""The demo's own provider: what would have gone to a telephone can be read in the console."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from campaigns.channels.base import Capabilities, Envelope, Health, HookRefused, Outcome, Report, Result
from campaigns.models import InboxMail

LONGEST_SUBJECT = 300


@dataclass
class InboxDelivery:
    """Keeps messages where the inbox of the console shows them; they reach nobody."""

    channel: str
    capabilities = Capabilities()

    def send(self, envelopes: Sequence[Envelope]) -> list[Result]:
        for envelope in envelopes:
            InboxMail.objects.create(
                channel=self.channel,
                recipients=[envelope.recipient],
                subject=_subject(envelope.body)[:LONGEST_SUBJECT],
                raw=envelope.body,
            )
        return [Result(Outcome.ACCEPTED, "inbox") for _envelope in envelopes]

    def verify(self) -> Health:
        return Health("Inbox")

    def parse_webhook(self, request: HttpRequest) -> list[Report]:
        raise HookRefused("The inbox tells nothing.")

    def close(self) -> None:
        """Nothing is open."""


def _subject(body: bytes) -> str:
    """Return the title of a notification, or the first line of a text."""
    text = body.decode(errors="replace")
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    title = said.get("title") if isinstance(said, dict) else None
    return str(title) if title else text.strip().partition("\n")[0]
