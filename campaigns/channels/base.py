"""What a channel can do, and what it tells about each message it was given."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


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
    message's recipient, the provider itself is away.
    """

    outcome: Outcome
    detail: str = ""
    hard_bounce: bool = False
    unreachable: bool = False


@dataclass(frozen=True)
class Capabilities:
    """`idempotent`: the provider takes keys, so that an UNKNOWN may be sent again."""

    batch_size: int = 1
    idempotent: bool = False


@dataclass(frozen=True)
class Envelope:
    """One rendered message, ready for its channel; `body` is the channel's own format."""

    recipient: str
    body: bytes


class Sender(Protocol):
    """A way to hand messages to a provider over one connection, which `close` ends."""

    capabilities: Capabilities

    def send(self, envelope: Envelope) -> Result:
        """Hand one message over; never raises for what the provider or the network does."""
        ...

    def close(self) -> None: ...
