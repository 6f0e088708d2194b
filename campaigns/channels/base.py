"""What a channel can do, and what it tells about each message it was given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from django.http import HttpRequest

from campaigns.content import Rendered
from campaigns.leaving import unsubscribe_url
from campaigns.models import CampaignVersion, Message
from customers.models import Purpose

LONGEST_DETAIL = 300


class Outcome(StrEnum):
    """ACCEPTED and REJECTED are final; TRANSIENT is proof of non-acceptance; UNKNOWN is neither."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    TRANSIENT = "TRANSIENT"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Result:
    """What became of one message.

    `hard_bounce`: the address must not be written to again. `unreachable`: nothing is known about this
    message's recipient, the provider itself is away. `provider_id` is what the provider calls the message.
    """

    outcome: Outcome
    detail: str = ""
    hard_bounce: bool = False
    unreachable: bool = False
    provider_id: str = ""


@dataclass(frozen=True)
class Capabilities:
    """What a channel can do.

    `batch_size`: how many messages one `send` takes. `idempotency_window`: how long the provider knows a
    message again by our reference, so that sending it twice reaches nobody twice; None for never. `reports`:
    it tells afterwards what became of a message.
    """

    batch_size: int = 1
    idempotency_window: timedelta | None = None
    reports: bool = False

    @property
    def idempotent(self) -> bool:
        return self.idempotency_window is not None


@dataclass(frozen=True)
class Health:
    """Whether messages can leave: `configured` is what the settings say, `problem` what stands against it."""

    provider: str
    configured: bool = True
    problem: str = ""

    @property
    def well(self) -> bool:
        return self.configured and not self.problem


@dataclass(frozen=True)
class Report:
    """What a provider told of one message afterwards; `kind` is one of ProviderEvent.Kind.

    `key` makes it the same report when it comes again. `reference` is ours, `provider_id` theirs; one of the
    two says which message it is about.
    """

    key: str
    kind: str
    occurred_at: datetime | None = None
    reference: str = ""
    provider_id: str = ""
    recipient: str = ""
    detail: str = ""


class HookRefused(Exception):
    """A call that claims to be a provider's and does not prove it."""


@dataclass(frozen=True)
class Outgoing:
    """One message on its way: its content as the recipient gets it.

    `version` is None for a message without a campaign; `message` need not be saved (a test has no row).
    """

    message: Message
    rendered: Rendered
    version: CampaignVersion | None
    at: datetime

    @property
    def unsubscribe_url(self) -> str:
        """Return where the recipient leaves; empty for what is not advertising."""
        return "" if self.message.purpose == Purpose.SERVICE else unsubscribe_url(self.message.token)


@dataclass(frozen=True)
class Envelope:
    """One prepared message; `body` is the channel's own format, `reference` how we call it ourselves."""

    recipient: str
    body: bytes
    reference: str = ""


class Sender(Protocol):
    """A way to hand messages to a provider over one connection, which `close` ends."""

    capabilities: Capabilities

    def prepare(self, outgoing: Outgoing) -> Envelope:
        """Put a message into the channel's format. Raises UnsafeHeader for what cannot be sent safely."""
        ...

    def send(self, envelopes: Sequence[Envelope]) -> list[Result]:
        """Hand messages over, at most `capabilities.batch_size`; return what became of each, in order.

        Never raises for what the provider or the network does.
        """
        ...

    def verify(self) -> Health:
        """Try the way to the provider without sending anything to anybody."""
        ...

    def parse_webhook(self, request: HttpRequest) -> list[Report]:
        """Return what a provider's call tells. Raises HookRefused, ValueError for what cannot be read."""
        ...

    def close(self) -> None: ...


def short_detail(text: str) -> str:
    """Return what a provider said as it is kept: one line, not too long."""
    return " ".join(text.split())[:LONGEST_DETAIL]


def reference_of(message: Message) -> str:
    """Return what providers may call a message: it says nothing, and gives no page away."""
    return str(message.pk or "")
