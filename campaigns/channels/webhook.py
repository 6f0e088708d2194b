"""Messages to other systems of the merchant, signed as Standard Webhooks has it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.http import HttpRequest

from campaigns.channels.base import (
    Capabilities,
    Envelope,
    Health,
    HookRefused,
    Outcome,
    Outgoing,
    Report,
    Result,
    reference_of,
)
from campaigns.channels.http import HttpCaller, detail_of
from campaigns.models import Receiver
from operations.safe_http import Answer
from operations.webhook_signing import signed_headers

TYPE = "campaign.message"
GONE = 410


@dataclass
class WebhookSender:
    """Hands a person's message to the receiver that its content names: somebody prints, calls or chats.

    A receiver knows a message again by its `webhook-id`, so that silence is answered by sending it again.
    """

    capabilities = Capabilities(idempotency_window=timedelta(days=1))
    _caller: HttpCaller = field(default_factory=lambda: HttpCaller(idempotent=True, strangers=True))

    def prepare(self, outgoing: Outgoing) -> Envelope:
        message, rendered = outgoing.message, outgoing.rendered
        told = {
            "type": TYPE,
            "timestamp": outgoing.at.astimezone(UTC).isoformat(),
            "data": {
                "message": webhook_id(outgoing),
                "campaign": message.campaign.code if message.campaign else None,
                "customer": message.address,
                "text": rendered.text,
                "coupon": message.coupon_code or None,
                "unsubscribe_url": outgoing.unsubscribe_url or None,
            },
        }
        wrapped = {"receiver": rendered.subject, "id": webhook_id(outgoing), "body": json.dumps(told)}
        return Envelope(message.address, json.dumps(wrapped).encode(), reference_of(message))

    def send(self, envelopes: Sequence[Envelope]) -> list[Result]:
        return [self._send_one(json.loads(envelope.body)) for envelope in envelopes]

    def verify(self) -> Health:
        return Health("Webhook", configured=Receiver.objects.filter(active=True).exists())

    def parse_webhook(self, request: HttpRequest) -> list[Report]:
        raise HookRefused("Receivers tell nothing afterwards.")

    def close(self) -> None:
        self._caller.close()

    def _send_one(self, wrapped: dict[str, str]) -> Result:
        receiver = Receiver.objects.filter(code=wrapped["receiver"]).first()
        if receiver is None or not receiver.active:
            return Result(Outcome.TRANSIENT, f"The receiver {wrapped['receiver']} is switched off.")
        answer = self.call(receiver, wrapped["id"], wrapped["body"])
        if isinstance(answer, Result):
            return answer
        if answer.status < 300:
            return Result(Outcome.ACCEPTED, detail_of(answer))
        if answer.status == GONE:
            disable_receiver(receiver, reason=detail_of(answer))
            return Result(Outcome.TRANSIENT, detail_of(answer))
        return Result(Outcome.REJECTED, detail_of(answer))

    def call(self, receiver: Receiver, message_id: str, body: str) -> Answer | Result:
        """Send one signed call."""
        at = datetime.now(UTC)
        headers = signed_headers(receiver.secret, message_id=message_id, body=body, at=at)
        return self._caller.call("POST", receiver.url, headers=headers, body=body.encode())


def webhook_id(outgoing: Outgoing) -> str:
    """Return what receivers know a message by; it does not give its public page away."""
    return f"msg_{hashlib.sha256(b'webhook' + outgoing.message.token.bytes).hexdigest()[:32]}"


def disable_receiver(receiver: Receiver, *, reason: str) -> None:
    """Call a receiver no more that says it is gone; its messages wait for somebody to decide."""
    Receiver.objects.filter(pk=receiver.pk).update(active=False, disabled_reason=reason[:200])
