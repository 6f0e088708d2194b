"""Notifications: to browsers (Web Push), to apps (FCM), or into the demo's inbox."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models.functions import Now
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
from campaigns.channels.fcm import FcmDelivery
from campaigns.channels.inbox import InboxDelivery
from campaigns.channels.web_push import WebPushDelivery
from campaigns.content.push import split_push
from campaigns.errors import UnsafeHeader
from campaigns.models import PushSubscription
from customers.models import Channel

LONGEST_LIFE = timedelta(days=1)  # A notification nobody saw in a day is none any more.
SCHEMES = ("https://", "http://")


@dataclass
class PushSender:
    """Finds the browser or app behind a contact point and hands the notification to its push service."""

    # A notification with the same tag takes the place of the first one.
    capabilities = Capabilities(idempotency_window=LONGEST_LIFE)
    _web: WebPushDelivery = field(default_factory=WebPushDelivery)
    _app: FcmDelivery = field(default_factory=FcmDelivery)

    def prepare(self, outgoing: Outgoing) -> Envelope:
        parts, message = split_push(outgoing.rendered.text), outgoing.message
        if parts.url and not parts.url.startswith(SCHEMES):
            raise UnsafeHeader("A notification opens no such address.")
        notification = {
            "title": " ".join(outgoing.rendered.subject.split()),
            "body": parts.text,
            "url": parts.url or settings.PUBLIC_URL,
            "tag": reference_of(message) or "test",
            "ttl": _seconds_left(message.expires_at, outgoing.at),
        }
        return Envelope(message.address, json.dumps(notification).encode(), reference_of(message))

    def send(self, envelopes: Sequence[Envelope]) -> list[Result]:
        known = PushSubscription.objects.filter(
            address__in=[one.recipient for one in envelopes], gone_at=None
        )
        found = {subscription.address: subscription for subscription in known}
        results = [self._send_one(envelope, found.get(envelope.recipient)) for envelope in envelopes]
        gone = [one.recipient for one, result in zip(envelopes, results, strict=True) if result.hard_bounce]
        if gone:
            PushSubscription.objects.filter(address__in=gone, gone_at=None).update(gone_at=Now())
        return results

    def verify(self) -> Health:
        problem = self._app.problem() if settings.FCM_CREDENTIALS else ""
        return Health("Web Push and FCM" if settings.FCM_CREDENTIALS else "Web Push", problem=problem)

    def parse_webhook(self, request: HttpRequest) -> list[Report]:
        raise HookRefused("Push services tell nothing afterwards.")

    def close(self) -> None:
        self._web.close()
        self._app.close()

    def _send_one(self, envelope: Envelope, subscription: PushSubscription | None) -> Result:
        if subscription is None:
            return Result(Outcome.REJECTED, "The subscription is gone.", hard_bounce=True)
        notification: dict[str, Any] = json.loads(envelope.body)
        match subscription.kind:
            case PushSubscription.Kind.WEB:
                return self._web.deliver(subscription, notification)
            case PushSubscription.Kind.APP:
                return self._app.deliver(subscription, notification)
            case _inbox:
                return InboxDelivery(Channel.PUSH).send([envelope])[0]


def _seconds_left(expires_at: datetime | None, at: datetime) -> int:
    life = min(expires_at - at, LONGEST_LIFE) if expires_at else LONGEST_LIFE
    return max(0, int(life.total_seconds()))
